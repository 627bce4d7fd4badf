import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { parseTable } from "../scripts/peers/table.ts";
import { checkNames, checkRun, readTable } from "../scripts/peers.ts";
import { parseResults } from "../scripts/shared/test-results.ts";

const FILE = "packages/client/test/integration/some.test.ts";
let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-peers-")));
  writeTable("| Go | A | a | `first` |");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a row has one test, several, or a reason why there is none", () => {
  writeTable(
    "| Go | A | a | `first` |",
    "| C | B | b | `first`<br>`second, with (brackets): 100 %` |",
    "| C | C | c | no test: there is nothing like it here |",
  );
  assert.deepEqual(
    readTable(root).map(({ client, name, tests, reason }) => [client, name, tests, reason]),
    [
      ["Go", "A", ["first"], undefined],
      ["C", "B", ["first", "second, with (brackets): 100 %"], undefined],
      ["C", "C", [], "there is nothing like it here"],
    ],
  );
});

test("a row that is neither is an error which names its line", () => {
  assert.throws(() => parseTable("text\n| Go | A | a | first |"), /^Error: line 2: .*found "first"$/);
  assert.throws(() => parseTable("| Go | A | `first` |"), /^Error: line 1: expected 4 filled cells, found 3/);
  assert.throws(() => parseTable("| Go | A |  | `first` |"), /^Error: line 1: expected 4 filled cells/);
  assert.throws(() => parseTable("| Go | A | a | no test: none |"), /^Error: line 1: "no test: none" is no reason$/);
});

test("a name is that of exactly one test, however it is quoted", () => {
  writeTable("| Go | A | a | `first`<br>`second`<br>`third` |");
  writeTests("test('first', () => {});", "test(`second`, { timeout: 1 }, () => {});", 'it("third");');
  assert.deepEqual(checkNames(root), []);
});

test("a name without a test is found, and names that are only comments or strings do not count", () => {
  writeTests('// test("first")', 'const text = "first";', 'suite("first", () => {});', "test(text);");
  assert.deepEqual(checkNames(root), ['test/peers.md, line 5: there is no test "first"']);
});

test("a name of two tests is found", () => {
  writeTests('test("first");', 'test("first");');
  assert.deepEqual(checkNames(root), [`test/peers.md, line 5: more than one test "first": ${FILE}:1, ${FILE}:2`]);
});

test("a test that is switched off does not count, whichever way", () => {
  for (const off of [
    'test.skip("first")',
    'test.todo("first")',
    'test("first", { skip: true })',
    'test("first", { todo: "x" })',
  ]) {
    writeTests(off);
    assert.deepEqual(checkNames(root), [`test/peers.md, line 5: the test "first" is switched off (${FILE}:1)`], off);
  }
});

test("tests in files that npm test does not run do not count", () => {
  for (const file of ["packages/client/test/integration/some.ts", "packages/client/test/integration/some.soak.test.ts"]) {
    write(file, 'test("first");');
  }
  assert.deepEqual(checkNames(root), ['test/peers.md, line 5: there is no test "first"']);
});

test("of a run the tests in the table must have passed; others may do what they like", () => {
  writeTable("| Go | A | a | `passes` |", "| Go | B | b | `passes`<br>`fails` |", "| Go | C | c | `is skipped` |");
  writeTests(
    'import { test } from "node:test";',
    'test("passes", () => {});',
    'test("fails", () => { throw new Error("on purpose"); });',
    'test("is skipped", (t) => t.skip("on purpose"));',
    'test("is not in the table", () => { throw new Error("on purpose"); });',
  );
  assert.deepEqual(checkRun(root, run()), [
    'test/peers.md, line 6: the test "fails" did not pass: failed',
    'test/peers.md, line 7: the test "is skipped" did not pass: skipped',
  ]);
});

test("a test that did not run is found, also when a test elsewhere has its name", () => {
  writeTests('import { test } from "node:test";', 'if (process.argv.length > 100) test("first", () => {});');
  write("packages/client/test/other/some.test.ts", 'import { test } from "node:test"; test("first", () => {});');
  assert.deepEqual(checkRun(root, run()), ['test/peers.md, line 5: the test "first" did not run']);
});

test("results that are not what the reporter writes are refused", () => {
  assert.throws(() => parseResults('{"name":"first"}\n'), /^TypeError: not a test result: \{"name":"first"\}$/);
  assert.throws(() => parseResults("ok 1 - first\n"), SyntaxError);
});

function writeTable(...rows: readonly string[]): void {
  write("test/peers.md", ["# Title", "", "| client | case | what it pins | here |", "|---|---|:--|---|", ...rows, ""].join("\n"));
}

function writeTests(...lines: readonly string[]): void {
  write(FILE, lines.join("\n"));
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

/** Runs the test files with the reporter and returns what it wrote. */
function run(): string {
  write("package.json", '{ "type": "module" }');
  const reporter = new URL("../scripts/test-results.mjs", import.meta.url);
  const files = [FILE, "packages/client/test/other/some.test.ts"].filter((file) => existsSync(join(root, file)));
  // A runner that finds itself inside another one would report to that.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ["--import", import.meta.resolve("tsx"), "--test", `--test-reporter=${reporter}`, ...files];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: "utf8" });
  assert.notEqual(stdout, "", stderr);
  return stdout;
}
