#!/usr/bin/env node
/** The command `holdfast`. */
import { createRequire } from "node:module";
import { Command, CommanderError } from "@commander-js/extra-typings";
import { demoCommand } from "./demo/command.ts";
import { runDemoCommand } from "./demo/run.ts";
import { oneLine } from "./demo/time-limit.ts";

/** No result: bad options, no server, an interrupted or an invalid run. 0 and 1 are verdicts. */
const noResult = 2;

const interruption = new AbortController();
for (const [signal, exitCode] of [["SIGINT", 130] as const, ["SIGTERM", 143] as const, ["SIGHUP", 129] as const]) {
  // Once: a second Ctrl-C ends the process as usual, and what is left of its children with it.
  process.once(signal, () => interrupt(exitCode));
}
// Whoever read our output has gone (`holdfast demo | head`): there is nobody to work for.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => interrupt(noResult));

function interrupt(exitCode: number): void {
  process.exitCode = exitCode;
  interruption.abort();
}

try {
  await program().parseAsync();
} catch (error) {
  if (!interruption.signal.aborted) process.exitCode = exitCodeOf(error);
}

function program(): Command {
  const manifest: unknown = createRequire(import.meta.url)("../package.json");
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
  const root = new Command("holdfast")
    .description("A NATS client that holds on to what you publish")
    .version(version)
    .exitOverride();
  const demo = demoCommand(async (options) => {
    const exitCode = await runDemoCommand(options, interruption.signal);
    if (!interruption.signal.aborted) process.exitCode = exitCode;
  });
  root.addCommand(demo.copyInheritedSettings(root));
  return root;
}

/** Commander has printed its own errors already; of others this prints one line. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : noResult;
  process.stderr.write(`holdfast: ${oneLine(error)}\n`);
  return noResult;
}
