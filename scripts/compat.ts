/**
 * `npm run compat`: holds docs/COMPATIBILITY.md against nats.js' own declarations, against the tests, and against the library: each test that
 * a row names must fail with the row's member switched off. One line a problem; exit code 1 if there is any.
 *
 *   npm run compat                              all of it, some minutes
 *   npm run compat -- NatsConnection Msg.json   tries the rows with one of these in their member's name
 *   npm run compat -- --from=Msg.json           tries that row and those behind it
 *   npm run compat -- --names                   tries none: members, rows, names of tests and the type test alone, some seconds
 *   npm run compat -- --write                   writes the type test anew first
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkTable, checkTypeRows } from "./compat/check.ts";
import { listMembers, type Member } from "./compat/members.ts";
import { tryRows } from "./compat/switch-off.ts";
import { type CompatTable, parseTable } from "./compat/table.ts";
import { checkTypeTest, writeTypeTest } from "./compat/type-test.ts";
import { obtainNatsServer } from "./nats-server.ts";
import { findTests, type WrittenTest } from "./shared/find-tests.ts";
import { fail, isMain } from "./shared/main.ts";
import { root } from "./shared/node.ts";
import { testFiles } from "./test.ts";

/** Relative to the root of the workspace. */
const TABLE = "docs/COMPATIBILITY.md";
/** Most tests wait more than they compute. */
const PARALLEL = 3;

interface Inputs {
  readonly table: CompatTable;
  readonly members: readonly Member[];
  readonly written: readonly WrittenTest[];
}

/** What is wrong without a test being run, one line each: rows, members, names of tests, the type test. */
export function checkAll(folder: string): string[] {
  return problemsOf(folder, readInputs(folder));
}

function readInputs(folder: string): Inputs {
  return {
    table: parseTable(readFileSync(join(folder, TABLE), "utf8")),
    members: listMembers(folder),
    written: testFiles(folder, false, []).flatMap((file) => findTests(folder, file)),
  };
}

function problemsOf(folder: string, { table, members, written }: Inputs): string[] {
  return [
    ...[...checkTable(table, members, written), ...checkTypeRows(table, members)].map((problem) => `${TABLE}, ${problem}`),
    ...checkTypeTest(folder, members),
  ];
}

async function main(args: readonly string[]): Promise<void> {
  const inputs = readInputs(root);
  if (args.includes("--write")) writeTypeTest(root, inputs.members);
  let problems = 0;
  const tell = (problem: string): void => {
    problems++;
    process.stdout.write(`${problem}\n`);
  };
  for (const problem of problemsOf(root, inputs)) tell(problem);
  const { members, differences } = inputs.table;
  const byType = members.filter(({ typeTest }) => typeTest !== undefined).length;
  const counts = `${inputs.members.length} members, ${members.length} rows (${byType} by the type test), ${differences.length} differences`;
  process.stdout.write(`${TABLE}: ${counts}.\n`);
  if (!args.includes("--names")) await tryAll(inputs, args, tell);
  if (problems > 0) throw new Error(`${problems} problems.`);
}

async function tryAll(
  { table, members, written }: Inputs,
  args: readonly string[],
  tell: (problem: string) => void,
): Promise<void> {
  const rows = chosen(table, args);
  if (rows.length === 0) throw new Error(`no row has one of these in its member: ${args.join(", ")}`);
  const server = await obtainNatsServer();
  const { tests, failed } = await tryRows({
    rows,
    members: new Map(members.map((member) => [member.row, member])),
    written: new Map(written.map((test) => [test.name, test])),
    natsServer: server.path,
    parallel: PARALLEL,
    problem: (text) => tell(text.trim().replaceAll("\n", " | ")),
    progress: (done, all) => {
      if (done % 20 === 0 || done === all) process.stderr.write(`${done} of ${all}\n`);
    },
  });
  process.stdout.write(
    `${rows.length} rows tried: ${failed} of ${tests} tests failed, as they must, with the member switched off.\n`,
  );
}

function chosen({ members }: CompatTable, args: readonly string[]): CompatTable["members"] {
  const from = args.find((arg) => arg.startsWith("--from="))?.slice("--from=".length);
  const words = args.filter((arg) => !arg.startsWith("--"));
  const start = from === undefined ? 0 : members.findIndex(({ member }) => member === from);
  if (start < 0) throw new Error(`there is no row for ${from}`);
  return members.slice(start).filter(({ member }) => words.length === 0 || words.some((word) => member.includes(word)));
}

if (isMain(import.meta.url)) await main(process.argv.slice(2)).catch(fail);
