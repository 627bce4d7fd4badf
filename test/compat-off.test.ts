import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { Member } from "../scripts/compat/members.ts";
import * as off from "../scripts/compat/off-all.ts";
import { runTests } from "../scripts/compat/run-tests.ts";
import { tryRows } from "../scripts/compat/switch-off.ts";
import { switchesOf } from "../scripts/compat/switches.ts";
import { findTests } from "../scripts/shared/find-tests.ts";

const INDEX = new URL("../packages/client/src/index.ts", import.meta.url).href;
const options = { natsServer: "", limitMs: 60_000 };
const match = member("Match.Exact", '(typeof holdfast.Match)["Exact"]', true);
let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-compat-off-")));
  process.env.HOLDFAST_COMPAT_MARKS = join(root, "marks");
});

afterEach(() => {
  delete process.env.HOLDFAST_COMPAT_MARKS;
  rmSync(root, { recursive: true, force: true });
});

test("only the test with the very name runs, however it is written", async () => {
  const file = writeTests('test("a (b) + c?", () => {});', 'test("a (b) + c? d", () => { throw new Error(); });');
  const run = await runTests(file, ["a (b) + c?"], options);
  assert.deepEqual([...run.outcomes], [["a (b) + c?", "passed"]]);
});

test("a test that does not end has no outcome, one that fails has, and neither is waited for", async () => {
  const file = writeTests(
    'test("fails", () => { setInterval(() => {}, 1000); throw new Error("on purpose"); });',
    'test("hangs", () => new Promise(() => { setInterval(() => {}, 1000); }));',
  );
  assert.deepEqual([...(await runTests(file, ["fails"], options)).outcomes], [["fails", "failed"]]);
  assert.deepEqual([...(await runTests(file, ["hangs"], { ...options, limitMs: 1_500 })).outcomes], []);
});

test("what a test writes to standard output does not disturb", async () => {
  const file = writeTests('test("talks", () => { console.log("{}"); console.log("talks"); });');
  assert.deepEqual([...(await runTests(file, ["talks"], options)).outcomes], [["talks", "passed"]]);
});

test("a patch is applied to the module as it is written, and what is off is met", async () => {
  const module = join(root, "module.ts");
  writeFileSync(module, "export function answer(): number { return 42 as const; }\n");
  const file = writeTests(
    'import { answer } from "./module.ts";',
    'test("answers", () => { answer(); });',
    'test("idles", () => {});',
  );
  const [{ append } = { append: "" }] = switchesOf(member("connect", "", true));
  const patch = { file: module, find: "42 as const", replace: "41", append: append.replaceAll("connect", "answer") };
  const run = await runTests(file, ["answers"], { ...options, patch });
  assert.deepEqual([...run.outcomes.values(), run.off, run.met], ["failed", true, true]);
  const idle = await runTests(file, ["idles"], { ...options, patch });
  assert.deepEqual([...idle.outcomes.values(), idle.off, idle.met], ["passed", true, false]);
});

test("a patch that does not apply is no failure of the test", async () => {
  const module = join(root, "module.ts");
  writeFileSync(module, "export const answer = 42;\n");
  const file = writeTests('import { answer } from "./module.ts";', 'test("answers", () => { answer; });');
  const missing = await runTests(file, ["answers"], { ...options, patch: { file: module, find: "43", append: "" } });
  assert.equal(missing.off, false);
  assert.match(missing.said, /module\.ts should have "43" once/);
  const broken = await runTests(file, ["answers"], { ...options, patch: { file: module, append: "nobody = 1;" } });
  assert.equal(broken.off, false);
});

test("rows are tried: a test that fails with its member off counts, one that stays green or never comes there does not", async () => {
  const file = writeTests(
    `import { Match } from "${INDEX}";`,
    'test("notices", () => { if (Match.Exact !== "exact") throw new Error(); });',
    'test("does not notice", () => { Match.IgnoreCase; });',
    'test("is red anyway", () => { throw new Error(); });',
  );
  const problems: string[] = [];
  const names = ["notices", "does not notice", "is red anyway"];
  const tried = await tryRows({
    rows: [{ line: 1, member: match.row, difference: undefined, tests: names, typeTest: undefined }],
    members: new Map([[match.row, match]]),
    written: new Map(findTests(root, "some.test.ts").map((found) => [found.name, { ...found, file }])),
    natsServer: "",
    parallel: 2,
    problem: (text) => problems.push(text),
    progress: () => {},
  });
  assert.deepEqual(tried, { tests: 3, failed: 1 });
  assert.match(problems.shift() ?? "", /^"is red anyway" .* should pass: failed$/);
  assert.deepEqual(problems, [
    'line 1: Match.Exact: "does not notice" passes, and never comes to it',
    'line 1: Match.Exact: "is red anyway" fails, but never comes to what is off',
  ]);
});

test("what is handed out lacks a member, and its methods run on an object that has it", () => {
  class Thing {
    #secret = 7;
    get size(): number {
      return this.#secret;
    }
    double(): number {
      return this.size * 2;
    }
  }
  const thing = off.handOutWithout(() => new Thing(), "size")() as Thing;
  assert.equal(thing.double(), 14);
  assert.ok(!marks().includes("met"));
  assert.throws(() => thing.size, { name: "SwitchedOff" });
  assert.deepEqual(marks(), ["off", "met"]);
});

test("a method is not given one of its arguments, and a member lacks one of its own", () => {
  const thing = { add: (a: number, b = 10): number => a + b, info: { host: "h", port: 1 } };
  const without = off.handOutWithoutArgument(() => thing, "add", 1)() as typeof thing;
  assert.equal(without.add(1), 11);
  assert.ok(!marks().includes("met"));
  assert.equal(without.add(1, 1), 11);
  assert.deepEqual(marks(), ["off", "met"]);
  const inner = off.handOutWithoutInner(() => thing, "info", "host")() as typeof thing;
  assert.deepEqual(inner.info, { port: 1 });
});

test("options are taken out of a copy, and an option that nobody gave is not met", () => {
  const given = { tls: { caFile: "a", keyFile: "b" }, name: "c" };
  assert.equal(off.without(given, ["token"]), given);
  assert.equal(off.without(undefined, ["token"]), undefined);
  off.optionsWithout(() => given, ["tls", "certFile"])();
  assert.ok(!marks().includes("met"));
  assert.deepEqual(off.without(given, ["tls", "caFile"]), { tls: { keyFile: "b" }, name: "c" });
  assert.deepEqual(given, { tls: { caFile: "a", keyFile: "b" }, name: "c" });
});

test("a patch that names what is not there is an error", () => {
  assert.throws(() => off.refuseMember({}, "gone"), /no member gone/);
  assert.throws(() => off.replace({}, "gone", (same) => same), /no method gone/);
});

test("an event is not told of, or lacks a member", () => {
  const told: unknown[] = [];
  const report = (event: unknown): number => told.push(event);
  off.eventWithout(report, "ldm")({ type: "ldm", server: "a" });
  off.eventWithout(report, "ldm")({ type: "close" });
  off.eventWithout(report, "ldm", "server")({ type: "ldm", server: "a" });
  assert.deepEqual(told, [{ type: "close" }, { type: "ldm" }]);
});

test("errors of a class are of another, or lack a member, by new and by static methods", () => {
  class Mistake extends Error {
    place = "here";
    static parse(text: string): Mistake {
      return new Mistake(text);
    }
  }
  const Other = off.otherError(Mistake as never) as typeof Mistake;
  for (const error of [new Other("a"), Other.parse("a")]) {
    assert.deepEqual([error.name, error.message, error.place], ["SwitchedOff", "a", "here"]);
    assert.equal(error instanceof Mistake, false);
  }
  const Without = off.errorWithout(Mistake as never, "place") as typeof Mistake;
  for (const error of [new Without("a"), Without.parse("a")]) {
    assert.ok(error instanceof Mistake);
    assert.throws(() => error.place, { name: "SwitchedOff" });
  }
  class Derived extends Other {}
  assert.equal(new Derived("a").place, "here");
});

test("a type alone cannot be switched off, and everything else can", () => {
  assert.deepEqual(switchesOf(member("Payload")), []);
  assert.deepEqual(switchesOf(member("Codec.encode")), []);
  assert.equal(switchesOf(member("TimeoutError", "", true)).length, 2);
  for (const row of [
    "NatsConnection.flush",
    "ConnectionOptions.name",
    "TlsOptions.ca",
    "Status.ldm.server",
    "MsgCallback(err)",
  ]) {
    assert.equal(switchesOf(member(row)).length, 1, row);
  }
});

function marks(): string[] {
  return readFileSync(join(root, "marks"), "utf8").trim().split("\n");
}

function member(row: string, type = "", isValue = false): Member {
  const [owner = ""] = row.split(/[.(]/);
  return { row, owner, type, isValue };
}

/** The absolute path of a test file. */
function writeTests(...lines: readonly string[]): string {
  const file = join(root, "some.test.ts");
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  writeFileSync(file, ['import { test } from "node:test";', ...lines].join("\n"));
  return file;
}
