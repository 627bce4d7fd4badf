import { describe, it } from "node:test";
import fc from "fast-check";
import { play } from "./schedule-game.ts";
import { schedules } from "./schedule-steps.ts";

const MAX_STEPS = 80;

describe("the accounting identity of the whole client", () => {
  it("holds after every step of any schedule, and every message has exactly one fate", async () => {
    const seed = process.env.IDENTITY_SEED;
    await fc.assert(fc.asyncProperty(schedules(MAX_STEPS), play), {
      includeErrorInReport: true,
      numRuns: Number(process.env.IDENTITY_RUNS ?? 2000),
      ...(seed === undefined ? {} : { seed: Number(seed), path: process.env.IDENTITY_PATH ?? "" }),
    });
  });
});
