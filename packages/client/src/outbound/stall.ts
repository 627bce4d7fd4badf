import type { Runtime, Timer } from "../runtime.ts";

/** The stall clock is looked at this often, ms. */
const TICK_MS = 500;
/** A connection whose stall clock passed this counts as not usable, ms. */
const SLOW_MS = 1000;
/** Without a PONG for this many times `stallTimeout`, inbound bytes prove nothing any more. */
const DEAF_AFTER = 5;
/** What `stallTimeout` stands in for when it is 0: the clock goes on, only nothing is ended by it, ms. */
const USUAL_MS = 10_000;
/** The slowest link that is not taken for a dead one: 1 Mbit/s, in bytes a millisecond. */
const SLOWEST = 125;
/** A connection that was ended without one confirmed fence doubles the limit of the next, up to this. */
const LARGEST_FACTOR = 16;

/** What the stall rule needs to know of the connection. */
export interface StallView {
  /** Whether a fence is outstanding or a chunk waits for the kernel. */
  readonly waiting: boolean;
  /** Bytes up to the first outstanding fence, or to the end of the frame being written. */
  readonly ahead: number;
}

/**
 * Finds connections that are dead without a word (docs/DESIGN.md section 3, Stall). While something waits for the other end, a clock counts
 * the running time of the event loop: a blocked loop or a machine that slept adds little. Signs of life set it to zero; handing bytes over
 * is none.
 */
export class Stall {
  readonly #timeout: number;
  readonly #runtime: Runtime;
  readonly #view: StallView;
  readonly #end: (ms: number) => void;
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #clock = 0;
  #sincePong = 0;
  /** The last tick or zeroing of either clock. */
  #clockAt = 0;
  #pongAt = 0;
  #heard = false;
  #confirmed = false;
  #roundTrip = 0;
  #factor = 1;

  /**
   * @param timeout `stallTimeout`, ms; 0: the clock runs, but ends nothing
   * @param end called when the limit is reached, with the running time that passed
   * @param changed called when `slow` may have changed
   */
  constructor(timeout: number, runtime: Runtime, view: StallView, end: (ms: number) => void, changed: () => void) {
    this.#timeout = timeout;
    this.#runtime = runtime;
    this.#view = view;
    this.#end = end;
    this.#changed = changed;
  }

  /** Whether the clock passed a second: nobody can count on this connection now. */
  get slow(): boolean {
    return this.#clock > SLOW_MS;
  }

  /** Something may wait for the other end from now on. */
  watch(now: number): void {
    if (this.#timer !== undefined || !this.#view.waiting) return;
    this.#clock = 0;
    this.#sincePong = 0;
    this.#clockAt = now;
    this.#pongAt = now;
    this.#heard = false;
    this.#tickLater();
  }

  /** Bytes came in. Called for every chunk: only a clock that stands high is set to zero at once. */
  heard(): void {
    if (this.slow && this.#listens) this.#zero(this.#runtime.now());
    else this.#heard = true;
  }

  /** A write that had to wait for the kernel is complete. */
  taken(): void {
    if (this.#timer !== undefined) this.#zero(this.#runtime.now());
  }

  /** A fence was confirmed after `roundTrip` ms. */
  confirmed(roundTrip: number, now: number): void {
    this.#confirmed = true;
    this.#roundTrip = roundTrip;
    this.#factor = 1;
    this.#sincePong = 0;
    this.#pongAt = now;
    this.#zero(now);
  }

  attached(): void {
    this.#confirmed = false;
  }

  detached(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#clock = 0;
  }

  get #listens(): boolean {
    return this.#sincePong < DEAF_AFTER * (this.#timeout === 0 ? USUAL_MS : this.#timeout);
  }

  get #limit(): number {
    return this.#factor * (Math.max(this.#timeout, 2 * this.#roundTrip) + this.#view.ahead / SLOWEST);
  }

  #zero(now: number): void {
    const wasSlow = this.slow;
    this.#clock = 0;
    this.#clockAt = now;
    if (wasSlow) this.#changed();
  }

  #tickLater(): void {
    this.#timer = this.#runtime.timer(TICK_MS, () => this.#tick());
    // The open link keeps the process alive.
    this.#timer.keepAlive(false);
  }

  #tick(): void {
    this.#timer = undefined;
    if (!this.#view.waiting) {
      this.#zero(this.#runtime.now());
      return;
    }
    this.#tickLater();
    const now = this.#runtime.now();
    const wasSlow = this.slow;
    this.#sincePong += Math.min(now - this.#pongAt, 2 * TICK_MS);
    this.#pongAt = now;
    this.#clock += Math.min(now - this.#clockAt, 2 * TICK_MS);
    this.#clockAt = now;
    if (this.#heard && this.#listens) this.#zero(now);
    this.#heard = false;
    if (!wasSlow && this.slow) this.#changed();
    if (this.#timeout > 0 && this.#clock >= this.#limit) this.#lastChance();
  }

  /** What the kernel already has for us is read first: a loop that was busy must not take its own deafness for silence. */
  #lastChance(): void {
    const watched = this.#timer;
    this.#runtime.nextTurn(() => {
      // heard() leaves a clock below a second to the next tick; this is the last moment for one whose limit is as low.
      if (this.#heard && this.#listens) this.#zero(this.#runtime.now());
      this.#heard = false;
      if (this.#timer !== watched || this.#clock < this.#limit) return;
      const ms = this.#clock;
      if (!this.#confirmed) this.#factor = Math.min(LARGEST_FACTOR, this.#factor * 2);
      this.#end(ms);
    });
  }
}
