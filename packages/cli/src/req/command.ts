import { Command, Option } from "@commander-js/extra-typings";
import type { MsgHdrs } from "holdfast";
import { commonExitCodes, exitCodeHelp } from "../cli/exit-codes.ts";
import { duration, notation, several, wholeNumber } from "../cli/values.ts";
import { addServerOptions, readServerSettings, type ServerSettings } from "../connection/server-options.ts";
import { parseHeaders } from "../messages/headers.ts";
import { type ShowAs, showAs } from "../messages/show.ts";
import { templateHelp } from "../messages/templates.ts";
import { checkSubject } from "../pub/read-options.ts";

/** What one run of `holdfast req` does. */
export interface ReqOptions {
  readonly server: ServerSettings;
  readonly subject: string;
  /** Null: standard input. */
  readonly data: string | null;
  readonly templates: boolean;
  readonly headers: MsgHdrs | undefined;
  readonly count: number;
  /** How many answers to each; `Infinity` for all that come in time. */
  readonly replies: number;
  /** Milliseconds between two answers, when more than one is waited for. */
  readonly replyTimeoutMs: number;
  readonly as: ShowAs;
}

const afterOptions = `
Examples:
  holdfast req time ''
  holdfast req weather.london 'now?' --timeout 2s --raw
  holdfast req '$SRV.PING' '' --replies 0
  cat order.json | holdfast req orders.new --header Content-Type:application/json --json

${templateHelp}.
${notation}
A request that was sent is never sent again: when its connection ends, the answer may still come over the next one.
${exitCodeHelp([
  [0, "every request was answered"],
  [1, "one was not: nobody listens, or no answer came within --timeout"],
  ...commonExitCodes,
])}`;

/** The command `req`. `run` gets validated options. */
export function reqCommand(run: (options: ReqOptions) => Promise<void>): Command<[string, string | undefined]> {
  const command = new Command("req")
    .alias("request")
    .description("Make a request and print the answer.")
    .argument("<subject>", "subject of the request")
    .argument("[data]", "its data; without it, standard input")
    .optionsGroup("Request:")
    .addOption(new Option("-H, --header <name:value>", "add a header; may be given several times").argParser(several))
    .addOption(new Option("--count <n>", "make so many requests").argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)).default(1))
    .addOption(
      new Option("--replies <n>", "wait for so many answers, 0 for all until --timeout")
        .argParser(wholeNumber(0, 1_000_000))
        .default(1),
    )
    .addOption(
      new Option("--reply-timeout <duration>", "longest time between two answers, of more than one")
        .argParser(duration(1))
        .default(300, "300ms"),
    )
    .option("--no-templates", "send {{Count}} and the like as they are")
    .option("-r, --raw", "the data of the answer alone")
    .option("--json", "one JSON object an answer")
    .addHelpText("after", afterOptions);
  addServerOptions(command);
  return command.action(async (subject, data, given) => {
    checkSubject("<subject>", subject);
    if (data === undefined && process.stdin.isTTY) throw new Error("req needs [data], which may be '', or standard input");
    await run({
      server: readServerSettings(command.opts(), "holdfast req"),
      subject,
      data: data ?? null,
      templates: given.templates,
      headers: parseHeaders(given.header),
      count: given.count,
      replies: given.replies === 0 ? Number.POSITIVE_INFINITY : given.replies,
      replyTimeoutMs: given.replyTimeout,
      as: showAs(given.raw === true, given.json === true),
    });
  });
}
