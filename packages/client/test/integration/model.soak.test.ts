import { it } from "node:test";
import fc from "fast-check";
import { schedules } from "./schedule-arbitraries.ts";
import { play } from "./schedule-game.ts";

/** Minutes; each round has a new seed, which is printed when it fails. */
const MINUTES = Number(process.env.SOAK ?? 10);
const RUNS_A_ROUND = 500;

it("the model holds for as long as one likes to wait", async (t) => {
  const end = performance.now() + MINUTES * 60_000;
  let rounds = 0;
  for (; performance.now() < end; rounds++) {
    // Short schedules shrink well, long ones get into corners.
    const steps = [24, 80, 300][rounds % 3] ?? 80;
    await fc.assert(fc.asyncProperty(schedules(steps), play), { numRuns: RUNS_A_ROUND, includeErrorInReport: true });
  }
  t.diagnostic(`${rounds * RUNS_A_ROUND} schedules in ${MINUTES} minutes`);
});
