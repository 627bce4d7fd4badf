import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { packLibrary } from "../../../../scripts/package/pack.ts";
import { Project } from "../../../../scripts/package/project.ts";
import { startRegistry } from "../../../../scripts/package/registry.ts";
import { type RuntimeName, runtimeRelease } from "../../../../scripts/package/release.ts";
import { limit, programs, withRegistry } from "./harness.ts";
import { openOutageStage } from "./outage-stage.ts";

/** docs/guide/runtimes.md names them. */
const DENO = "2.9.6";
const BUN = "1.4.5";
const MANIFEST = {
  name: "other-runtimes",
  private: true,
  dependencies: { holdfast: "^0.1.0", "@opentelemetry/api": "1.9.1" },
};
const OVER_TLS = { withoutTheAuthority: "refused", answers: ["hello", 900_000, true, "again"], confirmed: 6 };
/** By program: what it sees where everything works. */
const SEEN = {
  "by-import.mjs": {
    got: ["published", "hello"],
    answer: "hello to you",
    tag: "blue",
    noResponders: true,
    drained: true,
    confirmed: 4,
    same: true,
  },
  "outages.mjs": {
    cut: { held: 1000, inOrder: true, confirmed: 1000, inDoubt: 0 },
    // One message was published to find out.
    hole: { held: 1000, inOrder: true, confirmed: 1000, inDoubt: 1 },
    flood: {
      lost: 0,
      twice: 0,
      disorder: 0,
      wronglyHandedBack: 0,
      states: ["inDoubt"],
      someInDoubt: true,
      adds: true,
    },
    tls: OVER_TLS,
    tlsFirst: OVER_TLS,
  },
  "stream.mjs": { stored: [1, 2] },
  "otel-by-import.mjs": { instruments: 26, confirmed: 1 },
};

/** What docs/guide/runtimes.md says that Deno has to allow. */
const ALLOW: Record<string, readonly string[]> = {
  "by-import.mjs": ["--allow-net", "--allow-env=NATS_URL"],
  "outages.mjs": ["--allow-net", "--allow-env", "--allow-read"],
  "otel-by-import.mjs": ["--allow-net", "--allow-env"],
  "stream.mjs": ["--allow-all"],
};

test("Node: outages, a flood that is cut, TLS, a stream, metrics", limit, (t) =>
  runsOn(t, "node", process.versions.node, () => []),
);
test(`Deno ${DENO}: the same, with no more permissions than the guide says`, limit, (t) =>
  runsOn(t, "deno", DENO, (file) => ["run", "--no-prompt", ...(ALLOW[file] ?? [])]),
);
test(`Bun ${BUN}: the same`, limit, (t) => runsOn(t, "bun", BUN, () => ["run"]));

async function runsOn(t: TestContext, runtime: RuntimeName, version: string, args: (file: string) => string[]): Promise<void> {
  await withRegistry(t, async () => {
    const program = await runtimeRelease(runtime, version);
    if (program === undefined) return t.skip(`there is no ${runtime} for ${process.platform} on ${process.arch}`);
    await using registry = await startRegistry(await packLibrary());
    using project = new Project({ manifest: MANIFEST, files: programs });
    project.useRegistry(registry.url);
    await project.install();
    await using stage = await openOutageStage(project);
    for (const [file, expected] of Object.entries(SEEN)) {
      const seen = JSON.parse(await project.run([...args(file), file], stage.env, program)) as unknown;
      assert.deepEqual(seen, expected, file);
    }
  });
}
