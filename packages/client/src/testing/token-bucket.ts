/** How much an idle bucket saves up, in milliseconds of its rate: enough to make up for a timer that fires late. */
const burstMs = 50;
/** The shortest wait it asks for: at high rates bytes go in pieces of this many milliseconds, not one by one. */
const pieceMs = 5;

/** Lets bytes through at a mean rate. Time is handed in, so it can be tested without waiting. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #most: number;
  #tokens = 0;
  #at: number;

  /** A bucket that is empty at `now` (milliseconds) and fills with `bytesPerSecond`, above 0. */
  constructor(bytesPerSecond: number, now: number) {
    this.#perMs = bytesPerSecond / 1_000;
    // At least one byte, or a very slow link would never let anything through; and one more to make up for a late timer.
    this.#most = Math.max(2, this.#perMs * burstMs);
    this.#at = now;
  }

  /** Takes up to `wanted` bytes and returns how many whole bytes may pass at `now`; possibly 0. */
  take(wanted: number, now: number): number {
    this.#tokens = Math.min(this.#most, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
    const taken = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }

  /** After `take()` returned less than wanted: how many milliseconds until it is worth asking again. */
  waitMs(): number {
    return Math.max(pieceMs, (1 - this.#tokens) / this.#perMs);
  }
}
