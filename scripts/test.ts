/**
 * `npm test`: lists the test files itself (Node 20 cannot be trusted to find them), gets one nats-server for all of them, and hands them
 * to one run of Node's test runner, whose summary ends the output. A run of all tests fails also when a test that test/peers.md names did
 * not run; only then is something said after the summary.
 *
 *   npm test                            all tests, the quick files of a folder in one process (scripts/test-groups.ts)
 *   npm test -- outbound/log parser     the files with one of these in their path
 *   npm test -- --test-only             options with a hyphen go to the runner (write --name=value)
 *   npm run soak                        the *.soak.test.ts files, one after the other
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obtainNatsServer } from "./nats-server.ts";
import { checkRun } from "./peers.ts";
import { fail, isMain } from "./shared/main.ts";
import { root, runFromSource } from "./shared/node.ts";
import { inGroups } from "./test-groups.ts";

const LIMIT_MS = 180_000;
const SOAK_LIMIT_MS = 6 * 3_600_000;
/** Half of the tests wait more than they compute: twice as many files at a time as CI has cores. */
const FILES_AT_A_TIME = 4;
/** What people read. With its destination, so that another reporter can stand beside it. */
const SPEC = ["--test-reporter=spec", "--test-reporter-destination=stdout"] as const;

/** The test files below `folder` that are to run, relative to it, sorted. No filter means all. */
export function testFiles(folder: string, soak: boolean, filters: readonly string[]): string[] {
  const workspaces = readdirSync(join(folder, "packages")).map((name) => `packages/${name}/test`);
  return [...workspaces, "test"]
    .flatMap((place) => filesBelow(folder, place))
    .filter((file) => file.endsWith(".test.ts") && file.endsWith(".soak.test.ts") === soak)
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}

/**
 * The same files, those that follow one another spread over the whole run: files of like names cost alike, and those that only compute (the
 * parts of the model, the cuts at every byte) would otherwise run at the same time, and those that only wait after them.
 */
export function spreadOut(files: readonly string[]): string[] {
  const GOLDEN = 0.618_033_988_75;
  const places = files.map((file, i) => ({ file, place: (i * GOLDEN) % 1 }));
  return places.sort((a, b) => a.place - b.place).map(({ file }) => file);
}

function filesBelow(folder: string, place: string): string[] {
  try {
    return readdirSync(join(folder, place), { recursive: true, encoding: "utf8" }).map(
      (file) => `${place}/${file.replaceAll("\\", "/")}`,
    );
  } catch {
    return []; // A package without tests.
  }
}

async function main(args: readonly string[]): Promise<void> {
  const soak = args.includes("--soak");
  const options = args.filter((arg) => arg.startsWith("-") && arg !== "--soak");
  const filters = args.filter((arg) => !arg.startsWith("-")).map((filter) => filter.replace(/^\.\//, ""));
  const all = !soak && options.length === 0 && filters.length === 0;
  const listed = testFiles(root, soak, filters);
  const files = spreadOut(all ? inGroups(root, listed, join(root, "node_modules/.cache/holdfast-tests")) : listed);
  // Node would end such a run with exit code 0.
  if (files.length === 0)
    throw new Error(`No ${soak ? "soak " : ""}test file has one of these in its path: ${filters.join(", ") || "(no filter)"}.`);
  const server = await obtainNatsServer();
  const [limit, concurrency] = soak ? [SOAK_LIMIT_MS, 1] : [LIMIT_MS, FILES_AT_A_TIME];
  const runner = ["--test", ...SPEC, `--test-timeout=${limit}`, `--test-concurrency=${concurrency}`];
  const run = (reporters: readonly string[]): Promise<number> =>
    runFromSource([...runner, ...reporters, ...options, ...files], { ...process.env, NATS_SERVER: server.path });
  process.exitCode = all ? await runAndCheck(run) : await run([]);
}

/** Runs with a second reporter, and looks whether every test that test/peers.md names ran and passed. */
async function runAndCheck(run: (reporters: readonly string[]) => Promise<number>): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-results-"));
  try {
    const results = join(scratch, "results");
    const reporter = new URL("./test-results.mjs", import.meta.url);
    const code = await run([`--test-reporter=${reporter}`, `--test-reporter-destination=${results}`]);
    // What failed has been said already.
    if (code !== 0) return code;
    const problems = checkRun(root, readFileSync(results, "utf8"));
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    return problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (isMain(import.meta.url)) await main(process.argv.slice(2)).catch(fail);
