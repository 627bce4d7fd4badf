import { Command, Option } from "@commander-js/extra-typings";
import { commonExitCodes, exitCodeHelp } from "../cli/exit-codes.ts";
import { duration, notation, wholeNumber } from "../cli/values.ts";
import { addServerOptions, readServerSettings, type ServerSettings } from "../connection/server-options.ts";
import { type ShowAs, showAs } from "../messages/show.ts";

/** What one run of `holdfast sub` does. */
export interface SubOptions {
  readonly server: ServerSettings;
  /** Null: an inbox of its own. */
  readonly subject: string | null;
  readonly queue: string | null;
  /** How many messages; `Infinity` for all. */
  readonly count: number;
  /** Milliseconds without a message after which it ends; null for never. */
  readonly waitMs: number | null;
  readonly as: ShowAs;
  readonly headersOnly: boolean;
}

const afterOptions = `
Examples:
  holdfast sub 'orders.>'
  holdfast sub orders.new --queue workers --count 10
  holdfast sub 'orders.>' --json > orders.jsonl      (holdfast pub --from orders.jsonl publishes them again)
  holdfast sub 'orders.>' --raw --wait 5s

${notation}
It goes on through reconnects; what is published while there is no connection does not reach it.
${exitCodeHelp([
  [0, "--count messages came, or --wait was over and no --count was asked for"],
  [1, "fewer than --count came within --wait, or the server refused the subscription"],
  ...commonExitCodes,
])}`;

/** The command `sub`. `run` gets validated options. */
export function subCommand(run: (options: SubOptions) => Promise<void>): Command<[string | undefined]> {
  const command = new Command("sub")
    .alias("subscribe")
    .description("Print the messages of a subject.")
    .argument("[subject]", "subject to subscribe to, also with * and >")
    .optionsGroup("Messages:")
    .option("--queue <group>", "as a member of a queue group: each message goes to one of them")
    .addOption(new Option("--count <n>", "end after so many messages").argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .addOption(new Option("--wait <duration>", "end after so long without a message").argParser(duration(1)))
    .option("-i, --inbox", "subscribe to an inbox, and print its name")
    .option("-r, --raw", "the data alone")
    .option("--headers-only", "without the data")
    .option("--json", "one JSON object a line")
    .addHelpText("after", afterOptions);
  addServerOptions(command);
  return command.action(async (subject, given) => {
    if (subject === undefined && given.inbox !== true) throw new Error("sub needs a <subject>, or --inbox");
    if (subject !== undefined && given.inbox === true) throw new Error("<subject> and --inbox: give one of them");
    await run({
      server: readServerSettings(command.opts(), "holdfast sub"),
      subject: subject ?? null,
      queue: given.queue ?? null,
      count: given.count ?? Number.POSITIVE_INFINITY,
      waitMs: given.wait ?? null,
      as: showAs(given.raw === true, given.json === true),
      headersOnly: given.headersOnly === true,
    });
  });
}
