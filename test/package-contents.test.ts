import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { manifestProblems, missing, readManifest, strangers } from "../scripts/package/contents.ts";
import { BUDGETS, checkSizes, type Size } from "../scripts/package/size.ts";
import { root } from "../scripts/shared/node.ts";

const PACKAGES = ["client", "cli"];

test("what is published is held against a list: tests, build records and dead names are found", () => {
  const files = ["package.json", "dist/a.js", "dist/a.d.ts.map", "src/a.ts", "bin/holdfast.js"];
  assert.deepEqual(strangers(files), []);
  for (const file of ["test/a.test.ts", "dist/.tsbuildinfo", "src/a.test.ts", "dist/a.json", ".npmrc"])
    assert.equal(strangers([...files, file]).length, 1, file);
  const manifest = {
    bin: { holdfast: "./bin/holdfast.js" },
    exports: { ".": { types: "./dist/a.d.ts", default: "./dist/a.js" } },
  };
  const named = missing(manifest, new Set([...files, "README.md"])).map((problem) => problem.split(":")[0]);
  assert.deepEqual(named, ["LICENSE", "dist/a.d.ts"]);
});

test("no package of ours has a script that runs at an installation; licence, engines and type are right", () => {
  for (const name of PACKAGES) assert.deepEqual(manifestProblems(readManifest(name)), [], name);
  const wrong = manifestProblems({ scripts: { postinstall: "node evil.js", test: "node --test" } });
  assert.deepEqual(
    wrong.map((problem) => /postinstall|license|engines|type/.exec(problem)?.[0]),
    ["postinstall", "license", "engines", "type"],
  );
});

test("both packages have one version, and the command line takes that of the library exactly", () => {
  const [library, commandLine] = PACKAGES.map((name) => readManifest(name));
  assert.equal(commandLine?.version, library?.version);
  assert.equal(commandLine?.dependencies?.holdfast, library?.version);
});

test("nothing that comes with our packages runs a script at an installation", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { hasInstallScript?: boolean; dev?: boolean }>;
  };
  const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path.includes("node_modules/") && dev !== true);
  assert.ok(
    shipped.some(([path]) => path.endsWith("@nats-io/nats-core")),
    "the lock was read",
  );
  assert.deepEqual(
    shipped.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path),
    [],
  );
});

test("each package has the licence", () => {
  const licence = readFileSync(join(root, "LICENSE"), "utf8");
  for (const name of PACKAGES) assert.equal(readFileSync(join(root, "packages", name, "LICENSE"), "utf8"), licence, name);
});

test("a size above its budget fails, and says which and by how much", () => {
  const size = (measured: number): Size => ({ what: "tarball", unit: "bytes", measured, budget: 1000 });
  checkSizes([size(1000)]);
  assert.throws(() => checkSizes([size(1000), size(1100)]), /tarball: 1100 bytes, 10\.0 % above the budget of 1000/);
});

test("the budgets that docs/DEPENDENCIES.md names are those that are held", () => {
  const page = readFileSync(join(root, "docs/DEPENDENCIES.md"), "utf8");
  const [, section = ""] = page.split("## Size of the library");
  const named = [...section.matchAll(/^\|[^|]*\|[^|]*\| ([\d ]+) \|$/gm)].map(([, figure = ""]) =>
    Number(figure.replaceAll(" ", "")),
  );
  assert.deepEqual(named, Object.values(BUDGETS));
});
