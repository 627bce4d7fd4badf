import type { Amount } from "../errors.ts";
import type { OutboundOptions } from "../options.ts";

/** Above this share of the limit `publish()` returns false. */
const HIGH = 0.7;

const NOTHING: Amount = { messages: 0, bytes: 0 };

/** Which limit a publish would exceed. */
export type Exceeded = "reconnectBuffer" | "maxQueued";

/** The two limits, and which of them is in force: `maxQueued` always, `reconnectBuffer` while there is no usable connection. */
export class Limits {
  readonly #queued: Amount;
  readonly #buffer: Amount;
  readonly #down: Amount;
  readonly #high: Amount;

  constructor(options: OutboundOptions) {
    const { reconnectBuffer, maxQueued } = options;
    this.#queued = { messages: maxQueued.maxMessages, bytes: maxQueued.maxBytes };
    this.#buffer = reconnectBuffer.enabled ? { messages: reconnectBuffer.maxMessages, bytes: reconnectBuffer.maxBytes } : NOTHING;
    this.#down = smaller(this.#buffer, this.#queued);
    // With `reconnectBuffer: false` only `maxQueued` says when the producer should slow down.
    const mark = reconnectBuffer.enabled ? this.#down : this.#queued;
    this.#high = { messages: mark.messages * HIGH, bytes: mark.bytes * HIGH };
  }

  /** The limit in force. */
  inForce(usable: boolean): Amount {
    return usable ? this.#queued : this.#down;
  }

  /** The limit that holding `messages` and `bytes` would exceed. */
  exceeded(usable: boolean, messages: number, bytes: number): Exceeded | undefined {
    if (!usable && (bytes > this.#buffer.bytes || messages > this.#buffer.messages)) return "reconnectBuffer";
    if (bytes > this.#queued.bytes || messages > this.#queued.messages) return "maxQueued";
    return undefined;
  }

  /** The configured limit behind a name, for the error. */
  named(limit: Exceeded): Amount {
    return limit === "reconnectBuffer" ? this.#buffer : this.#queued;
  }

  /** Whether so much is held that the producer should wait. */
  isHigh(messages: number, bytes: number): boolean {
    return bytes > this.#high.bytes || messages > this.#high.messages;
  }
}

function smaller(a: Amount, b: Amount): Amount {
  return { messages: Math.min(a.messages, b.messages), bytes: Math.min(a.bytes, b.bytes) };
}
