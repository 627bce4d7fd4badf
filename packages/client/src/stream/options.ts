import type { MsgHdrs } from "@nats-io/nats-core";
import {
  invalidOption,
  isOptionsObject,
  LARGEST,
  type NumberRange,
  printable,
  readBoolean,
  readKeys,
  readNumber,
  readWord,
} from "../option-checks.ts";

/** What every mode of `publishToStream()` takes. */
export interface StreamOptions {
  /**
   * The stream's name: only to ask for its `duplicate_window`, and in errors. By default it is learned from the first
   * acknowledgement. All messages of one publisher should go to one stream.
   */
  stream?: string;
  /**
   * Milliseconds of running time to wait for one acknowledgement, from 1, by default 5 000. Time without a connection does not
   * count. It is noticed up to 100 ms later.
   */
  timeout?: number;
  /**
   * How often a message is sent again at most, after no responders, a timeout, or an answer that says "later": from 0, by default
   * 60, which is about a minute without a stream. What is sent again because the connection was lost does not count.
   */
  retries?: number;
  /**
   * Whether a message without an id is given a `Nats-Msg-Id`, by which the stream recognises a second copy. Without one a message
   * that may be stored is never sent again: it is rejected as in doubt. Default: true; in mode "fast" false, because there the
   * server tells after a reconnect what it stored.
   */
  dedupe?: boolean;
  /**
   * Milliseconds after its first sending within which a message that may be stored is sent again; the stream forgets the ids of older
   * ones. From 1. By default nine tenths of the stream's `duplicate_window`, which is asked for once; 108 000 if it is not told.
   */
  dedupeWindow?: number;
  /** Where JetStream's API is, as in the official module; by default `$JS.API`. */
  apiPrefix?: string;
  /** The JetStream domain: short for the `apiPrefix` `$JS.<domain>.API`. Not both. */
  domain?: string;
  /** What the acknowledgements' inbox begins with: the `inboxPrefix` of the connection. By default `_INBOX`. */
  inboxPrefix?: string;
}

/** How many messages a publisher may hold that are not acknowledged. */
export interface OutstandingOptions {
  /** Messages without an acknowledgement, sent or not: 1 to 65 536. By default 512; in mode "fast" 8 192. */
  maxOutstanding?: number;
  /** Bytes of their payloads, from 1, or `Infinity`; one message may be larger. By default 16 MiB. */
  maxOutstandingBytes?: number;
}

/** Options of `publishToStream()` for one acknowledgement a message. */
export interface StreamPublisherOptions extends StreamOptions, OutstandingOptions {
  /** The default. */
  mode?: "each";
}

/**
 * Options of `publishToStream()` for fast ingest: the server acknowledges many messages at once. Needs nats-server 2.14 and a
 * stream with `allow_batched`.
 */
export interface FastPublisherOptions extends StreamOptions, OutstandingOptions {
  mode: "fast";
  /** After how many messages the server is asked to acknowledge: 1 to 65 535, by default 500, which is also the server's limit. */
  ackInterval?: number;
  /** How many such intervals may be unacknowledged: 1 to 64, by default 8. `maxOutstanding` bounds it, too. */
  maxOutstandingAcks?: number;
}

/**
 * Options of `publishToStream()` for atomic batches: each is stored whole or not at all. Needs nats-server 2.12 and a stream with
 * `allow_atomic`; ids, which `dedupe` adds, need a server that takes them in batches (2.15 does).
 */
export interface AtomicPublisherOptions extends StreamOptions {
  mode: "atomic";
  /** Batches without an acknowledgement: 1 to 50 (the server's limit for a stream), by default 8. */
  maxOutstanding?: number;
}

/** All of them, checked, with every default filled in. `dedupeWindow` is undefined when the stream is to be asked. */
export interface ResolvedStreamOptions {
  readonly mode: "each" | "fast" | "atomic";
  readonly stream: string | undefined;
  readonly timeout: number;
  readonly retries: number;
  readonly dedupe: boolean;
  readonly dedupeWindow: number | undefined;
  readonly apiPrefix: string;
  readonly inboxPrefix: string;
  readonly maxOutstanding: number;
  readonly maxOutstandingBytes: number;
  readonly ackInterval: number;
  readonly maxOutstandingAcks: number;
}

/** What a message asks of the stream, as in the official module; one that does not hold is answered with an error. */
export interface StreamExpectations {
  /** The id of the last message. */
  lastMsgID?: string;
  streamName?: string;
  lastSequence?: number;
  /** The last sequence of the message's subject, or of `lastSubjectSequenceSubject`. */
  lastSubjectSequence?: number;
  lastSubjectSequenceSubject?: string;
}

/** A moment: what a `Date` has. */
export interface Instant {
  /** As `Date` gives it: `2026-11-30T20:00:00.000Z`. */
  toISOString(): string;
}

/** When and where a message is delivered, as in the official module. */
export interface ScheduleOptions {
  specification: string | Instant | { at: Instant | string } | { every: string } | { cron: string } | { predefined: string };
  target: string;
  source?: string;
  ttl?: string;
  timezone?: string;
  rollup?: "sub";
}

/** Options of one message, as in the official module's `publish()`. */
export interface StreamPublishOptions {
  /** The `Nats-Msg-Id`. */
  msgID?: string;
  headers?: MsgHdrs;
  expect?: StreamExpectations;
  /** How long the stream keeps it: `"1h"`, or seconds. Needs `allow_msg_ttl`. */
  ttl?: string;
  schedule?: ScheduleOptions;
  cancelSchedule?: { scheduleSubject: string };
  /** In place of the publisher's. */
  timeout?: number;
  /** In place of the publisher's. */
  retries?: number;
}

/** Throws `InvalidArgumentError` with the option, what is allowed and what was given. */
export function resolveStreamOptions(given: unknown): ResolvedStreamOptions {
  if (given !== undefined && !isOptionsObject(given)) throw invalidOption("options", "an object", printable(given));
  const mode = given?.mode === undefined ? "each" : readWord("mode", given.mode, MODES);
  const known = readKeys("publishToStream", given ?? {}, KEYS[mode]);
  const number = (key: string, range: NumberRange, byDefault: number): number =>
    known[key] === undefined ? byDefault : readNumber(key, known[key], range);
  return Object.freeze({
    mode,
    stream: known.stream === undefined ? undefined : readName("stream", known.stream),
    timeout: number("timeout", DURATION, 5_000),
    retries: number("retries", RETRIES, 60),
    dedupe: known.dedupe === undefined ? mode !== "fast" : readBoolean("dedupe", known.dedupe),
    dedupeWindow: known.dedupeWindow === undefined ? undefined : number("dedupeWindow", DURATION, 0),
    apiPrefix: readApiPrefix(known.apiPrefix, known.domain),
    inboxPrefix: known.inboxPrefix === undefined ? "_INBOX" : readSubject("inboxPrefix", known.inboxPrefix),
    maxOutstanding: number("maxOutstanding", mode === "atomic" ? BATCHES : OUTSTANDING, DEFAULT_OUTSTANDING[mode]),
    maxOutstandingBytes: number("maxOutstandingBytes", BYTES, 16 * 1024 * 1024),
    ackInterval: number("ackInterval", INTERVAL, 500),
    maxOutstandingAcks: number("maxOutstandingAcks", ACKS, 8),
  });
}

/** The waiting of one message: its own where it has one. */
export function readTimeout(given: number | undefined, byDefault: number): number {
  return given === undefined ? byDefault : readNumber("timeout", given, DURATION);
}

/** How often one message is sent again: its own where it has one. */
export function readRetries(given: number | undefined, byDefault: number): number {
  return given === undefined ? byDefault : readNumber("retries", given, RETRIES);
}

function readApiPrefix(prefix: unknown, domain: unknown): string {
  if (domain === undefined) return prefix === undefined ? "$JS.API" : readSubject("apiPrefix", prefix);
  if (prefix !== undefined) throw invalidOption("domain", "left out when there is an apiPrefix", printable(domain));
  return `$JS.${readName("domain", domain)}.API`;
}

/** One token of a subject. */
function readName(path: string, value: unknown): string {
  if (typeof value === "string" && /^[^\s.*>]+$/.test(value)) return value;
  throw invalidOption(path, "a name without spaces, dots, * and >", printable(value));
}

function readSubject(path: string, value: unknown): string {
  if (typeof value === "string" && /^[^\s.*>]+(\.[^\s.*>]+)*$/.test(value)) return value;
  throw invalidOption(path, "a subject without spaces and wildcards", printable(value));
}

const COMMON = ["mode", "stream", "timeout", "retries", "dedupe", "dedupeWindow", "apiPrefix", "domain", "inboxPrefix"];
const KEYS = {
  each: [...COMMON, "maxOutstanding", "maxOutstandingBytes"],
  fast: [...COMMON, "maxOutstanding", "maxOutstandingBytes", "ackInterval", "maxOutstandingAcks"],
  atomic: [...COMMON, "maxOutstanding"],
} as const;
const MODES = ["each", "fast", "atomic"] as const;
const DEFAULT_OUTSTANDING = { each: 512, fast: 8192, atomic: 8 } as const;
const DURATION: NumberRange = { min: 1, max: LARGEST, whole: false, allowed: "a number of milliseconds from 1" };
const RETRIES: NumberRange = { min: 0, max: Infinity, whole: true, allowed: "a whole number from 0, or Infinity" };
const OUTSTANDING: NumberRange = { min: 1, max: 65_536, whole: true, allowed: "a whole number from 1 to 65536" };
const BATCHES: NumberRange = { min: 1, max: 50, whole: true, allowed: "a whole number from 1 to 50" };
const BYTES: NumberRange = { min: 1, max: Infinity, whole: true, allowed: "a whole number of bytes from 1, or Infinity" };
const INTERVAL: NumberRange = { min: 1, max: 65_535, whole: true, allowed: "a whole number from 1 to 65535" };
const ACKS: NumberRange = { min: 1, max: 64, whole: true, allowed: "a whole number from 1 to 64" };
