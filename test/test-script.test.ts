import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { root as workspaceRoot } from "../scripts/shared/node.ts";
import { spreadOut, testFiles } from "../scripts/test.ts";

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
