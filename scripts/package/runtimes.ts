import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../shared/node.ts";
import { nodeRelease } from "./node-release.ts";
import { Project } from "./project.ts";

/** The oldest that we promise, to the digit, and the releases in long-term support after it. */
const RELEASES = ["20.19.0", "22.23.3", "24.21.0"];
const MANIFEST = { name: "runtimes", private: true, dependencies: { holdfast: "^0.1.0" } };
/** What packages/client/test/package/programs/round-trip.cjs sees. */
const ROUND_TRIP: object = {
  got: ["published", "hello"],
  answer: "hello to you",
  tag: "blue",
  noResponders: true,
  drained: true,
  confirmed: 4,
};
const PROGRAMS: string = join(root, "packages/client/test/package/programs");

/** Uses the packed library by `require` and by `import` on every release of Node we support, on a real server. */
export async function tryRuntimes(registryUrl: string, serverUrl: string, say: (line: string) => void): Promise<void> {
  using project = new Project({ manifest: MANIFEST, files: PROGRAMS });
  project.useRegistry(registryUrl);
  await project.install();
  for (const version of RELEASES) {
    const node = await nodeRelease(version);
    if (node === undefined) {
      say(`Node ${version}: not tried, npm has none for ${process.platform} on ${process.arch}`);
      continue;
    }
    assert.equal((await project.run(["--version"], {}, node)).trim(), `v${version}`);
    await expectRoundTrip(project, "by-require.cjs", ROUND_TRIP, serverUrl, node);
    await expectRoundTrip(project, "by-import.mjs", { ...ROUND_TRIP, same: true }, serverUrl, node);
    say(`Node ${version}: require, import; publish, request, drain`);
  }
}

/** Runs a program that does a round trip, and compares what it saw. */
async function expectRoundTrip(project: Project, file: string, expected: object, serverUrl: string, node: string): Promise<void> {
  const seen = JSON.parse(await project.run([file], { NATS_URL: serverUrl }, node)) as unknown;
  assert.deepEqual(seen, expected, `${file} on ${node}`);
}
