import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import type { WhenFull } from "holdfast";
import { commonExitCodes, exitCodeHelp } from "../cli/exit-codes.ts";
import { duration, size, wholeNumber } from "../cli/values.ts";
import { addServerOptions } from "../connection/server-options.ts";
import { faults } from "../demo/faults.ts";
import { numberLimit, smallestPayload } from "../demo/payload.ts";
import { addGroup, type Given, numberOf, readCommon, resultOptions, sizeOption, wordOf } from "./flags.ts";
import { linkFaultKinds, type OutageBenchOptions, outageMessages } from "./options.ts";

const whenFullChoices: readonly WhenFull[] = ["error", "drop-oldest", "drop-newest"];

/** The command `bench outage`. `run` gets validated options. */
export function outageBenchCommand(run: (options: OutageBenchOptions) => Promise<void>): CommandUnknownOpts {
  const command = new Command("outage")
    .summary("what becomes of every message when the connection breaks")
    .description(
      "Publish numbered messages at a rate through a proxy of our own, which breaks the connection to the server for a while, and count what " +
        "became of each. A subscriber that goes around the proxy hears what arrived. The server itself is left alone.",
    )
    .argument("[subject]", "subject to publish to (default: one that nobody else uses)")
    .addHelpText("after", outageHelp);
  addGroup(command, "Outage:", outageOptions());
  addGroup(command, "Holdfast:", holdfastOptions());
  addGroup(command, "Result:", [
    ...resultOptions(false),
    new Option("--html <file>", "write a report with plots over time, one file for any browser"),
  ]);
  addServerOptions(command);
  return command.action(async (subject) => await run(readOutage(subject, command.opts())));
}

function outageOptions(): Option[] {
  return [
    new Option("--rate <n>", "messages a second of each client").argParser(wholeNumber(1, 1_000_000)).default(10_000),
    sizeOption(smallestPayload),
    new Option("--fault <kind>", "what happens to the connection, see below").choices(linkFaultKinds).default("rst"),
    new Option("--outage <duration>", "how long the fault lasts").argParser(duration(1)).default(3_000, "3s"),
    new Option("--before <duration>", "publishing before the fault").argParser(duration(1)).default(2_000, "2s"),
    new Option("--after <duration>", "publishing behind it").argParser(duration(1)).default(3_000, "3s"),
    new Option("--reconnect-time-wait <duration>", "time between two attempts to reconnect, of each client")
      .argParser(duration(0))
      .default(250, "250ms"),
  ];
}

function holdfastOptions(): Option[] {
  return [
    new Option("--at-least-once", "send again what was in flight when the connection ended"),
    new Option("--buffer-bytes <size>", "how much may be held while there is no connection")
      .argParser(size(1, Number.MAX_SAFE_INTEGER))
      .default(8 * 1024 * 1024, "8MiB"),
    new Option("--buffer-messages <n>", "how many messages may be held (default: any number)").argParser(
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    ),
    new Option("--max-age <duration>", "messages that waited longer expire (default: never)").argParser(duration(1)),
    new Option("--when-full <what>", "when the buffer is full: refuse, or drop").choices(whenFullChoices).default("error"),
    new Option("--max-in-flight <size>", "what may be unconfirmed, and so in doubt, at most").argParser(size(65_536, 1024 ** 3)),
    new Option("--stall-timeout <duration>", "a connection silent for so long is given up, 0 for never").argParser(duration(0)),
  ];
}

function readOutage(subject: string | undefined, given: Given): OutageBenchOptions {
  const options: OutageBenchOptions = {
    kind: "outage",
    ...readCommon("outage", subject, given),
    rate: numberOf(given.rate) ?? 0,
    fault: linkFaultKinds.find((kind) => kind === given.fault) ?? "rst",
    beforeMs: numberOf(given.before) ?? 0,
    outageMs: numberOf(given.outage) ?? 0,
    afterMs: numberOf(given.after) ?? 0,
    reconnectWaitMs: numberOf(given.reconnectTimeWait) ?? 0,
    html: wordOf(given.html) ?? null,
    holdfast: {
      delivery: given.atLeastOnce === true ? "at-least-once" : "at-most-once",
      bufferBytes: numberOf(given.bufferBytes) ?? 0,
      bufferMessages: numberOf(given.bufferMessages),
      maxAgeMs: numberOf(given.maxAge),
      whenFull: whenFullChoices.find((choice) => choice === given.whenFull) ?? "error",
      maxInFlight: numberOf(given.maxInFlight),
      stallTimeoutMs: numberOf(given.stallTimeout),
    },
  };
  const messages = outageMessages(options);
  if (messages >= numberLimit)
    throw new Error(
      `these are ${messages} messages, and ${numberLimit - 1} can be numbered: lower --rate, --before, --outage or --after`,
    );
  return options;
}

const outageHelp = `
Faults (of the proxy between each client and the server):
${linkFaultKinds.map((kind) => `  ${kind.padEnd(10)} ${faults[kind].explanation}`).join("\n")}

Examples:
  holdfast bench outage
  holdfast bench outage --compare nats.js --html outage.html
  holdfast bench outage --fault blackhole --at-least-once --stall-timeout 1s
  holdfast bench outage --buffer-bytes 1MiB --when-full drop-oldest --outage 10s --server nats://10.0.0.5:4222

With several servers it is the first that answers. No stream is made; whoever subscribes to the subject gets the messages.
${exitCodeHelp([
  [0, "Holdfast kept its promise: every message arrived, was handed back or was refused"],
  [1, "it lost one silently, handed one back wrongly, or the subscriber lost its own connection"],
  ...commonExitCodes,
])}`;
