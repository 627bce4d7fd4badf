#!/usr/bin/env node
/** The command `holdfast`. */
import { CommanderError } from "@commander-js/extra-typings";
import { completionRequest, completionsFor, printed } from "./cli/completion.ts";
import { exitCodes } from "./cli/exit-codes.ts";
import { InterruptedError } from "./connection/open.ts";
import { oneLine } from "./demo/time-limit.ts";
import { program } from "./program.ts";

const interruption = new AbortController();
for (const [signal, exitCode] of [["SIGINT", 130] as const, ["SIGTERM", 143] as const, ["SIGHUP", 129] as const]) {
  // Once: a second Ctrl-C ends the process as usual, and what is left of its children with it.
  process.once(signal, () => interrupt(exitCode));
}
// Whoever read our output has gone (`holdfast demo | head`): there is nobody to work for.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => interrupt(exitCodes.notBegun));

function interrupt(exitCode: number): void {
  process.exitCode = exitCode;
  interruption.abort();
}

try {
  const root = program(interruption.signal, (exitCode) => {
    if (!interruption.signal.aborted) process.exitCode = exitCode;
  });
  const toComplete = completionRequest(process.argv.slice(2));
  if (toComplete === null) await root.parseAsync();
  else process.stdout.write(printed(completionsFor(root, toComplete)));
} catch (error) {
  // Nothing was done yet, and the dial would keep the process.
  if (error instanceof InterruptedError) process.exit();
  if (!interruption.signal.aborted) process.exitCode = exitCodeOf(error);
}

/** Commander has printed its own errors already; of others this prints one line. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.notBegun;
  process.stderr.write(`holdfast: ${oneLine(error)}\n`);
  return exitCodes.notBegun;
}
