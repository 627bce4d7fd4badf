import { randomBytes } from "node:crypto";
import { Option } from "@commander-js/extra-typings";
import type { OptionTaker } from "../cli/option-taker.ts";
import { duration, several, size, wholeNumber } from "../cli/values.ts";
import { readServerSettings } from "../connection/server-options.ts";
import { headersToObject, parseHeaders } from "../messages/headers.ts";
import { checkSubject } from "../pub/read-options.ts";
import { findNatsJs } from "./nats-js.ts";
import type { BenchOptions, HeaderLists, RateBenchOptions } from "./options.ts";

/** Options as commander gives them. */
export type Given = Readonly<Record<string, unknown>>;

const mostMessages = 1_000_000_000;
const mostClients = 1_000;
const mostRounds = 1_000;
/** The server's `max_payload` can be no larger. */
const mostBytes = 64 * 1024 * 1024;
/** Enough for a median and a spread. */
const defaultRounds = 5;

/** Adds options under a heading. */
export function addGroup(command: OptionTaker, heading: string, options: readonly Option[]): void {
  command.optionsGroup(heading);
  for (const option of options) command.addOption(option);
}

/** How much is measured. `what` is what a message is called. */
export function amountOptions(what: string, msgs: number): Option[] {
  return [
    new Option("--msgs <n>", `${what} of a round (default: ${msgs}, or any number within --duration)`).argParser(
      wholeNumber(1, mostMessages),
    ),
    new Option("--duration <duration>", "end a round after so long (default: when --msgs are done)").argParser(duration(1)),
    new Option("--clients <n>", "connections of a client, in one process").argParser(wholeNumber(1, mostClients)).default(1),
    new Option("--rounds <n>", `how often to measure (default: 1, with --compare ${defaultRounds})`).argParser(
      wholeNumber(1, mostRounds),
    ),
  ];
}

export function sizeOption(least: number): Option {
  return new Option("--size <size>", `payload of a message${least > 0 ? `, ${least} bytes or more` : ""}`)
    .argParser(size(least, mostBytes))
    .default(128);
}

export function headerOption(): Option {
  return new Option("-H, --header <name:value>", "add a header; may be given several times").argParser(several);
}

export function subjectsOptions(): Option[] {
  return [
    new Option("--multisubject", "each message to a subject of its own: its number is a further token"),
    new Option("--multisubjectmax <n>", "begin again after so many subjects, 0 for never")
      .argParser(wholeNumber(0, mostMessages))
      .default(100_000),
  ];
}

/** `hasCsv`: where there are rounds. */
export function resultOptions(hasCsv: boolean): Option[] {
  return [
    new Option("--compare <client>", "measure the official client as well, when it is installed").choices(["nats.js"] as const),
    ...(hasCsv ? [new Option("--csv <file>", "write a line for each round to a file")] : []),
    new Option("--json", "print the result as a JSON object on standard output"),
    new Option("--no-progress", "no progress on standard error"),
  ];
}

type Common = Pick<BenchOptions, "server" | "subject" | "natsJs" | "size" | "progress" | "json">;

/** Without a subject it is one that nobody else uses. */
export function readCommon(command: BenchOptions["kind"], subject: string | undefined, given: Given): Common {
  if (subject !== undefined) checkSubject("<subject>", subject);
  return {
    server: readServerSettings(given, `holdfast bench ${command}`),
    subject: subject ?? `holdfast.bench.${randomBytes(6).toString("hex")}`,
    natsJs: given.compare === undefined ? null : findNatsJs(),
    size: numberOf(given.size) ?? 0,
    progress: given.progress !== false,
    json: given.json === true,
  };
}

export function readAmount(
  given: Given,
  defaultMsgs: number,
): Pick<RateBenchOptions, "msgs" | "durationMs" | "clients" | "rounds" | "csv"> {
  const durationMs = numberOf(given.duration) ?? Number.POSITIVE_INFINITY;
  return {
    durationMs,
    msgs: numberOf(given.msgs) ?? (durationMs === Number.POSITIVE_INFINITY ? defaultMsgs : Number.POSITIVE_INFINITY),
    clients: numberOf(given.clients) ?? 1,
    rounds: numberOf(given.rounds) ?? (given.compare === undefined ? 1 : defaultRounds),
    csv: wordOf(given.csv) ?? null,
  };
}

export function readHeaders(given: Given): HeaderLists | null {
  const headers = parseHeaders(Array.isArray(given.header) ? given.header.map(String) : undefined);
  return headers === undefined ? null : { ...headersToObject(headers) };
}

/** How many subjects; null for one. */
export function readSubjects(given: Given): number | null {
  if (given.multisubject !== true) return null;
  const most = numberOf(given.multisubjectmax) ?? 0;
  return most === 0 ? mostMessages : most;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function wordOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
