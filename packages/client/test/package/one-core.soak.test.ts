import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { packLibrary } from "../../../../scripts/package/pack.ts";
import { Project } from "../../../../scripts/package/project.ts";
import { startNatsServer } from "../../src/testing/index.ts";
import { limit, programs, withRegistry } from "./harness.ts";

const CORE = "@nats-io/nats-core";
const HOLDFAST = "holdfast";
const CURRENT = ["@nats-io/transport-node@3.4.0", "@nats-io/jetstream@3.4.0"];
/** The oldest whose nats-core Holdfast takes. They pin it exactly. */
const OLDER = ["@nats-io/transport-node@3.3.1", "@nats-io/jetstream@3.3.1"];

test("one nats-core: an older official set first, then holdfast", limit, (t) => together(t, OLDER, [OLDER, [HOLDFAST]]));
test("one nats-core: holdfast first, then the current official set", limit, (t) => together(t, CURRENT, [[HOLDFAST], CURRENT]));
test("one nats-core: the current official set first, then holdfast", limit, (t) => together(t, CURRENT, [CURRENT, [HOLDFAST]]));
test("one nats-core: holdfast and an older official set at once", limit, (t) => together(t, OLDER, [[HOLDFAST, ...OLDER]]));

// npm never puts an older version in the place of a newer one by itself: it gives each official module a copy of its own.
test("one nats-core: holdfast first, then an older official set, then `npm dedupe`", limit, (t) =>
  together(t, OLDER, [[HOLDFAST], OLDER], async (project) => {
    assert.deepEqual(project.copies(CORE), {
      [`node_modules/${CORE}`]: `${CORE}@3.4.0`,
      [`node_modules/@nats-io/jetstream/node_modules/${CORE}`]: `${CORE}@3.3.1`,
      [`node_modules/@nats-io/transport-node/node_modules/${CORE}`]: `${CORE}@3.3.1`,
    });
    await project.npm("dedupe");
  }),
);

/** Installs the official modules and Holdfast into an empty project, looks at the tree, and runs a program that uses both. */
async function together(
  t: TestContext,
  official: readonly string[],
  steps: readonly (readonly string[])[],
  afterwards?: (project: Project) => Promise<void>,
): Promise<void> {
  await withRegistry(t, async () => {
    const { tarball } = await packLibrary();
    using project = new Project({ manifest: { name: "together", private: true }, files: programs });
    project.useDay("2026-11-01");
    for (const step of steps) await project.install(...step.map((name) => (name === HOLDFAST ? tarball : name)));
    await afterwards?.(project);

    const version = official[0]?.split("@").at(-1);
    assert.deepEqual(project.copies(CORE), { [`node_modules/${CORE}`]: `${CORE}@${version}` });
    // `holdfast/otel` needs it, `holdfast` does not: what runs below runs without.
    assert.deepEqual(project.copies("@opentelemetry/api"), {});

    await using server = await startNatsServer({ jetStream: true });
    const seen = JSON.parse(await project.run(["one-core.mjs"], { NATS_URL: server.url })) as unknown;
    const jobs = Array.from({ length: 10 }, (_, i) => `job ${i}`);
    assert.deepEqual(seen, { notOurs: [], notInstances: [], jobs, left: 0 });
  });
}
