import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { root as workspaceRoot } from "../scripts/shared/node.ts";
import { spreadOut, testFiles } from "../scripts/test.ts";
import { inGroups } from "../scripts/test-groups.ts";

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-test-")));
  const files = [
    "packages/client/test/outbound/log.test.ts",
    "packages/client/test/outbound/log.soak.test.ts",
    "packages/client/test/outbound/helpers.ts",
    "packages/client/test/deep/er/still.test.ts",
    "packages/client/src/outbound/not.test.ts",
    "packages/cli/package.json",
    "test/root.test.ts",
  ];
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "");
  }
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("all test files at any depth are listed, soak tests and helpers are not", () => {
  const expected = [
    "packages/client/test/deep/er/still.test.ts",
    "packages/client/test/outbound/log.test.ts",
    "test/root.test.ts",
  ];
  assert.deepEqual(testFiles(root, false, []), expected);
});

test("a soak run lists the soak tests only", () => {
  assert.deepEqual(testFiles(root, true, []), ["packages/client/test/outbound/log.soak.test.ts"]);
});

test("filters are parts of paths, and one of several is enough", () => {
  assert.deepEqual(testFiles(root, false, ["outbound/lo", "root"]), [
    "packages/client/test/outbound/log.test.ts",
    "test/root.test.ts",
  ]);
});

test("a filter that fits no file is an error, not a run of nothing", () => {
  const { status, stderr } = runScript(["no-such-test-file"]);
  assert.equal(status, 1);
  assert.match(stderr, /^No test file has one of these in its path: no-such-test-file\.$/m);
});

test("quick files of a folder become one module that imports them; long ones, those with hooks and all others stay", () => {
  const [one, two, long, hooked] = ["bytes/a", "protocol/b", "outbound/identity", "outbound/hooked"].map(
    (name) => `packages/client/test/${name}.test.ts`,
  ) as [string, string, string, string];
  const other = "packages/client/test/deep/er/still.test.ts";
  for (const file of [one, two, long, hooked]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), file === hooked ? "before(async () => {});\n" : "test();\n");
  }
  const cache = join(root, "cache");
  const [grouped = "", ...alone] = inGroups(root, [one, other, long, two, hooked], cache);
  assert.deepEqual(alone, [other, long, hooked]);
  assert.equal(grouped, join(cache, "values.test.mjs"));
  const imported = [...readFileSync(grouped, "utf8").matchAll(/^import "(.*)";$/gm)].map(([, url = ""]) => fileURLToPath(url));
  assert.deepEqual(
    imported,
    [one, two].map((file) => join(root, file)),
  );
});

test("every file of a whole run is in it once, alone or in a group", () => {
  const listed = testFiles(workspaceRoot, false, []);
  const run = inGroups(workspaceRoot, listed, join(root, "cache"));
  const inModules = run
    .filter((file) => file.endsWith(".mjs"))
    .flatMap((file) => [...readFileSync(file, "utf8").matchAll(/^import "(.*)";$/gm)])
    .map(([, url = ""]) => relative(workspaceRoot, fileURLToPath(url)).replaceAll("\\", "/"));
  assert.ok(inModules.length > 30, `${inModules.length} in groups`);
  assert.deepEqual([...run.filter((file) => !file.endsWith(".mjs")), ...inModules].sort(), listed);
});

function runScript(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const command = ["--import", "tsx", "scripts/test.ts", ...args];
  return spawnSync(process.execPath, command, { cwd: workspaceRoot, encoding: "utf8" });
}

test("neighbours by name run far apart, and no file is lost", () => {
  const files = Array.from({ length: 250 }, (_, i) => `test/${String(i).padStart(3, "0")}.test.ts`);
  const spread = spreadOut(files);
  assert.deepEqual([...spread].sort(), files);
  const places = files.map((file) => spread.indexOf(file));
  const ways = places.slice(1).map((place, i) => Math.abs(place - (places[i] ?? 0)));
  assert.ok(Math.min(...ways) > 80, `two neighbours are only ${Math.min(...ways)} files apart`);
});
