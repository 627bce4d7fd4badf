import { ClosedConnectionError, DrainingConnectionError } from "@nats-io/nats-core";
import type { Outbound } from "../outbound/outbound.ts";
import type { Session } from "../session/session.ts";
import type { Life } from "./life.ts";
import type { OutboundEventFeed } from "./outbound-events.ts";
import type { StatusFeed } from "./status.ts";
import type { HoldfastSubscription } from "./subscription.ts";

/** What has to end. */
export interface ShutdownParts {
  readonly life: Life;
  readonly session: Session;
  readonly outbound: Outbound;
  readonly status: StatusFeed;
  readonly events: OutboundEventFeed;
  readonly subscriptions: Iterable<HoldfastSubscription>;
  /** Ends every request and every subscription at once. */
  readonly endInbound: () => void;
  /** Milliseconds for sending what is held, and again for handing back what could not be sent. */
  readonly closeTimeout: number;
}

/**
 * The three ways a connection ends, which all come to the same end: `drain()`, `close()`, and the session giving up. What was
 * held is sent or handed back before `closed` settles, and nothing can keep it from settling.
 */
export class Shutdown {
  /** Settles at the very end; with the error when the session gave up. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly #parts: ShutdownParts;
  #settle: (error: Error | undefined) => void = () => {};
  #closing: Promise<void> | undefined;

  constructor(parts: ShutdownParts) {
    this.#parts = parts;
    this.closed = new Promise((resolve) => {
      this.#settle = (error) => resolve(error);
    });
  }

  /**
   * Drains the subscriptions, sends what is held, closes. Resolves when the connection is closed, whatever could not be sent
   * (that is handed back). `timeoutMs` counts only time without a connection. Rejects only when called again, or after
   * `close()`.
   */
  async drain(timeoutMs: number): Promise<void> {
    const { life, outbound, subscriptions } = this.#parts;
    if (life.isClosed) throw new ClosedConnectionError();
    if (life.isDraining) throw new DrainingConnectionError();
    life.drain();
    await Promise.allSettled([...subscriptions].map((subscription) => subscription.drain()));
    life.settle();
    await outbound.settle(timeoutMs, "while-down");
    await this.close();
  }

  /** Resolves when the connection is closed. Safe to call at any time, any number of times. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
    await this.closed;
  }

  /** The session has ended for good, whoever ended it. Called once. */
  sessionEnded(error: Error | undefined): void {
    this.#endInbound();
    this.#finish(error).catch(() => {});
  }

  async #close(): Promise<void> {
    this.#endInbound();
    await this.#parts.outbound.settle(this.#parts.closeTimeout, "always");
    await this.#parts.session.close();
  }

  #endInbound(): void {
    this.#parts.life.close();
    this.#parts.outbound.refuseAll();
    this.#parts.endInbound();
  }

  async #finish(error: Error | undefined): Promise<void> {
    try {
      await this.#parts.outbound.end(this.#parts.closeTimeout);
    } finally {
      this.#parts.events.close();
      this.#parts.status.close();
      this.#settle(error);
    }
  }
}
