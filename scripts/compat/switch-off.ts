import type { WrittenTest } from "../shared/find-tests.ts";
import type { Member } from "./members.ts";
import { runTests, type TestRun } from "./run-tests.ts";
import { switchesOf } from "./switches.ts";
import type { MemberRow } from "./table.ts";

/** With something switched off a test may wait for ever. */
const OFF_LIMIT_MS = 30_000;
const LIMIT_MS = 120_000;

/** The rows that are tried, with what is needed to try them. */
export interface Trial {
  readonly rows: readonly MemberRow[];
  readonly members: ReadonlyMap<string, Member>;
  readonly written: ReadonlyMap<string, WrittenTest>;
  readonly natsServer: string;
  /** How many processes at a time. */
  readonly parallel: number;
  /** Called with each problem, as soon as it is known. */
  readonly problem: (text: string) => void;
  /** Called when so many of all runs are done. */
  readonly progress: (done: number, all: number) => void;
}

/** How many tests were tried, and how many failed as they must. */
export interface Tried {
  readonly tests: number;
  readonly failed: number;
}

/**
 * Runs the tests of the rows as they are: they must pass. Then those of each row with its member switched off: each must fail, and the
 * process must have come to what is off.
 */
export async function tryRows(trial: Trial): Promise<Tried> {
  const rows = trial.rows.filter(({ tests }) => tests.length > 0);
  const names = new Set(rows.flatMap(({ tests }) => tests));
  const files = byFile(trial, names);
  let done = 0;
  const all = files.size + rows.length;
  const step = (): void => trial.progress(++done, all);
  await inParallel(trial.parallel, [...files], async ([file, inFile]) => {
    const run = await runTests(file, inFile, { natsServer: trial.natsServer, limitMs: LIMIT_MS });
    for (const name of inFile) {
      const outcome = run.outcomes.get(name);
      if (outcome !== "passed") trial.problem(`"${name}" (${file}) should pass: ${outcome ?? `it did not end. ${run.said}`}`);
    }
    step();
  });
  let failed = 0;
  await inParallel(trial.parallel, rows, async (row) => {
    const asTheyMust = await tryRow(trial, row);
    failed += asTheyMust;
    step();
  });
  return { tests: rows.reduce((sum, { tests }) => sum + tests.length, 0), failed };
}

/** How many of the row's tests failed as they must. */
async function tryRow(trial: Trial, row: MemberRow): Promise<number> {
  const member = trial.members.get(row.member);
  const switches = member === undefined ? [] : switchesOf(member);
  const doubts = new Map<string, string>(row.tests.map((name) => [name, "nothing switches it off"]));
  for (const patch of switches) {
    // Each in a process of its own: whether it comes to what is off is seen of the process.
    for (const name of [...doubts.keys()]) {
      const file = trial.written.get(name)?.file ?? "";
      const run = await runTests(file, [name], { natsServer: trial.natsServer, limitMs: OFF_LIMIT_MS, patch });
      const doubt = doubtOf(run, name);
      if (doubt === undefined) doubts.delete(name);
      else doubts.set(name, doubt);
    }
  }
  for (const [name, doubt] of doubts) trial.problem(`line ${row.line}: ${row.member}: "${name}" ${doubt}`);
  return row.tests.length - doubts.size;
}

/** Why the run does not show that the test needs what is off; undefined if it does. */
function doubtOf({ outcomes, off, met, said }: TestRun, name: string): string | undefined {
  const outcome = outcomes.get(name);
  if (!off) return outcome === "passed" ? "passes, and does not load what is off" : `cannot be tried: the patch failed. ${said}`;
  if (outcome === "passed") return met ? "passes without it" : "passes, and never comes to it";
  if (outcome === "skipped" || outcome === "todo") return `is ${outcome}`;
  if (met) return undefined;
  return `${outcome === undefined ? "does not end" : "fails"}, but never comes to what is off`;
}

function byFile({ written }: Trial, names: Iterable<string>): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const name of names) {
    const file = written.get(name)?.file;
    if (file !== undefined) files.set(file, [...(files.get(file) ?? []), name]);
  }
  return files;
}

async function inParallel<T>(count: number, items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
