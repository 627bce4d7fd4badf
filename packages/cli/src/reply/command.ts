import { Command, Option } from "@commander-js/extra-typings";
import type { MsgHdrs } from "holdfast";
import { commonExitCodes, exitCodeHelp } from "../cli/exit-codes.ts";
import { duration, notation, several, wholeNumber } from "../cli/values.ts";
import { addServerOptions, readServerSettings, type ServerSettings } from "../connection/server-options.ts";
import { parseHeaders } from "../messages/headers.ts";
import { type ShowAs, showAs } from "../messages/show.ts";
import { templateHelp } from "../messages/templates.ts";

/** What one run of `holdfast reply` does. */
export interface ReplyOptions {
  readonly server: ServerSettings;
  readonly subject: string;
  /** Null: what was received. */
  readonly data: string | null;
  readonly templates: boolean;
  readonly queue: string;
  readonly headers: MsgHdrs | undefined;
  /** How many requests; `Infinity` for all. */
  readonly count: number;
  /** Milliseconds: the longest wait before an answer, at random. */
  readonly sleepMs: number;
  readonly as: ShowAs;
}

const afterOptions = `
Examples:
  holdfast reply time '{{TimeStamp}}'
  holdfast reply echo --echo
  holdfast reply orders.new 'got {{Request}}' --queue shop --count 10

${templateHelp},
and {{Request}}, which is what was received.
${notation}
Answers are held while there is no connection. (The nats tool's --command does not exist here.)
${exitCodeHelp([[0, "--count requests were answered"], [1, "the server refused the subscription, or an answer was not delivered"], ...commonExitCodes])}`;

/** The command `reply`. `run` gets validated options. */
export function replyCommand(run: (options: ReplyOptions) => Promise<void>): Command<[string, string | undefined]> {
  const command = new Command("reply")
    .description("Answer requests, with a text or with what was received.")
    .argument("<subject>", "subject to listen on, also with * and >")
    .argument("[data]", "the answer; without it, what was received")
    .optionsGroup("Answers:")
    .option("--echo", "answer with what was received")
    .option("-q, --queue <group>", "queue group", "NATS-RPLY-22")
    .addOption(new Option("-H, --header <name:value>", "add a header; may be given several times").argParser(several))
    .addOption(new Option("--count <n>", "end after so many requests").argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .addOption(
      new Option("--sleep <duration>", "wait up to so long before each answer, at random").argParser(duration(0)).default(0, "0"),
    )
    .option("--no-templates", "answer {{Request}} and the like as they are")
    .option("-r, --raw", "print the data of the requests alone")
    .option("--json", "print one JSON object a request")
    .addHelpText("after", afterOptions);
  addServerOptions(command);
  return command.action(async (subject, data, given) => {
    if (data !== undefined && given.echo === true) throw new Error("[data] and --echo: give one of them");
    await run({
      server: readServerSettings(command.opts(), "holdfast reply"),
      subject,
      data: data ?? null,
      templates: given.templates,
      queue: given.queue,
      headers: parseHeaders(given.header),
      count: given.count ?? Number.POSITIVE_INFINITY,
      sleepMs: given.sleep,
      as: showAs(given.raw === true, given.json === true),
    });
  });
}
