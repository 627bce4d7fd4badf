import { createInbox, type Msg, type Subscription } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";

/** Who gets the answers. */
export interface InboxListener {
  /** What the reply subject has behind the inbox begins at `base`. */
  answer(msg: Msg, base: number): void;
  /** The subscription ended: no answer will come. */
  lost(error: Error): void;
}

/** One subscription for all acknowledgements, made with the first message, and anew when it was refused or drained. */
export class Inbox {
  readonly #nc: HoldfastConnection;
  readonly #listener: InboxListener;
  /** With its dot. */
  readonly base: string;
  readonly #wildcard: string;
  #subscription: Subscription | undefined;

  /** `wildcard`: `*` for tokens, `>` for more than one. */
  constructor(nc: HoldfastConnection, prefix: string, wildcard: "*" | ">", listener: InboxListener) {
    this.#nc = nc;
    this.#listener = listener;
    this.base = `${createInbox(prefix)}.`;
    this.#wildcard = wildcard;
  }

  /** Throws what `nc.subscribe()` throws. */
  open(): void {
    if (this.#subscription !== undefined) return;
    const { base } = this;
    const subscription = this.#nc.subscribe(base + this.#wildcard, {
      callback: (error, msg) => (error === null ? this.#listener.answer(msg, base.length) : this.#lost(error)),
    });
    this.#subscription = subscription;
    // Ended by `nc.drain()` or `nc.close()`; by an error the callback has told.
    subscription.closed.then(
      () => this.#lost(new Error("the subscription for acknowledgements was drained or closed")),
      () => {},
    );
  }

  close(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription?.isClosed() === false) subscription.unsubscribe();
  }

  #lost(error: Error): void {
    if (this.#subscription === undefined) return;
    this.#subscription = undefined;
    this.#listener.lost(error);
  }
}

/** Whether the server says that nobody listens. */
export function isNoResponders(msg: Msg): boolean {
  return msg.data.length === 0 && msg.headers?.code === 503;
}
