/**
 * Why no messages, SUBs and UNSUBs may go, while PINGs and PONGs do: the backlog waits, a planned move has begun, or the server said that it
 * ends the connection.
 */
export type HoldReason = "backlog" | "move" | "complaint";
