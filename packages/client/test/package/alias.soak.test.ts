import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { packLibrary } from "../../../../scripts/package/pack.ts";
import { Project } from "../../../../scripts/package/project.ts";
import { startRegistry } from "../../../../scripts/package/registry.ts";
import { startNatsServer } from "../../src/testing/index.ts";
import { limit, programs, withRegistry } from "./harness.ts";

const OFFICIAL = "@nats-io/transport-node";
/** What docs/MIGRATING.md tells people to write into package.json, block by block. */
const [ALIAS, OVERRIDES, BOTH] = recipes(readFileSync(new URL("../../../../docs/MIGRATING.md", import.meta.url), "utf8"));
/** What programs/round-trip.cjs sees with Holdfast. */
const ROUND_TRIP = {
  got: ["published", "hello"],
  answer: "hello to you",
  tag: "blue",
  noResponders: true,
  drained: true,
  confirmed: 4,
};

type Versions = Readonly<Record<string, string>>;
/** What matters of a package.json. */
interface Manifest {
  readonly dependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly overrides?: Versions;
}

test("alias: `@nats-io/transport-node` as `npm:holdfast` runs code that was not changed", limit, (t) =>
  installed(t, ALIAS, {}, [], async (project) => {
    assert.deepEqual(project.copies(OFFICIAL), { [`node_modules/${OFFICIAL}`]: "holdfast@0.1.0" });
    assert.deepEqual(await runs(project, "unchanged.mjs"), ROUND_TRIP);
  }),
);

test("overrides: a dependency's `@nats-io/transport-node` becomes Holdfast", limit, (t) =>
  installed(
    t,
    OVERRIDES,
    { "uses-nats": "file:uses-nats-1.0.0.tgz" },
    [{ name: "uses-nats", dependencies: { [OFFICIAL]: "^3.3.1" } }],
    async (project) => {
      assert.deepEqual(project.copies(OFFICIAL), { [`node_modules/${OFFICIAL}`]: "holdfast@0.1.0" });
      assert.deepEqual(await runs(project, "node_modules/uses-nats/unchanged.mjs"), ROUND_TRIP);
    },
  ),
);

test("alias and overrides together: one Holdfast for the program, a dependency and a peer that wants version 3", limit, (t) =>
  installed(
    t,
    BOTH,
    { "uses-nats": "file:uses-nats-1.0.0.tgz", "nats-plugin": "file:nats-plugin-1.0.0.tgz" },
    [
      { name: "uses-nats", dependencies: { [OFFICIAL]: "^3.3.1" } },
      { name: "nats-plugin", peerDependencies: { [OFFICIAL]: "^3.0.0" } },
    ],
    async (project) => {
      assert.deepEqual(project.copies(OFFICIAL), { [`node_modules/${OFFICIAL}`]: "holdfast@0.1.0" });
      for (const program of ["unchanged.mjs", "node_modules/uses-nats/unchanged.mjs", "node_modules/nats-plugin/unchanged.mjs"])
        assert.deepEqual(await runs(project, program), ROUND_TRIP, program);
    },
  ),
);

test("require and import of the packed library lead to one module", limit, (t) =>
  installed(t, {}, { holdfast: "^0.1.0" }, [], async (project) => {
    assert.deepEqual(await runs(project, "by-require.cjs"), ROUND_TRIP);
    assert.deepEqual(await runs(project, "by-import.mjs"), { ...ROUND_TRIP, same: true });
  }),
);

/** Installs a project, by a recipe, from a registry that has Holdfast, beside packages that were written for the official client. */
async function installed(
  t: TestContext,
  recipe: Manifest | undefined,
  more: Versions,
  others: readonly (Manifest & { readonly name: string })[],
  use: (project: Project) => Promise<void>,
): Promise<void> {
  await withRegistry(t, async () => {
    await using registry = await startRegistry(await packLibrary());
    assert.ok(recipe !== undefined, "docs/MIGRATING.md has lost a recipe");
    const dependencies = { ...recipe.dependencies, ...more };
    using project = new Project({ manifest: { name: "alias", private: true, ...recipe, dependencies }, files: programs });
    project.useRegistry(registry.url);
    for (const other of others) await pack(project, other);
    await project.install();
    await use(project);
  });
}

/** Somebody else's package, as it would come from a registry: a folder would be linked, and its dependencies stay its own. */
async function pack(project: Project, manifest: Manifest & { readonly name: string }): Promise<void> {
  using source = new Project({ manifest: { version: "1.0.0", ...manifest }, files: programs });
  await source.npm("pack", "--pack-destination", project.folder);
}

/** The blocks of JSON in a document. */
function recipes(text: string): Manifest[] {
  return [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = ""]) => JSON.parse(json) as Manifest);
}

async function runs(project: Project, program: string): Promise<unknown> {
  await using server = await startNatsServer();
  return JSON.parse(await project.run([program], { NATS_URL: server.url }));
}
