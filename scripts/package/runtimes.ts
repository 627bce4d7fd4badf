import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../shared/node.ts";
import { Project } from "./project.ts";
import { runtimeRelease } from "./release.ts";

/** The oldest that we promise, to the digit, and the releases in long-term support after it. */
export const RELEASES = ["20.19.0", "22.23.3", "24.21.0"];
/** With the oldest API of OpenTelemetry that we take. */
const MANIFEST = {
  name: "runtimes",
  private: true,
  dependencies: { holdfast: "^0.1.0", "@opentelemetry/api": "1.3.0" },
};
/** What packages/client/test/package/programs/round-trip.cjs sees. */
const ROUND_TRIP: object = {
  got: ["published", "hello"],
  answer: "hello to you",
  tag: "blue",
  noResponders: true,
  drained: true,
  confirmed: 4,
};
/** What packages/client/test/package/programs/otel-observe.cjs sees. */
const OBSERVED: object = { instruments: 26, confirmed: 1 };
const PROGRAMS: string = join(root, "packages/client/test/package/programs");

/** Uses the packed library by `require` and by `import` on every release of Node we support, on a real server. */
export async function tryRuntimes(registryUrl: string, serverUrl: string, say: (line: string) => void): Promise<void> {
  using project = new Project({ manifest: MANIFEST, files: PROGRAMS });
  project.useRegistry(registryUrl);
  await project.install();
  for (const version of RELEASES) {
    const node = await runtimeRelease("node", version);
    if (node === undefined) {
      say(`Node ${version}: not tried, npm has none for ${process.platform} on ${process.arch}`);
      continue;
    }
    assert.equal((await project.run(["--version"], {}, node)).trim(), `v${version}`);
    await expectOutput(project, "by-require.cjs", ROUND_TRIP, serverUrl, node);
    await expectOutput(project, "by-import.mjs", { ...ROUND_TRIP, same: true }, serverUrl, node);
    await expectOutput(project, "otel-by-require.cjs", OBSERVED, serverUrl, node);
    await expectOutput(project, "otel-by-import.mjs", OBSERVED, serverUrl, node);
    say(`Node ${version}: require, import; publish, request, drain; holdfast/otel`);
  }
}

/** Runs a program on a real server, and compares what it saw. */
async function expectOutput(project: Project, file: string, expected: object, serverUrl: string, node: string): Promise<void> {
  const seen = JSON.parse(await project.run([file], { NATS_URL: serverUrl }, node)) as unknown;
  assert.deepEqual(seen, expected, `${file} on ${node}`);
}
