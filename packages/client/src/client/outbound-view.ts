import type { Payload } from "@nats-io/nats-core";
import type { Amount } from "../errors.ts";
import type { HoldfastPublishOptions, Undelivered } from "../options.ts";
import type { Counts } from "../outbound/counts.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { OutboundEventFeed, OutboundEvents } from "./outbound-events.ts";
import type { Publisher } from "./publish.ts";
import { undeliveredMessages } from "./undelivered.ts";

/** `nc.outbound`: what has become of everything that was published. */
export interface OutboundView {
  /**
   * How many messages are in each state, and `accepted`, `refused`, `resent`. At any instant `accepted = confirmed + rejected +
   * inDoubt + dropped + expired + undeliverable + abandoned + inFlight + buffered`. *Confirmed* means that a server has read
   * it: not that a subscriber got it or that a stream stored it. Readable after close.
   */
  counts(): Counts;
  /** What is buffered or in flight. */
  readonly held: Amount;
  /** The limit in force now; `Infinity` where there is none. */
  readonly limit: Amount;
  /** How many bytes may be handed over unconfirmed. */
  readonly window: number;
  /** Whether messages can go out now: there is a connection, and it was not silent for a second with something unconfirmed. */
  readonly usable: boolean;
  /** Milliseconds since the oldest message that is held was accepted; 0 when nothing is held. */
  readonly oldestAge: number;

  /**
   * Resolves when there is room: at once, unless more than 70 % of the limit has been held (then `publish()` returned false) or a
   * message was refused or dropped for a limit; in these cases when less than 50 % is held again. With `reconnectBuffer: false`
   * it also waits for a usable connection. All that wait go on together, so there is no promise that the next message fits.
   *
   * Rejects with `signal.reason` when the signal aborts, and with `ClosedConnectionError` when the connection is closed.
   */
  writable(options?: { signal?: AbortSignal }): Promise<void>;

  /**
   * Publishes, and resolves when the server has read the message: read by the server, not stored.
   *
   * It says no more than `confirmed` in `counts()`: a subscriber may not have got it, and a JetStream stream may not have stored
   * it, because a stream takes messages from a queue in memory after the server has confirmed them. Who needs storage uses
   * JetStream's acknowledgements (`jetstream(nc).publish()`).
   *
   * Arguments as in `publish()`. Rejects with what `publish()` throws when the message was not accepted; with `UndeliveredError`,
   * whose `state` says how the message ended, when it was not confirmed; with nats-core's `PermissionViolationError` when the
   * server refused it, or refused messages of which this may be one. A message that is held settles when it ends, which may be
   * long: `maxAge` in the options bounds that.
   */
  publishAndConfirm(subject: string, payload?: Payload, options?: HoldfastPublishOptions): Promise<void>;

  /**
   * What happens from now on, for one reader:
   * - `high`: more than 70 % of the limit is held; `low`: less than 50 % again, once for each `high` or `full`. With
   *   `reconnectBuffer: false` `low` also waits for a usable connection;
   * - `full`: a message was refused or dropped for a limit, once until the next `low`;
   * - `backlogStart`, `backlogEnd`: what was buffered at a reconnect goes out, and has ended;
   * - `stalled`: a connection was given up because it was silent for too long.
   *
   * A reader that falls behind keeps the newest 1 024; `missed` counts the others. Ends when the connection is closed.
   */
  events(): OutboundEvents;

  /**
   * What `close()`, or giving up, left: everything that was held then and did not end confirmed. Each message is given once, whether
   * by one iteration or by several; a loop that is left early leaves the rest to the next. An iteration begun before the connection is
   * closed waits for that. `onUndelivered`, where it is set, gets these messages too. What nobody reads here stays in memory
   * until the connection object is collected; it is at most what the limits allow to be held.
   */
  undelivered(): AsyncIterable<Undelivered>;

  /** Ends everything that is buffered as `abandoned`, and returns how many messages that were. What is in flight stays. */
  purge(): number;
}

/** Looks at `outbound` without giving access to it. A class: getters of an object literal cost each connection half a kilobyte. */
class View implements OutboundView {
  readonly #outbound: Outbound;
  readonly #publisher: Publisher;
  readonly #events: OutboundEventFeed;

  constructor(outbound: Outbound, publisher: Publisher, events: OutboundEventFeed) {
    this.#outbound = outbound;
    this.#publisher = publisher;
    this.#events = events;
  }

  counts(): Counts {
    return this.#outbound.counts();
  }

  get held(): Amount {
    return this.#outbound.held;
  }

  get limit(): Amount {
    return this.#outbound.limit;
  }

  get window(): number {
    return this.#outbound.window;
  }

  get usable(): boolean {
    return this.#outbound.usable;
  }

  get oldestAge(): number {
    return this.#outbound.oldestAge;
  }

  writable(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#outbound.writable(options?.signal);
  }

  publishAndConfirm(subject: string, payload?: Payload, options?: HoldfastPublishOptions): Promise<void> {
    return this.#publisher.publishAndConfirm(subject, payload, options);
  }

  events(): OutboundEvents {
    return this.#events.listen();
  }

  undelivered(): AsyncIterable<Undelivered> {
    return undeliveredMessages(this.#outbound.undelivered());
  }

  purge(): number {
    return this.#outbound.purge();
  }
}

export function outboundView(outbound: Outbound, publisher: Publisher, events: OutboundEventFeed): OutboundView {
  return new View(outbound, publisher, events);
}
