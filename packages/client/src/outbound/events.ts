import type { Amount } from "../errors.ts";

/** What `nc.outbound.events()` tells. */
export type OutboundEvent =
  /** More than 70 % of the limit is held: `publish()` returns false. */
  | { readonly type: "high"; readonly held: Amount; readonly limit: Amount }
  /** Less than 50 % is held again. `refused`: publishes that were refused meanwhile. */
  | { readonly type: "low"; readonly held: Amount; readonly refused: number }
  /** The first publish of an episode was refused or dropped. `refused`: refused since the last `full`, this one included. */
  | { readonly type: "full"; readonly held: Amount; readonly limit: Amount; readonly refused: number }
  /** A connection is there, and what was buffered goes out now. */
  | { readonly type: "backlogStart"; readonly messages: number; readonly bytes: number }
  /** All of that has ended, `ms` later. */
  | { readonly type: "backlogEnd"; readonly messages: number; readonly ms: number }
  /** A connection was given up by the stall rule: `ms` of running time without a sign of life. */
  | { readonly type: "stalled"; readonly ms: number };
