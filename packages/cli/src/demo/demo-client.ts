import type { UndeliveredState } from "holdfast";
import type { ConnectionState } from "./messages.ts";

/** A NATS client as the publisher sees it, so that both run the same code. */
export interface DemoClient {
  readonly version: string;
  /** Whether it hands back what it could not send. */
  readonly handsBack: boolean;
  /** Throws when it refuses the message. */
  publish(subject: string, payload: Uint8Array): void;
  state(): ConnectionState;
  /** When it said that its connection was gone, on the clock of `performance.now()`, in order. */
  disconnects(): readonly number[];
  /** Bytes it holds; `null` when it does not say. */
  heldBytes(): number | null;
  /** The limit on that which is in force now; `null` when there is none. */
  limitBytes(): number | null;
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Its counts by state, also after `close()`; `null` when it has none. */
  counts(): Readonly<Record<string, number>> | null;
}

/** Called for each message that the client hands back. */
export type OnHandedBack = (payload: Uint8Array, state: UndeliveredState) => void;

/**
 * The options that both clients get. A quarter second instead of the usual two between attempts keeps the run short, and without a limit
 * on attempts neither client gives up within a long outage.
 */
export const sharedConnectOptions: { readonly reconnectTimeWait: number; readonly maxReconnectAttempts: number } = {
  reconnectTimeWait: 250,
  maxReconnectAttempts: -1,
};
