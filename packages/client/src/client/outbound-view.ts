import type { Amount } from "../errors.ts";
import type { Counts } from "../outbound/counts.ts";
import type { Outbound } from "../outbound/outbound.ts";

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
  /** Whether messages can go out now. */
  readonly usable: boolean;
}

/** Looks at `outbound` without giving access to it. */
export function outboundView(outbound: Outbound): OutboundView {
  return {
    counts: () => outbound.counts(),
    get held() {
      return outbound.held;
    },
    get limit() {
      return outbound.limit;
    },
    get window() {
      return outbound.window;
    },
    get usable() {
      return outbound.usable;
    },
  };
}
