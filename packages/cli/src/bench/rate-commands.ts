import { Command, type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { commonExitCodes, exitCodeHelp } from "../cli/exit-codes.ts";
import { duration, wholeNumber } from "../cli/values.ts";
import { addServerOptions } from "../connection/server-options.ts";
import {
  addGroup,
  amountOptions,
  type Given,
  headerOption,
  numberOf,
  readAmount,
  readCommon,
  readHeaders,
  readSubjects,
  resultOptions,
  sizeOption,
  subjectsOptions,
  wordOf,
} from "./flags.ts";
import type { PubBenchOptions, ReqBenchOptions, SubBenchOptions } from "./options.ts";

/** A second or so. */
const defaultMessages = 1_000_000;
const defaultRequests = 100_000;

const rounds = `
A short round goes before, which is not counted. With --compare nats.js each client has a process of its own, and the rounds of both
alternate. The table has the medians, the slowest and the fastest round, and the ratio of the two in each round.`;

type Run<Options> = (options: Options) => Promise<void>;

/** The command `bench pub`. `run` gets validated options, here and below. */
export function pubBenchCommand(run: Run<PubBenchOptions>): CommandUnknownOpts {
  const command = new Command("pub")
    .summary("how fast messages are published, and confirmed by the server")
    .description(
      "Publish, and measure how fast the server confirms it: the answer to a PING behind the last message is part of the time.",
    )
    .argument("[subject]", "subject to publish to (default: one that nobody else uses)")
    .addHelpText("after", pubHelp);
  addGroup(command, "What is published:", [
    ...amountOptions("messages", defaultMessages),
    sizeOption(0),
    headerOption(),
    ...subjectsOptions(),
    new Option("--rate <n>", "messages a second of all connections (default: as fast as it goes)").argParser(
      wholeNumber(1, 10_000_000),
    ),
    new Option("--at-least-once", "Holdfast's delivery: keep what is in flight to send it again"),
    new Option("--msg-id", "give each message a Nats-Msg-Id (Holdfast alone)"),
  ]);
  addGroup(command, "Result:", resultOptions(true));
  addServerOptions(command);
  return command.action(async (subject) => {
    const given: Given = command.opts();
    if (given.msgId === true && given.compare !== undefined)
      throw new Error("--msg-id and --compare: give one of them; nats.js would need an id of its own for each message");
    await run({
      kind: "pub",
      ...readCommon("pub", subject, given),
      ...readAmount(given, defaultMessages),
      headers: readHeaders(given),
      rate: numberOf(given.rate) ?? null,
      delivery: given.atLeastOnce === true ? "at-least-once" : "at-most-once",
      msgIds: given.msgId === true,
      subjects: readSubjects(given),
    });
  });
}

/** The command `bench sub`. */
export function subBenchCommand(run: Run<SubBenchOptions>): CommandUnknownOpts {
  const command = new Command("sub")
    .summary("how fast messages are received")
    .description(
      "Receive, and measure how fast: from the first message to the last. The messages are published by a process of its own.",
    )
    .argument("[subject]", "subject to subscribe to (default: one that nobody else uses)")
    .addHelpText("after", subHelp);
  addGroup(command, "What is received:", [
    ...amountOptions("messages", defaultMessages),
    sizeOption(0),
    headerOption(),
    ...subjectsOptions(),
    new Option("--queue <group>", "the connections share the messages, as a queue group (default: each gets all)"),
    new Option("--iterator", "receive with for await (default: by a callback)"),
    new Option("--no-publisher", "wait for messages that somebody else publishes, such as `holdfast bench pub`"),
    new Option(
      "--wait <duration>",
      "end a round after so long without a message (default: --timeout, with --no-publisher never)",
    ).argParser(duration(1)),
  ]);
  addGroup(command, "Result:", resultOptions(true));
  addServerOptions(command);
  return command.action(async (subject) => {
    const given: Given = command.opts();
    const publishes = given.publisher !== false;
    const other = publishes ? undefined : ["compare", "header", "rounds"].find((name) => given[name] !== undefined);
    if (other !== undefined) throw new Error(`--no-publisher and --${other}: give one of them`);
    if (!publishes && subject === undefined) throw new Error("--no-publisher needs a <subject>: the one that is published to");
    const common = readCommon("sub", subject, given);
    await run({
      kind: "sub",
      ...common,
      ...readAmount(given, defaultMessages),
      headers: readHeaders(given),
      subjects: readSubjects(given),
      queue: wordOf(given.queue) ?? null,
      by: given.iterator === true ? "iterator" : "callback",
      publishes,
      waitMs: numberOf(given.wait) ?? (publishes ? common.server.timeoutMs : null),
    });
  });
}

/** The command `bench req`. */
export function reqBenchCommand(run: Run<ReqBenchOptions>): CommandUnknownOpts {
  const command = new Command("req")
    .alias("request")
    .summary("how fast requests are answered, and how long an answer takes")
    .description("Make requests, so many at a time, and measure how many are answered and how long each answer takes.")
    .argument("[subject]", "subject of the requests (default: one that nobody else uses)")
    .addHelpText("after", reqHelp);
  addGroup(command, "What is asked:", [
    ...amountOptions("requests", defaultRequests),
    sizeOption(0),
    headerOption(),
    new Option("--outstanding <n>", "requests of a connection that wait for their answers at the same time; 1 for latencies")
      .argParser(wholeNumber(1, 65_536))
      .default(64),
    new Option("--no-responder", "somebody else answers (default: we do, unless somebody does on a <subject> that was given)"),
  ]);
  addGroup(command, "Result:", resultOptions(true));
  addServerOptions(command);
  return command.action(async (subject) => {
    const given: Given = command.opts();
    if (given.responder === false && subject === undefined)
      throw new Error("--no-responder needs a <subject>: the one that is answered");
    await run({
      kind: "req",
      ...readCommon("req", subject, given),
      ...readAmount(given, defaultRequests),
      headers: readHeaders(given),
      outstanding: numberOf(given.outstanding) ?? 1,
      responds: given.responder === false ? "never" : subject === undefined ? "always" : "if nobody does",
    });
  });
}

const pubHelp = `
Examples:
  holdfast bench pub
  holdfast bench pub --size 16 --msgs 1000000 --compare nats.js
  holdfast bench pub --duration 10s --clients 4 --header Kind:bench --json
  holdfast bench pub orders.bench --rate 5000 --duration 1m
${rounds}
${exitCodeHelp([[0, "every message was confirmed"], [1, "some were not; the table says why"], ...commonExitCodes])}`;

const subHelp = `
Examples:
  holdfast bench sub
  holdfast bench sub --clients 4 --queue workers --size 1KiB
  holdfast bench sub --iterator --compare nats.js
  holdfast bench sub orders.bench --no-publisher --msgs 50000
${rounds}
${exitCodeHelp([[0, "every message came"], [1, "some did not"], ...commonExitCodes])}`;

const reqHelp = `
Examples:
  holdfast bench req
  holdfast bench req --outstanding 1 --msgs 10000
  holdfast bench req weather.london --no-responder --clients 4
  holdfast bench req --compare nats.js --csv requests.csv
${rounds}
${exitCodeHelp([[0, "every request was answered"], [1, "some were not; the table says why"], ...commonExitCodes])}`;
