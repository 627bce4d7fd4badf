import { readServerSettings } from "../connection/server-options.ts";
import { parseHeaders } from "../messages/headers.ts";
import { bytesInput, type Envelope, type Input, recordsInput, textInput } from "./input.ts";
import { type PubOptions, type WhenFullChoice, whenFullChoices } from "./options.ts";

type Given = Readonly<Record<string, unknown>>;

/** What the arguments and options of `pub` come to. Throws with one line when they cannot be. */
export function readPubOptions(subject: string | undefined, data: string | undefined, given: Given): PubOptions {
  const jetStream = given.jetstream === true;
  const whenFull = whenFullOf(given.whenFull);
  refuseTogether(given, jetStream, whenFull);
  return {
    server: readServerSettings(given, "holdfast pub"),
    input: inputFor(subject, data, given),
    subject: subject ?? null,
    intervalMs: intervalOf(given),
    buffer: {
      bytes: numberOf(given.bufferBytes) ?? 8 * 1024 * 1024,
      messages: numberOf(given.bufferMessages) ?? Number.POSITIVE_INFINITY,
      maxAge: numberOf(given.maxAge) ?? Number.POSITIVE_INFINITY,
    },
    holdsWhileDown: given.buffer !== false,
    whenFull,
    delivery: given.atLeastOnce === true ? "at-least-once" : "at-most-once",
    msgIds: given.msgId === true,
    jetStream,
    maxInFlight: numberOf(given.maxInFlight),
    stallTimeoutMs: numberOf(given.stallTimeout),
    reconnectWaitMs: numberOf(given.reconnectTimeWait),
    backlogDelayMs: numberOf(given.backlogDelay),
    retryOnFailedConnect: given.retryOnFailedConnect === true,
    flushTimeoutMs: numberOf(given.flushTimeout) ?? null,
    graceMs: numberOf(given.grace) ?? 5_000,
    undelivered: wordOf(given.undelivered) ?? null,
    progress: given.progress !== false,
    quiet: given.quiet === true,
    json: given.json === true,
  };
}

function refuseTogether(given: Given, jetStream: boolean, whenFull: WhenFullChoice): void {
  const without = (option: string, isGiven: boolean, reason: string): void => {
    if (isGiven) throw new Error(`--jetstream and ${option}: give one of them; ${reason}`);
  };
  if (given.rate !== undefined && given.sleep !== undefined) throw new Error("--rate and --sleep: give one of them");
  if (!jetStream) return;
  without("--at-least-once", given.atLeastOnce === true, "a stream's acknowledgement says already what was stored");
  without("--reply", given.reply !== undefined, "the acknowledgement comes as a reply");
  without("--max-age", given.maxAge !== undefined, "a message that a stream may have is not forgotten");
  without("--no-buffer", given.buffer === false, "what is not acknowledged must be held");
  without(`--when-full ${whenFull}`, whenFull !== "wait", "it waits for acknowledgements");
}

function inputFor(subject: string | undefined, data: string | undefined, given: Given): Input {
  const files = Array.isArray(given.file) ? given.file.map(String) : [];
  const count = numberOf(given.count) ?? 1;
  const from = wordOf(given.from);
  if (from !== undefined) {
    if (subject !== undefined) throw new Error(`--from and <subject>: the subjects stand in ${from}`);
    const other = ["file", "header", "reply"].find((name) => given[name] !== undefined);
    if (other !== undefined || count !== 1) throw new Error(`--from and --${other ?? "count"}: give one of them`);
    return recordsInput(from);
  }
  if (subject === undefined) throw new Error("pub needs a <subject>, or --from FILE; `holdfast pub --help` has examples");
  checkSubject("<subject>", subject);
  const envelope = envelopeOf(subject, given);
  if (data !== undefined && files.length > 0) throw new Error("[data] and --file: give one of them");
  if (data !== undefined) return textInput(envelope, data, count, given.templates !== false);
  const by = given.lines === true || given.sendOn === "newline" ? "line" : "whole";
  if (files.length > 0) return bytesInput(envelope, files, by, count, "--file");
  if (process.stdin.isTTY && given.forceStdin !== true)
    throw new Error("there is nothing to publish: give [data], --file FILE, or standard input (--force-stdin to type it)");
  return bytesInput(envelope, ["-"], by, count, "standard input");
}

function envelopeOf(subject: string, given: Given): Envelope {
  const headers = parseHeaders(Array.isArray(given.header) ? given.header.map(String) : undefined);
  const reply = wordOf(given.reply);
  if (reply !== undefined) checkSubject("--reply", reply);
  return { subject, ...(reply === undefined ? {} : { reply }), ...(headers === undefined ? {} : { headers }) };
}

/** The common mistakes, before there is a connection; the library checks the rest. */
export function checkSubject(option: string, subject: string): void {
  const problem = /\s/.test(subject)
    ? "has spaces: quote it, and give data behind it"
    : /(^|\.)(\*|>)(\.|$)/.test(subject)
      ? "has a wildcard, which only a subscription can have"
      : /^$|^\.|\.$|\.\./.test(subject)
        ? "has an empty part between its dots"
        : null;
  if (problem !== null) throw new Error(`${option} ${JSON.stringify(subject)} ${problem}`);
}

function intervalOf(given: Given): number {
  const rate = numberOf(given.rate);
  return rate === undefined ? (numberOf(given.sleep) ?? 0) : 1000 / rate;
}

function whenFullOf(value: unknown): WhenFullChoice {
  return whenFullChoices.find((choice) => choice === value) ?? "wait";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function wordOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
