/** Plays the schedules of one part, outside of the test runner; see model-shard.ts. Its argument is fast-check's parameters as JSON. */
import fc from "fast-check";
import { mixed } from "./schedule-arbitraries.ts";
import { play } from "./schedule-game.ts";

const parameters = JSON.parse(process.argv[2] ?? "{}");
// Clients make many errors here that nobody looks at, and a stack costs more than the rest of each.
if (parameters.path === undefined) Error.stackTraceLimit = 3;
try {
  await fc.assert(fc.asyncProperty(mixed, play), parameters);
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
