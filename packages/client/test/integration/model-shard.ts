import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/**
 * One part of the model's schedules: docs/MODEL.md. Each part has a seed of its own and plays the same schedules in every run, so that a red
 * run speaks of the change that was made; `npm run soak -- model` plays new ones. fast-check prints seed and path of what failed.
 *
 *   MODEL_SEED=new                             seeds that nobody has seen yet
 *   MODEL_RUNS=1000                            that many schedules a part instead of 6 250
 *   MODEL_SEED=<seed> MODEL_PATH=<path>        one that failed, in any of the parts
 *   MODEL_UNTIL=<ms>                           stops after so long and counts that as success, and shrinks nothing; for scripts/model-bugs.ts
 */
const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_UNTIL } = process.env;

/**
 * A part takes some 20 s on a quiet machine, and plays what it can in this time on a busy one. What failed is shrunk within it, too: should the
 * runner end the test first, nobody would see the seed.
 */
const LIMIT_MS = 60_000;

function seedOf(number: number): number {
  if (MODEL_SEED === undefined) return number;
  return MODEL_SEED === "new" ? (Date.now() + number * 0x800_0000) | 0 : Number(MODEL_SEED);
}

/** Plays the schedules of part `number`, in a process of its own: Node's test runner follows every promise, which costs a fifth of the time. */
export function shard(number: number): void {
  const seed = seedOf(number);
  test(`the model, part ${number}, holds after every step of any schedule (MODEL_SEED=${seed})`, async (t) => {
    const parameters = {
      seed,
      numRuns: MODEL_PATH === undefined ? Number(MODEL_RUNS ?? 6_250) : 1,
      includeErrorInReport: true,
      interruptAfterTimeLimit: Number(MODEL_UNTIL ?? LIMIT_MS),
      markInterruptAsFailure: false,
      endOnFailure: MODEL_UNTIL !== undefined,
      ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH }),
    };
    const program = fileURLToPath(new URL("model-program.ts", import.meta.url));
    // What a schedule makes dies with it: a nursery of 16 MiB saves a tenth of the time, and a collector without helper threads, which other
    // parts of the run want the cores for, 6 % of the CPU time.
    const child = spawn(
      process.execPath,
      ["--max-semi-space-size=16", "--single-threaded-gc", ...process.execArgv, program, JSON.stringify(parameters)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    t.after(() => child.kill("SIGKILL"));
    const said = text(child.stdout);
    const [code] = await once(child, "close");
    assert.equal(code, 0, await said);
  });
}
