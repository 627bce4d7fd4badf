import type { Delivery } from "../options.ts";

/** How a message differs from a plain publish, which has none of this. */
export interface Treatment {
  /**
   * Worth nothing to another connection: without one it is accepted and has expired in the same call; one that is still buffered when its
   * connection ends expires then.
   */
  readonly bound?: boolean;
  /** May use the reserve beyond the limit. It is never refused; beyond the reserve it ends `dropped`. */
  readonly reserved?: boolean;
  /** What becomes of it when it is in flight at the end of a connection. Undefined: what the option `delivery` says. */
  readonly delivery?: Delivery;
  /** Milliseconds, above 0, that replace the connection's `maxAge`. */
  readonly maxAge?: number;
  /** Its payload, if it is long and not a string, is kept by reference: its caller does not change it before the message has ended. */
  readonly byReference?: boolean;
}
