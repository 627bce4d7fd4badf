import { createRequire } from "node:module";
import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { benchCommand } from "./bench/command.ts";
import { completeCommand } from "./cli/completion.ts";
import { demoCommand } from "./demo/command.ts";
import { pubCommand } from "./pub/command.ts";
import { replyCommand } from "./reply/command.ts";
import { reqCommand } from "./req/command.ts";
import { subCommand } from "./sub/command.ts";

const afterOptions = `
Examples:
  holdfast pub greetings "hello"
  holdfast sub 'greetings'
  holdfast pub logs --lines --file access.log --undelivered left.jsonl
  holdfast bench outage --compare nats.js
  holdfast demo

\`holdfast <command> --help\` says more, with examples and exit codes. Completion for your shell:
  source <(holdfast complete bash)        (or zsh; fish: holdfast complete fish | source)`;

/** All commands. `end` is told the exit code of a run that came to its end. */
export function program(interrupted: AbortSignal, end: (exitCode: number) => void): Command {
  const root = new Command("holdfast")
    .description("A NATS client that holds on to what you publish")
    .version(version())
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText("after", afterOptions);
  // What a command runs is loaded when it runs: the others, help and completion are there twice as fast.
  const commands: readonly CommandUnknownOpts[] = [
    pubCommand(async (options) => end(await (await import("./pub/run.ts")).runPub(options, interrupted))),
    subCommand(async (options) => end(await (await import("./sub/run.ts")).runSub(options, interrupted))),
    reqCommand(async (options) => end(await (await import("./req/run.ts")).runReq(options, interrupted))),
    replyCommand(async (options) => end(await (await import("./reply/run.ts")).runReply(options, interrupted))),
    benchCommand(async (options) => end(await (await import("./bench/run.ts")).runBench(options, interrupted))),
    demoCommand(async (options) => end(await (await import("./demo/run.ts")).runDemoCommand(options, interrupted))),
  ];
  for (const command of [...commands, completeCommand(root)]) {
    root.addCommand(command.copyInheritedSettings(root));
    for (const each of command.commands) each.copyInheritedSettings(root);
  }
  return root;
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)("../package.json");
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown";
}
