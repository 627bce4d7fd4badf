import { ConnectionError, createInbox } from "@nats-io/nats-core";
import { LazySet } from "../bytes/lazy-set.ts";
import type { Receiver, SubscriptionEntry, SubscriptionTable } from "../inbound/table.ts";
import type { RawMessage } from "../protocol/events.ts";
import type { ReceivedMsg } from "./message.ts";

/** A request that waits for its answers. */
export interface Pending {
  /** What it asks: a permission violation for publishing to it ends the request. */
  readonly subject: string;
  message(msg: ReceivedMsg): void;
  failed(error: Error): void;
  /** Whether it still waits to be sent. */
  isHeld(): boolean;
}

/** Where the answers to one request come in. */
export interface ReplyTo {
  readonly reply: string;
  /** No more answers are wanted. Safe to call twice. */
  release(): void;
}

/** Makes a message of what the parser found. */
export type Decode = (raw: RawMessage) => ReceivedMsg;

/** The connection has ended: ends the requests that it, or an earlier one, took. Those still held wait for the next connection. */
export function failSent(waiting: readonly Pending[]): void {
  for (const pending of waiting) if (!pending.isHeld()) pending.failed(new ConnectionError("connection disconnected"));
}

/** Requests with a subscription of their own (`noMux`). */
export class OwnInboxes {
  readonly #table: SubscriptionTable;
  readonly #decode: Decode;
  readonly #prefix: string;
  readonly #pending = new LazySet<Pending>();

  constructor(table: SubscriptionTable, decode: Decode, prefix: string) {
    this.#table = table;
    this.#decode = decode;
    this.#prefix = prefix;
  }

  /** `reply` is the subject to listen to, a new inbox by default; `max` ends the subscription after so many answers. */
  open(pending: Pending, reply: string = createInbox(this.#prefix), max?: number): ReplyTo {
    const entry: SubscriptionEntry = this.#table.subscribe(reply, "", this.#receiver(pending), max);
    this.#pending.add(pending);
    const release = (): void => {
      if (this.#pending.delete(pending)) this.#table.unsubscribe(entry);
    };
    return { reply, release };
  }

  pending(): Pending[] {
    return [...this.#pending];
  }

  #receiver(pending: Pending): Receiver {
    return {
      message: (raw) => pending.message(this.#decode(raw)),
      // By its count: the request knows; by the end of the connection: it is told by `failed()`.
      ended: () => {},
      rejected: (error) => pending.failed(error),
    };
  }
}
