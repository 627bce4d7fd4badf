/** Holdfast's own errors. Everything that nats-core has an error class for throws nats-core's, so that `instanceof` keeps working. */

/** An amount of messages: how many, and their bytes on the wire with framing and headers. */
export interface Amount {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * How a message that was not confirmed ended. The server may have it:
 * - `rejected`: the server read it and refused it;
 * - `inDoubt`: it was in flight when the client stopped following it.
 *
 * The server cannot have it (it was never handed over whole):
 * - `dropped`: evicted, or not taken in, by the overflow policy;
 * - `expired`: older than `maxAge`, or a request past its deadline, or it belonged to a connection which is gone;
 * - `undeliverable`: the server reached now cannot take it (larger than its `max_payload`, or headers unsupported);
 * - `abandoned`: still buffered at `close()` or when reconnecting was given up.
 *
 * Section 2 of docs/DESIGN.md defines each.
 */
export type UndeliveredState = "rejected" | "inDoubt" | "dropped" | "expired" | "undeliverable" | "abandoned";

/**
 * Thrown by `publish()` (and rejected by `request()`) when the message was refused: what is held plus this message would exceed the
 * limit in force. The message was not accepted: it counts only in `refused`, and is not handed back. Publishing can go on as soon as
 * something of what is held has ended.
 */
export class ReconnectBufferFullError extends Error {
  override readonly name = "ReconnectBufferFullError";
  /** The limit in force; `Infinity` where there is none. Zero when `reconnectBuffer` is `false`. */
  readonly limit: Amount;
  /** What was held at that moment: buffered and in flight. */
  readonly held: Amount;
  /** What was asked for: one message and its bytes. */
  readonly asked: Amount;

  /** `option` is the one whose limit is in force. The amounts are copied. */
  constructor(option: "reconnectBuffer" | "maxQueued", limit: Amount, held: Amount, asked: Amount) {
    super(explainFull(option, limit, held, asked));
    this.limit = copyOf(limit);
    this.held = copyOf(held);
    this.asked = copyOf(asked);
  }
}

/** Rejects a `flush()` when some of the messages that were held at the call ended neither confirmed nor rejected. */
export class FlushError extends Error {
  override readonly name = "FlushError";
  /** How many of those messages ended in each state; the states that did not occur are 0. */
  readonly counts: Readonly<Record<UndeliveredState, number>>;

  /** The counts are copied. */
  constructor(counts: Readonly<Record<UndeliveredState, number>>) {
    const ends = Object.entries(counts).filter(([, n]) => n > 0);
    super(`flush: not every message was confirmed (${ends.map(([state, n]) => `${state} ${n}`).join(", ")})`);
    this.counts = Object.freeze({ ...counts });
  }
}

function explainFull(option: "reconnectBuffer" | "maxQueued", limit: Amount, held: Amount, asked: Amount): string {
  if (limit.bytes === 0) {
    return `no connection to the server, and reconnectBuffer is false: the message (${asked.bytes} bytes) was refused`;
  }
  if (asked.bytes > limit.bytes) {
    return `the message (${asked.bytes} bytes) is larger than all that ${option} allows (${limit.bytes} bytes)`;
  }
  const limits = [
    limit.bytes === Infinity ? [] : [`${limit.bytes} bytes`],
    limit.messages === Infinity ? [] : [messages(limit.messages)],
  ].flat();
  return (
    `${option} is full: limit ${limits.join(" and ")}, held ${held.bytes} bytes in ${messages(held.messages)}, ` +
    `asked for ${asked.bytes} bytes`
  );
}

function messages(n: number): string {
  return n === 1 ? "1 message" : `${n} messages`;
}

/** A copy, so that an error tells for ever what was true when it was made. */
function copyOf(amount: Amount): Amount {
  return Object.freeze({ messages: amount.messages, bytes: amount.bytes });
}
