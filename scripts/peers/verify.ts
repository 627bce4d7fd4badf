import type { WrittenTest } from "./find-tests.ts";
import type { TestResult } from "./results.ts";
import type { PeerCase } from "./table.ts";

/** What is wrong with the names in the table: each must be that of exactly one test, which is not switched off. */
export function wrongNames(cases: readonly PeerCase[], written: readonly WrittenTest[]): string[] {
  return namesOf(cases).flatMap(({ name, line }) => {
    const [first, second] = written.filter((test) => test.name === name);
    if (first === undefined) return [`line ${line}: there is no test "${name}"`];
    if (second !== undefined)
      return [`line ${line}: more than one test "${name}": ${first.file}:${first.line}, ${second.file}:${second.line}`];
    return first.switchedOff ? [`line ${line}: the test "${name}" is switched off (${first.file}:${first.line})`] : [];
  });
}

/** Which of the tests in the table did not run, or did not pass. */
export function notPassed(cases: readonly PeerCase[], results: readonly TestResult[]): string[] {
  return namesOf(cases).flatMap(({ name, line }) => {
    const runs = results.filter((result) => result.name === name);
    if (runs.length === 0) return [`line ${line}: the test "${name}" did not run`];
    const wrong = runs.find(({ outcome }) => outcome !== "passed");
    return wrong === undefined ? [] : [`line ${line}: the test "${name}" did not pass: ${wrong.outcome}`];
  });
}

/** Each name once, with the first line that has it. */
function namesOf(cases: readonly PeerCase[]): { name: string; line: number }[] {
  const lines = new Map<string, number>();
  for (const { tests, line } of cases) for (const name of tests) if (!lines.has(name)) lines.set(name, line);
  return [...lines].map(([name, line]) => ({ name, line }));
}
