import { namesOf } from "../shared/test-names.ts";
import type { TestResult } from "../shared/test-results.ts";
import type { PeerCase } from "./table.ts";

/** Which of the tests in the table did not run, or did not pass. */
export function notPassed(cases: readonly PeerCase[], results: readonly TestResult[]): string[] {
  return namesOf(cases).flatMap(({ name, line }) => {
    const runs = results.filter((result) => result.name === name);
    if (runs.length === 0) return [`line ${line}: the test "${name}" did not run`];
    const wrong = runs.find(({ outcome }) => outcome !== "passed");
    return wrong === undefined ? [] : [`line ${line}: the test "${name}" did not pass: ${wrong.outcome}`];
  });
}
