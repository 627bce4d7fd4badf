import { describe, it } from "node:test";
import fc from "fast-check";
import { schedules } from "./schedule-arbitraries.ts";
import { play } from "./schedule-game.ts";

/**
 * The whole client on the memory transport and a virtual clock, against a server that follows a random script. Every failure can be
 * replayed: fast-check prints its seed and path.
 *
 *   IDENTITY_RUNS=100000                          more schedules than the 2 000 of every test run
 *   IDENTITY_SEED=<seed> IDENTITY_PATH=<path>     one that failed
 */
const { IDENTITY_RUNS, IDENTITY_SEED, IDENTITY_PATH } = process.env;
const replay = IDENTITY_SEED === undefined ? {} : { seed: Number(IDENTITY_SEED), path: IDENTITY_PATH ?? "" };
// Shrinking a failure must end before the runner ends the test, or nobody would see the seed.
const limit = IDENTITY_RUNS === undefined ? { interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true } : {};

describe("the accounting identity of the whole client", () => {
  it("holds after every step of any schedule, and every message has exactly one fate", async () => {
    await fc.assert(fc.asyncProperty(schedules(80), play), {
      numRuns: Number(IDENTITY_RUNS ?? 2000),
      includeErrorInReport: true,
      ...limit,
      ...replay,
    });
  });
});
