import type { WrittenTest } from "./find-tests.ts";

/** A row of a table that names tests. */
export interface NamingRow {
  readonly line: number;
  readonly tests: readonly string[];
}

/** What is wrong with the names in a table: each must be that of exactly one test, which is not switched off. */
export function wrongNames(rows: readonly NamingRow[], written: readonly WrittenTest[]): string[] {
  return namesOf(rows).flatMap(({ name, line }) => {
    const [first, second] = written.filter((test) => test.name === name);
    if (first === undefined) return [`line ${line}: there is no test "${name}"`];
    if (second !== undefined)
      return [`line ${line}: more than one test "${name}": ${first.file}:${first.line}, ${second.file}:${second.line}`];
    return first.switchedOff ? [`line ${line}: the test "${name}" is switched off (${first.file}:${first.line})`] : [];
  });
}

/** Each name once, with the first line that has it. */
export function namesOf(rows: readonly NamingRow[]): { name: string; line: number }[] {
  const lines = new Map<string, number>();
  for (const { tests, line } of rows) for (const name of tests) if (!lines.has(name)) lines.set(name, line);
  return [...lines].map(([name, line]) => ({ name, line }));
}
