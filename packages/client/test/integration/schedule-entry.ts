import type { UndeliveredState } from "../../src/errors.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import type { Content } from "./schedule-messages.ts";
import type { Watch } from "./schedule-watch.ts";

/**
 * Where a message is, by what was handed over and what arrived, never by what the client says. `again`: at-least-once, it was in flight when
 * its connection ended, and waits for the next. The last three are ends.
 */
export type Fate = "buffered" | "inFlight" | "again" | "confirmed" | "rejected" | "inDoubt";

/** One accepted message and what became of it. */
export interface Entry {
  readonly content: Content;
  /** The number of the call. */
  readonly seq: number;
  readonly isRequest: boolean;
  /** What is in flight at the end of a connection is sent again. */
  readonly again: boolean;
  /** After which it expires while it is buffered, ms. */
  readonly maxAge: number;
  /** The connection it was published on; undefined while there was none. */
  readonly on: ServerConnection | undefined;
  readonly time: number;
  /** How it was handed back. */
  state: UndeliveredState | undefined;
  fate: Fate;
  /** It was handed over whole on a connection that has ended. */
  whole: boolean;
  /** The connection on which it was handed over whole last. */
  handedOn: Watch | undefined;
  /** It was the only one in flight when a fatal `-ERR` ended its connection. */
  suspect: boolean;
  /** It was buffered at a `purge()`. */
  purged: boolean;
  /** A PONG came behind violations that do not match: any message between these fences may be the one. */
  ambiguous: boolean;
  /** The connection on which the server read it last, and how often it did. */
  readOn: ServerConnection | undefined;
  reads: number;
  /** Its headers as they were read first. */
  block: string | undefined;
  /** A request whose deadline has passed: nothing of it may be handed over from this byte of this connection on. */
  over: { readonly connection: number; readonly byte: number } | undefined;
}

/** States of which only what was never handed over whole can be. */
export const NEVER_SENT: ReadonlySet<UndeliveredState> = new Set(["dropped", "expired", "undeliverable", "abandoned"]);
