import { InvalidArgumentError } from "@commander-js/extra-typings";
import { numberLimit, smallestPayload } from "./payload.ts";

/** What goes wrong; faults.ts says what each does. */
export const faultKinds = ["rst", "fin", "refuse", "blackhole", "flap", "freeze", "restart", "kill"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Holdfast's levels of delivery. The official client has no such choice. */
export const deliveries = ["at-most-once", "at-least-once"] as const;
export type Delivery = (typeof deliveries)[number];

/** The clients that can be compared, in the order of the report. */
export const clientNames = ["holdfast", "nats.js"] as const;
export type ClientName = (typeof clientNames)[number];

/** What one run of the demo does; everything is validated. */
export interface DemoOptions {
  /** Messages a second of each client. */
  readonly rate: number;
  /** Payload bytes of each message. */
  readonly size: number;
  /** Milliseconds from the beginning of the fault to its end. */
  readonly outageMs: number;
  readonly fault: FaultKind;
  /** Of Holdfast. */
  readonly delivery: Delivery;
  /** Holdfast's `stallTimeout` in milliseconds; `null` for its default. */
  readonly stallTimeoutMs: number | null;
  /** Holdfast's reconnect buffer in bytes. */
  readonly bufferBytes: number;
  readonly clients: readonly ClientName[];
  readonly json: boolean;
  /** File for the report with plots; `null` for none. */
  readonly html: string | null;
  /** Milliseconds of publishing before the fault. */
  readonly leadMs: number;
  /** Milliseconds of publishing after the fault. */
  readonly tailMs: number;
}

/** Holdfast's own default for `reconnectBuffer`, in bytes. */
export const defaultBufferBytes: number = 8 * 1024 * 1024;

/** The options that take a whole number. */
export type NumericOption = "rate" | "size" | "outage" | "buffer" | "stall-timeout" | "lead" | "tail";

/** Their limits: [smallest, greatest]. */
const limits: Readonly<Record<NumericOption, readonly [number, number]>> = {
  rate: [1, 1_000_000],
  /** The server's default `max_payload` is 1 MiB. */
  size: [smallestPayload, 1024 * 1024],
  outage: [1, 600_000],
  buffer: [1, Number.MAX_SAFE_INTEGER],
  "stall-timeout": [0, 600_000],
  lead: [1, 600_000],
  tail: [1, 600_000],
};

/** The stream of each client is kept in the server's memory, or in files of the temporary directory, so a run is bounded. */
const greatestRunBytes: number = 512 * 1024 * 1024;

/** How many messages each client publishes. */
export function totalMessages(options: Pick<DemoOptions, "rate" | "leadMs" | "outageMs" | "tailMs">): number {
  return Math.max(1, Math.round((options.rate * publishingMs(options)) / 1000));
}

/** How long each client publishes when it keeps to the schedule, in milliseconds. */
export function publishingMs(options: Pick<DemoOptions, "leadMs" | "outageMs" | "tailMs">): number {
  return options.leadMs + options.outageMs + options.tailMs;
}

/** A parser for commander that takes a whole number within the limits of `name`. */
export function wholeNumber(name: NumericOption): (text: string) => number {
  const [least, greatest] = limits[name];
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= greatest) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${greatest}.`);
  };
}

/** What is wrong with options that are each valid by themselves, in one sentence; `null` when nothing is. */
export function contradiction(options: DemoOptions): string | null {
  if (options.fault === "freeze" && process.platform === "win32")
    return "--fault freeze needs SIGSTOP, which Windows does not have";
  const messages = totalMessages(options);
  const asked = `${options.rate} messages a second for ${publishingMs(options)} ms`;
  if (messages >= numberLimit) return `${asked} are ${messages} messages; the demo can number ${numberLimit - 1}`;
  const bytes = messages * options.size;
  if (bytes <= greatestRunBytes) return null;
  return (
    `${asked}, each of ${options.size} bytes, are ${bytes} bytes; the demo keeps them in its server and ` +
    `takes at most ${greatestRunBytes}: lower --rate, --size or --outage`
  );
}
