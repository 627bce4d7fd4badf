/** What a run leaves behind, for the oracle. */
import type { Counts, Delivery, UndeliveredState } from "../../src/index.ts";

/** A message as `onUndelivered` gave it. */
export interface HandedBack {
  readonly number: number;
  readonly state: UndeliveredState;
}

/** The frame of a message on a link: its first byte and the byte behind its last, counted from the link's first byte. */
export interface SentFrame {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** One link of the client, from dial to close. */
export interface LinkEvidence {
  /** The frames that were handed over whole, in order. */
  readonly handedOver: readonly SentFrame[];
  /** Bytes that a PONG has confirmed: where the last PING ends that was answered. */
  readonly confirmed: number;
  /** The largest window that was in force at a write, bytes. */
  readonly largestWindow: number;
  /** How many messages `publish()` had accepted when the link closed. */
  readonly acceptedAtEnd: number;
  /** How many messages ended in doubt in the call that told the client of the close. */
  readonly endedInDoubt: number;
  /** Whether the client ended it: then nothing is to be learnt from it about cuts. */
  readonly closedByClient: boolean;
}

/** What one run left behind. */
export interface Evidence {
  readonly delivery: Delivery;
  readonly accepted: number;
  readonly refused: number;
  /** In the order of the calls. */
  readonly handedBack: readonly HandedBack[];
  /** The stream from its first message to its last, copies too. */
  readonly stored: readonly number[];
  readonly links: readonly LinkEvidence[];
  /** The messages that the proxy forwarded whole, in order; `null` under TLS, where nobody in between can tell. */
  readonly forwarded: readonly number[] | null;
  /** `nc.outbound.counts()` after `close()`. */
  readonly counts: Counts;
}
