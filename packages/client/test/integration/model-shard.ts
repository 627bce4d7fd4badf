import { describe, it } from "node:test";
import fc from "fast-check";
import { mixed } from "./schedule-arbitraries.ts";
import { play } from "./schedule-game.ts";

/**
 * One part of the model's schedules: docs/MODEL.md. Every run has new seeds; fast-check prints seed and path of what failed.
 *
 *   MODEL_RUNS=1000                            that many schedules a part instead of 6 250
 *   MODEL_SEED=<seed> MODEL_PATH=<path>        one that failed, in any of the parts
 *   MODEL_UNTIL=<ms>                           stops after so long and counts that as success, and shrinks nothing; for scripts/model-bugs.ts
 */
const { MODEL_RUNS, MODEL_SEED, MODEL_PATH, MODEL_UNTIL } = process.env;

/** A part is to end within 60 s; shrinking what failed must end before the runner ends the test, or nobody would see the seed. */
const LIMIT_MS = 100_000;

// Clients make many errors here that nobody looks at, and a stack costs more than the rest of each.
if (MODEL_SEED === undefined) Error.stackTraceLimit = 3;

/** Plays the schedules of part `number`. */
export function shard(number: number): void {
  const seed = MODEL_SEED === undefined ? (Date.now() + number * 0x800_0000) | 0 : Number(MODEL_SEED);
  describe(`the model, part ${number}`, () => {
    it(`holds after every step of any schedule (MODEL_SEED=${seed})`, async () => {
      await fc.assert(fc.asyncProperty(mixed, play), {
        seed,
        numRuns: Number(MODEL_RUNS ?? 6_250),
        includeErrorInReport: true,
        interruptAfterTimeLimit: Number(MODEL_UNTIL ?? LIMIT_MS),
        markInterruptAsFailure: MODEL_UNTIL === undefined,
        endOnFailure: MODEL_UNTIL !== undefined,
        ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH, numRuns: 1 }),
      });
    });
  });
}
