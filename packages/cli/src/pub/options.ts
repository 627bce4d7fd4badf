import type { WhenFull } from "holdfast";
import type { ServerSettings } from "../connection/server-options.ts";
import type { Input } from "./input.ts";

/** What happens to a message that does not fit: `wait` reads no further until it does. The others are the library's. */
export type WhenFullChoice = WhenFull | "wait";
export const whenFullChoices: readonly WhenFullChoice[] = ["wait", "error", "drop-oldest", "drop-newest"];

/** Limits of what is held in memory, connected or not. */
export interface BufferLimits {
  readonly bytes: number;
  /** `Infinity` for none. */
  readonly messages: number;
  /** Milliseconds; `Infinity` for none. */
  readonly maxAge: number;
}

/** What one run of `holdfast pub` does; everything is validated. */
export interface PubOptions {
  readonly server: ServerSettings;
  readonly input: Input;
  /** Of all messages; null where each has its own. */
  readonly subject: string | null;
  /** Milliseconds between two messages; 0 for as fast as it goes. */
  readonly intervalMs: number;
  readonly buffer: BufferLimits;
  /** False: nothing is held while there is no connection. */
  readonly holdsWhileDown: boolean;
  readonly whenFull: WhenFullChoice;
  readonly delivery: "at-most-once" | "at-least-once";
  /** Whether each message gets a `Nats-Msg-Id`. */
  readonly msgIds: boolean;
  /** Whether each message is acknowledged by a stream. */
  readonly jetStream: boolean;
  /** Bytes; undefined for the library's own, as the three below. */
  readonly maxInFlight: number | undefined;
  readonly stallTimeoutMs: number | undefined;
  readonly reconnectWaitMs: number | undefined;
  readonly backlogDelayMs: number | undefined;
  readonly retryOnFailedConnect: boolean;
  /** Milliseconds to wait at the end of the input for what is held; null for as long as it takes. */
  readonly flushTimeoutMs: number | null;
  /** Milliseconds after the first Ctrl-C. */
  readonly graceMs: number;
  readonly undelivered: string | null;
  readonly progress: boolean;
  /** Nothing but errors. */
  readonly quiet: boolean;
  /** The report as a JSON object on standard output. */
  readonly json: boolean;
}
