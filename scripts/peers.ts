/**
 * Holds test/peers.md against the tests: every test it names exists once, and with the results of a run, ran and passed.
 *
 *   node --import tsx scripts/peers.ts            the names
 *   node --import tsx scripts/peers.ts RESULTS    also the run; RESULTS is a file that scripts/test-results.mjs wrote
 *
 * `npm test` does both: the names in test/peers.test.ts, the run behind a run of all tests (scripts/test.ts).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles } from "./layout/source.ts";
import { type PeerCase, parseTable } from "./peers/table.ts";
import { notPassed } from "./peers/verify.ts";
import { findTests } from "./shared/find-tests.ts";
import { fail, isMain } from "./shared/main.ts";
import { root } from "./shared/node.ts";
import { wrongNames } from "./shared/test-names.ts";
import { parseResults } from "./shared/test-results.ts";

/** Relative to the root of the workspace. */
const TABLE = "test/peers.md";
/** Where the tests are that run a real server. */
const TESTS = "packages/client/test/integration";

/** The table. Throws an `Error` that names the file for one that cannot be read. */
export function readTable(folder: string): PeerCase[] {
  try {
    return parseTable(readFileSync(join(folder, TABLE), "utf8"));
  } catch (cause) {
    throw new Error(`${TABLE}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** What is wrong with the names in the table below `folder`; empty when all is well. */
export function checkNames(folder: string): string[] {
  const files = listFiles(folder, TESTS).filter((file) => file.endsWith(".test.ts") && !file.endsWith(".soak.test.ts"));
  const written = files.flatMap((file) => findTests(folder, file));
  return wrongNames(readTable(folder), written).map((problem) => `${TABLE}, ${problem}`);
}

/** Which of the tests in the table below `folder` are not among the passed ones of a run; `results` is what the reporter wrote. */
export function checkRun(folder: string, results: string): string[] {
  // Elsewhere a test may have the same name.
  const ours = parseResults(results).filter(({ file }) => file.includes(`/${TESTS}/`));
  return notPassed(readTable(folder), ours).map((problem) => `${TABLE}, ${problem}`);
}

function main([results]: readonly string[]): void {
  const problems = [...checkNames(root), ...(results === undefined ? [] : checkRun(root, readFileSync(results, "utf8")))];
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const cases = readTable(root);
  const without = cases.filter(({ tests }) => tests.length === 0).length;
  process.stdout.write(`${TABLE}: ${cases.length} cases, ${cases.length - without} with a test, ${without} with a reason.\n`);
}

if (isMain(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    fail(error);
  }
}
