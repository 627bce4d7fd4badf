/**
 * `npm run model-bugs`: is the model any good? Puts each deliberate bug of scripts/model-bugs/bugs.ts, one at a time, into a private copy of
 * the workspace, and runs the model (or the transport's contract suite) until it is red. Fails if a bug is not caught.
 *
 *   npm run model-bugs                  all of them
 *   npm run model-bugs -- stall purge   those with one of these in their name
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bug, withBug } from "./model-bugs/bug.ts";
import { bugs } from "./model-bugs/bugs.ts";
import { fail, isMain } from "./shared/main.ts";
import { root } from "./shared/node.ts";
import { copyWorkspace } from "./shared/workspace-copy.ts";

/** A bug that this many schedules do not show counts as not caught: as many as one `npm test` plays. */
const RUNS = 100_000;
const LIMIT_MS = 500_000;
const MODEL = "packages/client/test/integration/model-1.test.ts";

async function main(filters: readonly string[]): Promise<void> {
  const wanted = bugs.filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
  // All of them first: one that is out of date would show after minutes only.
  for (const bug of wanted) withBug(root, bug);
  let missed = 0;
  for (const bug of wanted) {
    const caught = await caughtBy(bug);
    process.stdout.write(`| ${bug.name} | ${caught ?? "NOT CAUGHT | "} |\n`);
    if (caught === undefined) missed++;
  }
  if (missed > 0) throw new Error(`${missed} of ${wanted.length} bugs were not caught.`);
}

/** What caught it, in words; undefined when nothing did. */
async function caughtBy(bug: Bug): Promise<string | undefined> {
  const copy = mkdtempSync(join(tmpdir(), "holdfast-bug-"));
  try {
    copyWorkspace(copy);
    const whole = readFileSync(join(copy, bug.file));
    writeFileSync(join(copy, bug.file), withBug(root, bug));
    const file = bug.caughtBy === "model" ? MODEL : bug.caughtBy;
    const output = await run(copy, file);
    if (output === undefined) return undefined;
    if (bug.caughtBy !== "model") return `${bug.caughtBy} | ${/^\s*not ok \d+ - (.*)$/m.exec(output)?.[1] ?? ""}`;
    const [, seed, path] = /seed: (-?\d+), path: "([\d:]*)"/.exec(output) ?? [];
    // Without a seed it was not the model that found something.
    if (seed === undefined) throw new Error(`${bug.name}: the model did not run:\n${output}`);
    writeFileSync(join(copy, bug.file), whole);
    const without = await run(copy, file, { MODEL_SEED: seed, MODEL_PATH: path ?? "" });
    if (without !== undefined) throw new Error(`${bug.name}: the same schedule fails without the bug, too:\n${without}`);
    const [, said = ""] = /\+ {3}['"`](.*?)['"`],?$/m.exec(output) ?? /Got (.*)$/m.exec(output) ?? [];
    return `\`${seed}\` \`${path}\` | ${said.replaceAll("|", "/").slice(0, 120)}`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Its output if the test failed; undefined if it passed. */
function run(cwd: string, file: string, more: NodeJS.ProcessEnv = {}): Promise<string | undefined> {
  const args = ["--conditions=source", "--import", "tsx", "--test", `--test-timeout=${2 * LIMIT_MS}`, file];
  const env = { ...process.env, MODEL_RUNS: String(RUNS), MODEL_UNTIL: String(LIMIT_MS), ...more };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0 ? undefined : output));
  });
}

if (isMain(import.meta.url)) await main(process.argv.slice(2)).catch(fail);
