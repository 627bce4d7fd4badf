import type { UndeliveredState } from "../errors.ts";

/**
 * How many messages are in each state, at this instant. Always
 * `accepted = confirmed + rejected + inDoubt + dropped + expired + undeliverable + abandoned + inFlight + buffered`.
 */
export interface Counts {
  /** Messages that `publish()` and `request()` took in. */
  readonly accepted: number;
  /** Publishes that threw because of a limit. Not accepted, so outside of the sum. */
  readonly refused: number;
  /** Messages handed over again by at-least-once delivery. Outside of the sum. */
  readonly resent: number;
  /** The server has read it and did not refuse it. A read receipt: not that anybody got it, not that a stream stored it. */
  readonly confirmed: number;
  /** The server read it and refused it. */
  readonly rejected: number;
  /** Handed over, and the connection ended before the server confirmed it: it may have arrived or not. */
  readonly inDoubt: number;
  /** Never sent: the overflow policy evicted it or did not take it in. */
  readonly dropped: number;
  /** Never sent: older than `maxAge`, past its request's deadline, or meant for a connection that is gone. */
  readonly expired: number;
  /** Never sent: too large for the server reached now, or it has headers and the server knows none. */
  readonly undeliverable: number;
  /** Never sent: still held at `close()`, or when reconnecting was given up. */
  readonly abandoned: number;
  /** Handed over, not yet confirmed. */
  readonly inFlight: number;
  /** Held here, never handed over whole. */
  readonly buffered: number;
}

/** The messages that ended, and those that never began. What is held is not counted here but read off the log. */
export class Tally {
  accepted = 0;
  refused = 0;
  resent = 0;
  confirmed = 0;
  readonly #ended: Record<UndeliveredState, number> = noneEnded();

  ended(state: UndeliveredState, messages: number): void {
    this.#ended[state] += messages;
  }

  with(inFlight: number, buffered: number): Counts {
    const { accepted, refused, resent, confirmed } = this;
    return { accepted, refused, resent, confirmed, ...this.#ended, inFlight, buffered };
  }
}

/** A count of zero for every state. */
export function noneEnded(): Record<UndeliveredState, number> {
  return { rejected: 0, inDoubt: 0, dropped: 0, expired: 0, undeliverable: 0, abandoned: 0 };
}
