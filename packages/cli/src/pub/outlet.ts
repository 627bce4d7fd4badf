import type { HoldfastConnection } from "holdfast";
import { oneLine } from "../demo/time-limit.ts";
import type { Draft } from "../messages/record.ts";

/** Where messages go: to the server, or into a stream. */
export interface Outlet {
  /**
   * Takes one message. Undefined: the next may come at once; otherwise when the promise has resolved. Rejects with `StoppedError` when
   * nothing more can be published, and with the signal's reason when it aborts while a message waits; that one was not taken.
   */
  publish(draft: Draft, signal: AbortSignal): Promise<void> | undefined;
  /** What has become of the messages so far. */
  counts(): OutletCounts;
  /** Resolves when every message has ended, or when `signal` aborts and they were ended as what they are then. Closes the connection. */
  finish(signal: AbortSignal): Promise<void>;
}

/** Every message taken is in exactly one of the states; those of the library, and `refused`. */
export interface OutletCounts {
  readonly taken: number;
  /** Handed over at least once. */
  readonly sent: number;
  /** Read by the server; with JetStream: stored. */
  readonly confirmed: number;
  /** The server may have it. */
  readonly inDoubt: number;
  /** The server refused it. */
  readonly rejected: number;
  /** The server cannot have it: never sent, whatever the reason. */
  readonly unsent: number;
  /** Refused here: too large, or no room. */
  readonly refused: number;
  /** Not ended yet. */
  readonly held: number;
  readonly heldBytes: number;
  /** Sent again; with at-least-once such a message may be there twice. */
  readonly resent: number;
  /** With JetStream: copies that the stream recognised. Null without. */
  readonly duplicates: number | null;
}

/** Nothing more can be published; what stands in the message is told. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
}

/** For a connection that takes nothing any more: why. */
export async function givenUp(nc: HoldfastConnection): Promise<StoppedError> {
  const reason = await nc.closed();
  return new StoppedError(`the connection was given up${reason instanceof Error ? ` (${oneLine(reason)})` : ""}`);
}

/** Told of each message that was not delivered, with its state and the reason where there is one. */
export type OnUndelivered = (
  messages: readonly (readonly [draft: Draft, state: string, reason: string | null, ageMs: number])[],
) => void;
