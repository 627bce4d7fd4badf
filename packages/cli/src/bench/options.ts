import type { WhenFull } from "holdfast";
import type { ServerSettings } from "../connection/server-options.ts";
import type { NatsJsPlace } from "./nats-js.ts";

/** What all of the benchmarks take; everything is validated. */
interface CommonOptions {
  readonly server: ServerSettings;
  readonly subject: string;
  /** The official client to compare with; null for Holdfast alone. */
  readonly natsJs: NatsJsPlace | null;
  /** Payload bytes of a message. */
  readonly size: number;
  readonly progress: boolean;
  /** The result as a JSON object on standard output. */
  readonly json: boolean;
}

/** What `pub`, `sub` and `req` take: they measure rates, in rounds. */
interface RateOptions extends CommonOptions {
  /** Connections of a client, in one process. */
  readonly clients: number;
  /** Messages of a round; `Infinity` for as many as `durationMs` allows. */
  readonly msgs: number;
  /** Milliseconds of a round; `Infinity` for as long as `msgs` takes. */
  readonly durationMs: number;
  readonly rounds: number;
  readonly csv: string | null;
}

/** Headers as they are sent from one process to another. */
export type HeaderLists = Readonly<Record<string, readonly string[]>>;

export interface PubBenchOptions extends RateOptions {
  readonly kind: "pub";
  readonly headers: HeaderLists | null;
  /** Messages a second of all connections together; null for as fast as it goes. */
  readonly rate: number | null;
  /** Holdfast's. */
  readonly delivery: "at-most-once" | "at-least-once";
  /** Holdfast's: a `Nats-Msg-Id` each. */
  readonly msgIds: boolean;
  /** How many subjects below `subject`; null for that one alone. */
  readonly subjects: number | null;
}

export interface SubBenchOptions extends RateOptions {
  readonly kind: "sub";
  /** Null: every connection gets every message. */
  readonly queue: string | null;
  readonly by: "callback" | "iterator";
  /** False: messages are published by somebody else. */
  readonly publishes: boolean;
  readonly headers: HeaderLists | null;
  readonly subjects: number | null;
  /** Milliseconds without a message after which a round ends; null for never. */
  readonly waitMs: number | null;
}

export interface ReqBenchOptions extends RateOptions {
  readonly kind: "req";
  /** Requests that wait for their answers at the same time, of each connection. */
  readonly outstanding: number;
  readonly headers: HeaderLists | null;
  /** Whether to answer them: always on a subject of our own; `"if nobody does"` on one that was given; never with --no-responder. */
  readonly responds: "always" | "if nobody does" | "never";
}

export interface OutageBenchOptions extends CommonOptions {
  readonly kind: "outage";
  readonly rate: number;
  readonly fault: LinkFaultKind;
  /** Milliseconds of publishing before, during and behind the fault. */
  readonly beforeMs: number;
  readonly outageMs: number;
  readonly afterMs: number;
  readonly holdfast: HoldfastLimits;
  readonly reconnectWaitMs: number;
  /** A report for browsers. */
  readonly html: string | null;
}

/** The options of Holdfast in an outage; undefined for its own default. */
export interface HoldfastLimits {
  readonly delivery: "at-most-once" | "at-least-once";
  readonly bufferBytes: number;
  readonly bufferMessages: number | undefined;
  readonly maxAgeMs: number | undefined;
  readonly whenFull: WhenFull;
  readonly maxInFlight: number | undefined;
  readonly stallTimeoutMs: number | undefined;
}

/** What the proxy does to the link; the server is never touched. */
export const linkFaultKinds = ["rst", "fin", "refuse", "blackhole", "flap"] as const;
export type LinkFaultKind = (typeof linkFaultKinds)[number];

export type BenchOptions = PubBenchOptions | SubBenchOptions | ReqBenchOptions | OutageBenchOptions;
export type RateBenchOptions = Exclude<BenchOptions, OutageBenchOptions>;

/** How many messages an outage has. */
export function outageMessages({
  rate,
  beforeMs,
  outageMs,
  afterMs,
}: Pick<OutageBenchOptions, "rate" | "beforeMs" | "outageMs" | "afterMs">): number {
  return Math.max(1, Math.round((rate * (beforeMs + outageMs + afterMs)) / 1000));
}
