/** Holdfast's own errors. Everything that nats-core has an error class for throws nats-core's, so that `instanceof` keeps working. */

/** An amount of messages: how many, and their bytes on the wire with framing and headers. */
export interface Amount {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * How a message that was not confirmed ended. The server may have it:
 * - `rejected`: the server read it and refused it;
 * - `inDoubt`: it was in flight when the client stopped following it; or it was handed over once, and could not be sent again.
 *
 * The server cannot have it (it was never handed over whole):
 * - `dropped`: evicted, or not taken in, by the overflow policy, or beyond the reserve;
 * - `expired`: older than `maxAge`, or a request past its deadline, or it belonged to a connection which is gone;
 * - `undeliverable`: the server reached now cannot take it (larger than its `max_payload`, or headers unsupported);
 * - `abandoned`: still buffered at `close()`, at `purge()`, or when reconnecting was given up.
 *
 * Section 2 of docs/DESIGN.md defines each.
 */
export type UndeliveredState = "rejected" | "inDoubt" | "dropped" | "expired" | "undeliverable" | "abandoned";

/**
 * Thrown by `publish()` when the message was refused: what is held plus this message would exceed the limit in force. The message was
 * not accepted: it counts only in `refused`, and is not handed back. Publishing can go on as soon as something of what is held has ended.
 *
 * A request rejects with it only when it does not fit into the reserve either, 1 MiB and 4 096 messages beyond the limit. Answers
 * (`respond()`), JetStream's acknowledgements and traffic (`$JS.…`), and whatever is answered at one of our own inboxes use that reserve,
 * too, and are never refused: beyond it they end `dropped`.
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

/** Rejects a `publishAndConfirm()` whose message ended other than confirmed. */
export class UndeliveredError extends Error {
  override readonly name = "UndeliveredError";
  /** How the message ended. */
  readonly state: UndeliveredState;

  /** `cause`: why, where there is more to say than the state does. */
  constructor(state: UndeliveredState, cause?: Error) {
    super(`the message was not confirmed: ${MEANING[state]}`, cause === undefined ? {} : { cause });
    this.state = state;
  }
}

/**
 * What is known of a message that a stream did not acknowledge: `notStored`, it is not in the stream by this publisher's doing;
 * `inDoubt`, it may be.
 */
export type StoreState = "notStored" | "inDoubt";

/** Rejects a message, or a batch, that a stream did not acknowledge. `cause` says why. */
export class StreamPublishError extends Error {
  override readonly name = "StreamPublishError";
  readonly state: StoreState;
  /** How often it was sent. */
  readonly attempts: number;
  /** Its `Nats-Msg-Id`, if it has one; of a batch: that of the last message. Publish it with this id, and a second copy is recognised. */
  readonly msgID: string | undefined;

  constructor(state: StoreState, attempts: number, msgID: string | undefined, cause: Error) {
    super(`${STORED[state]}: ${cause.message}`, { cause });
    this.state = state;
    this.attempts = attempts;
    this.msgID = msgID;
  }
}

/**
 * Rejects a message, or a batch, that JetStream refused. It has the members of the official module's `JetStreamApiError`, whose class is
 * another: compare `name` and `code`, not with `instanceof`.
 */
export class JetStreamApiError extends Error {
  override readonly name = "JetStreamApiError";
  /** JetStream's number of the error, its `err_code`: 10071 for a wrong last sequence. */
  readonly code: number;
  /** In the manner of HTTP, JetStream's `code`: 400. */
  readonly status: number;
  /** `notStored`; or `inDoubt`, when an earlier copy was sent whose fate is not known. */
  readonly state: StoreState;

  /** `error` is what JetStream said. */
  constructor(error: { readonly code: number; readonly err_code: number; readonly description: string }, state: StoreState) {
    super(error.description);
    this.code = error.err_code;
    this.status = error.code;
    this.state = state;
  }

  /** JetStream's own object. */
  apiError(): { code: number; err_code: number; description: string } {
    return { code: this.status, err_code: this.code, description: this.message };
  }
}

/** Rejects a message that was published although as many as `maxOutstanding` allows were unacknowledged. It was not accepted. */
export class StreamPublisherFullError extends Error {
  override readonly name = "StreamPublisherFullError";

  /** How many messages, and bytes of payload, may be unacknowledged. */
  constructor(maxOutstanding: number, maxOutstandingBytes: number) {
    const bytes = maxOutstandingBytes === Infinity ? "" : ` or ${maxOutstandingBytes} bytes`;
    super(`${maxOutstanding} messages${bytes} are unacknowledged, which is maxOutstanding: wait for ready() before publish()`);
  }
}

const STORED: Record<StoreState, string> = {
  notStored: "not stored",
  inDoubt: "in doubt, it may be stored",
};

const MEANING: Record<UndeliveredState, string> = {
  rejected: "rejected, the server refused it",
  inDoubt: "in doubt, the connection ended before the server confirmed it, so it may have arrived or not",
  dropped: "dropped by the overflow policy, it was never sent",
  expired: "expired, it was never sent",
  undeliverable: "undeliverable, the server reached now cannot take it",
  abandoned: "abandoned, it was still held when it was purged or the connection was closed",
};

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
