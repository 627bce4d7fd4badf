import type { Amount } from "../errors.ts";
import type { OutboundOptions } from "../options.ts";

/** Above this share of the limit `publish()` returns false. */
const HIGH = 0.7;
/** Below this share there is room again. */
const LOW = 0.5;

/** What requests, answers, acknowledgements and module traffic may take beyond the limit: they must not fail because others publish. */
const RESERVE: Amount = { messages: 4096, bytes: 1024 * 1024 };

const NOTHING: Amount = { messages: 0, bytes: 0 };

/** Which limit a publish would exceed. */
export type Exceeded = "reconnectBuffer" | "maxQueued";

/** The two limits, and which of them is in force: `maxQueued` always, `reconnectBuffer` while there is no usable connection. */
export class Limits {
  readonly #queued: Amount;
  readonly #buffer: Amount;
  readonly #down: Amount;
  /** The limit of which the shares are taken. With `reconnectBuffer: false` only `maxQueued` says when the producer should slow down. */
  readonly mark: Amount;
  readonly #holds: boolean;
  readonly #high: Amount;
  /** So much can be held whatever limit is in force: what is not high is below all of them, unless nothing may be held while down. */
  readonly free: Amount;
  readonly #low: Amount;

  constructor(options: OutboundOptions) {
    const { reconnectBuffer, maxQueued } = options;
    this.#queued = { messages: maxQueued.maxMessages, bytes: maxQueued.maxBytes };
    this.#buffer = reconnectBuffer.enabled ? { messages: reconnectBuffer.maxMessages, bytes: reconnectBuffer.maxBytes } : NOTHING;
    this.#down = smaller(this.#buffer, this.#queued);
    this.#holds = reconnectBuffer.enabled;
    this.mark = this.#holds ? this.#down : this.#queued;
    this.#high = share(this.mark, HIGH);
    this.#low = share(this.mark, LOW);
    this.free = this.#holds ? this.#high : NOTHING;
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

  /** The same for a message that may use the reserve. */
  exceededWithReserve(usable: boolean, messages: number, bytes: number): Exceeded | undefined {
    return this.exceeded(usable, messages - RESERVE.messages, bytes - RESERVE.bytes);
  }

  /** The configured limit behind a name, for the error. */
  named(limit: Exceeded): Amount {
    return limit === "reconnectBuffer" ? this.#buffer : this.#queued;
  }

  /** Whether so much is held that the producer should wait. */
  isHigh(messages: number, bytes: number): boolean {
    return bytes > this.#high.bytes || messages > this.#high.messages;
  }

  /** Whether so little is held that a producer that waited can go on. */
  isLow(messages: number, bytes: number): boolean {
    return bytes < this.#low.bytes && messages < this.#low.messages;
  }

  /** Whether messages are accepted at all: not without a usable connection when `reconnectBuffer` is `false`. */
  isOpen(usable: boolean): boolean {
    return usable || this.#holds;
  }
}

function share(amount: Amount, part: number): Amount {
  return { messages: amount.messages * part, bytes: amount.bytes * part };
}

function smaller(a: Amount, b: Amount): Amount {
  return { messages: Math.min(a.messages, b.messages), bytes: Math.min(a.bytes, b.bytes) };
}
