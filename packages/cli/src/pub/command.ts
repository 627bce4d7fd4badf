import { Command } from "@commander-js/extra-typings";
import { commonExitCodes, exitCodeHelp } from "../cli/exit-codes.ts";
import { notation } from "../cli/values.ts";
import { addServerOptions } from "../connection/server-options.ts";
import { templateHelp } from "../messages/templates.ts";
import { addPubOptions } from "./flags.ts";
import type { PubOptions } from "./options.ts";
import { readPubOptions } from "./read-options.ts";

const description =
  "Publish messages and hold on to them while the server is away. The data is the argument, files, or standard input. " +
  "At the end one line says how many messages the server has read (confirmed), how many may have arrived or not (in doubt), and how many " +
  "were not sent or refused. Confirmed does not mean stored by a stream: for that there is --jetstream.";

const afterOptions = `
Examples:
  holdfast pub greetings "hello"
  holdfast pub orders --count 1000 --rate 100 'order {{Count}} {{ID}}'
  holdfast pub logs --lines --file access.log --undelivered left.jsonl
  tail -f access.log | holdfast pub logs --lines --buffer-bytes 64MiB --max-age 10m
  holdfast pub logs --lines --file access.log --jetstream
  holdfast pub --from left.jsonl --undelivered still-left.jsonl

${templateHelp}.
${notation}
Ctrl-C ends the input; what is held is sent for at most --grace. A second one ends at once, with what is known then.
${exitCodeHelp([
  [0, "every message was confirmed (with --jetstream: stored), to the end of the input"],
  [1, "some were not sent or were refused, or the input was not read to its end"],
  ...commonExitCodes,
  [3, "some are in doubt, all others were confirmed"],
])}`;

/** The command `pub`. `run` gets validated options. */
export function pubCommand(run: (options: PubOptions) => Promise<void>): Command<[string | undefined, string | undefined]> {
  const command = new Command("pub")
    .alias("publish")
    .summary("Publish messages, and hold on to them while the server is away.")
    .description(description)
    .argument("[subject]", "subject to publish to")
    .argument("[data]", "the message; without it, files or standard input")
    .addHelpText("after", afterOptions);
  addPubOptions(command);
  addServerOptions(command);
  return command.action(async (subject, data) => await run(readPubOptions(subject, data, command.opts())));
}
