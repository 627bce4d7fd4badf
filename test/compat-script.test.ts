import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { checkTable, checkTypeRows } from "../scripts/compat/check.ts";
import { listMembers, type Member } from "../scripts/compat/members.ts";
import { parseTable } from "../scripts/compat/table.ts";
import { checkTypeTest, TYPE_TEST, writeTypeTest } from "../scripts/compat/type-test.ts";
import { root as workspace } from "../scripts/shared/node.ts";

const CORE = "node_modules/@nats-io/nats-core/lib/mod.d.ts";
const NODE = "node_modules/@nats-io/transport-node/lib/connect.d.ts";
let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-compat-script-")));
  write(NODE, "export declare function connect(): void;");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test("members are those of interfaces, classes and object types, with what they inherit from a type without a name", () => {
  write(
    CORE,
    `interface Hidden { traced?: boolean }
     export interface Options extends Hidden { name?: string; [Symbol.asyncDispose](): void }
     export declare class Thing { size: number; private secret; _internal: number; static of(): Thing }
     export type Shape = { width: number };
     export interface Items extends Iterable<string> {}
     export {};`,
  );
  assert.deepEqual(rows(), [
    "Options",
    "Options.name",
    "Options.[Symbol.asyncDispose]",
    "Options.traced",
    "Thing",
    "Thing.size",
    "Thing.of",
    "Shape",
    "Shape.width",
    "Items",
    "Items.[Symbol.iterator]",
    "connect",
  ]);
});

test("a member of a type with a name has one row, under that type", () => {
  write(
    CORE,
    `export interface Base { first: number }
     export interface Derived extends Base { second: number }
     export interface Promise { run(): void }
     export declare class Kept implements Promise { run(): void; more(): void }
     export declare const kept: Derived;`,
  );
  assert.deepEqual(
    rows().filter((row) => row.includes(".")),
    ["Base.first", "Derived.second", "Promise.run", "Kept.more"],
  );
});

test("words, parameters, what is returned and events have rows of their own", () => {
  write(
    CORE,
    `export interface Options { strategy: "timer" | "count"; level?: "only" }
     export interface Server { name: string }
     export type Choose = (pool: Server[], info: string | null) => Server | { server: Server; delay: number } | null;
     export type Down = { type: "down"; server: string };
     export type Up = { type: "up" };
     export type Status = Down | Up;
     export declare const Match: { readonly Exact: "exact" };
     export interface NatsConnection { publish(subject: string, options?: Options): void }
     export interface Other { publish(subject: string): void }`,
  );
  assert.deepEqual(
    rows().filter((row) => /[.:(]/.test(row)),
    [
      "Options.strategy",
      "Options.strategy: timer",
      "Options.strategy: count",
      "Options.level",
      "Server.name",
      "Choose(pool)",
      "Choose(info)",
      "Choose: null",
      "Choose: Server",
      "Choose: { server: Server; delay: number; }",
      "Status.down",
      "Status.down.server",
      "Status.up",
      "Match.Exact",
      "NatsConnection.publish",
      "NatsConnection.publish(subject)",
      "NatsConnection.publish(options)",
      "Other.publish",
    ],
  );
});

test("nats.js without declarations is an error that says what to do", () => {
  assert.throws(() => listMembers(root), /has no declarations: run npm ci/);
});

test("a row says what is the same or links to a difference, and has tests or the type test", () => {
  const { members, differences, problems } = parseTable(
    [
      "| difference | nats.js | here, and why | test |",
      "|---|---|---|---|",
      '| <a id="kept"></a>kept | lost | held | `keeps` |',
      "",
      "| other | table |",
      "|---|---|",
      "| is | text |",
      "",
      "| member | here | test |",
      "|---|---|---|",
      "| `A.b` | same | `first`<br>`second` |",
      "| `A.c` | differs: [it is kept](#kept) | `third` |",
      "| `A` | same | type: a/file.ts |",
    ].join("\n"),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(differences, [{ line: 3, anchor: "kept", tests: ["keeps"] }]);
  assert.deepEqual(members, [
    { line: 11, member: "A.b", difference: undefined, tests: ["first", "second"], typeTest: undefined },
    { line: 12, member: "A.c", difference: "kept", tests: ["third"], typeTest: undefined },
    { line: 13, member: "A", difference: undefined, tests: [], typeTest: "a/file.ts" },
  ]);
});

test("rows that are anything else are problems, by their line", () => {
  const head = ["| member | here | test |", "|---|---|---|"];
  const problemOf = (row: string): string | undefined => parseTable([...head, row].join("\n")).problems[0];
  assert.match(problemOf("| A.b | same | `first` |") ?? "", /^line 3: expected \| `member` \| here \| test \|/);
  assert.match(problemOf("| `A.b` | nearly | `first` |") ?? "", /^line 3: A\.b: expected "same" or "differs: why"/);
  assert.match(problemOf("| `A.b` | differs: it is better | `first` |") ?? "", /with a link to the differences/);
  assert.match(problemOf("| `A.b` | same | TODO |") ?? "", /^line 3: A\.b: expected `names of tests`.* found "TODO"$/);
  const difference = parseTable("| difference | nats.js | here | test |\n|---|---|---|---|\n| kept | lost | held | `keeps` |");
  assert.match(difference.problems[0] ?? "", /^line 3: expected <a id="name">/);
});

test("a member without a row, a row without a member, a second row and a dead link are found", () => {
  const table = parseTable(
    [
      "| member | here | test |",
      "|---|---|---|",
      "| `A` | same | `first` |",
      "| `A` | same | `first` |",
      "| `A.gone` | same | `first` |",
      "| `A.b` | differs: [why](#nowhere) | `first` |",
      "| `A.todo` | same | TODO |",
    ].join("\n"),
  );
  const written = [{ name: "first", file: "a.test.ts", line: 1, switchedOff: false }];
  assert.deepEqual(checkTable(table, [member("A"), member("A.b"), member("A.new"), member("A.todo")], written), [
    'line 7: A.todo: expected `names of tests` with <br> between them, or "type: file"; found "TODO"',
    "line 4: A has a row already",
    "line 5: nats.js has no A.gone",
    "no row for A.new: | `A.new` | same | TODO |",
    "line 6: A.b: no difference is called nowhere",
  ]);
});

test("a name of no test is found, in rows and in differences", () => {
  const table = parseTable(
    [
      "| difference | nats.js | here, and why | test |",
      "|---|---|---|---|",
      '| <a id="kept"></a>kept | lost | held | `keeps` |',
      "",
      "| member | here | test |",
      "|---|---|---|",
      "| `A` | same | `first` |",
    ].join("\n"),
  );
  assert.deepEqual(checkTable(table, [member("A")], []), [
    'line 3: there is no test "keeps"',
    'line 7: there is no test "first"',
  ]);
});

test("a type test stands for what is nothing but a type, and for nothing else", () => {
  const table = parseTable(
    [
      "| member | here | test |",
      "|---|---|---|",
      `| \`Payload\` | same | type: ${TYPE_TEST} |`,
      "| `Nanos` | same | `first` |",
      `| \`NatsConnection.flush\` | same | type: ${TYPE_TEST} |`,
      "| `Codec` | same | type: another.ts |",
    ].join("\n"),
  );
  const members = ["Payload", "Nanos", "NatsConnection.flush", "Codec"].map((row) => member(row));
  assert.deepEqual(checkTypeRows(table, members), [
    `line 4: Nanos is nothing but a type: "type: ${TYPE_TEST}"`,
    "line 5: NatsConnection.flush needs a test that runs",
    `line 6: Codec: the type test is ${TYPE_TEST}, not another.ts`,
  ]);
});

test("each line of the type test is an error when what it names is gone", () => {
  typeWorkspace('export type * from "@nats-io/nats-core";\nexport declare function connect(): void;');
  const members = listMembers(root);
  assert.deepEqual(checkTypeTest(root, members), [`${TYPE_TEST} is not up to date: npm run compat -- --write`]);
  writeTypeTest(root, members);
  assert.deepEqual(checkTypeTest(root, members), []);
  // A line that would be right whatever becomes of the member.
  const blind = members.map((each) =>
    each.row === "Options.name" ? { ...each, type: 'keyof holdfast.Options & "name"' } : each,
  );
  writeTypeTest(root, blind);
  assert.deepEqual(checkTypeTest(root, blind), [`${TYPE_TEST}: it makes no difference whether there is Options.name`]);
});

test("a member that a new nats-core adds makes the type test out of date", () => {
  typeWorkspace('export type * from "@nats-io/nats-core";\nexport declare function connect(): void;');
  writeTypeTest(root, listMembers(root));
  write(CORE, "export interface Options { name?: string; added?: string }");
  assert.deepEqual(checkTypeTest(root, listMembers(root)), [`${TYPE_TEST} is not up to date: npm run compat -- --write`]);
});

function typeWorkspace(index: string): void {
  write(CORE, "export interface Options { name?: string }");
  write("node_modules/@nats-io/nats-core/package.json", '{ "name": "@nats-io/nats-core", "types": "lib/mod.d.ts" }');
  symlinkSync(join(workspace, "node_modules/@types"), join(root, "node_modules/@types"));
  symlinkSync(join(workspace, "node_modules/undici-types"), join(root, "node_modules/undici-types"));
  write("package.json", '{ "type": "module" }');
  for (const config of ["tsconfig.base.json", "tsconfig.check.json"]) symlinkSync(join(workspace, config), join(root, config));
  write("packages/client/src/index.ts", index);
  write(TYPE_TEST, "");
}

function rows(): string[] {
  return listMembers(root).map(({ row }) => row);
}

function member(row: string): Member {
  const [owner = ""] = row.split(".");
  return { row, owner, type: "", isValue: false };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
