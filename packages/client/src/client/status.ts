import type { Status } from "@nats-io/nats-core";
import { Mailbox } from "../inbound/mailbox.ts";

/** What `nc.status()` returns: nats-core's events, for one reader. */
export interface StatusIterator extends AsyncIterable<Status> {
  /** Ends the iteration behind what already waits. */
  stop(error?: Error): void;
}

/**
 * Hands every status to every listener. A listener that does not read keeps at most 1 024 of them, the newest: it cannot make
 * the process grow. (In nats.js it keeps all.)
 */
export class StatusFeed {
  /** Undefined once the feed is closed. */
  #listeners: Set<Mailbox<Status>> | undefined = new Set();

  /** How many listen. */
  get listeners(): number {
    return this.#listeners?.size ?? 0;
  }

  report(status: Status): void {
    for (const mailbox of this.#listeners ?? []) {
      if (mailbox.pending >= KEPT) mailbox.dropOldest();
      mailbox.push(status);
    }
  }

  /** Listens from now on. */
  listen(): StatusIterator {
    const mailbox = new Mailbox<Status>(() => this.#listeners?.delete(mailbox));
    if (this.#listeners === undefined) mailbox.close();
    else this.#listeners.add(mailbox);
    return {
      [Symbol.asyncIterator]: () => mailbox[Symbol.asyncIterator](),
      stop: (error) => {
        this.#listeners?.delete(mailbox);
        mailbox.close(error);
      },
    };
  }

  /** The last event, `close`; then every iteration ends. */
  close(): void {
    this.report({ type: "close" });
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const mailbox of listeners) mailbox.close();
  }
}

const KEPT = 1024;
