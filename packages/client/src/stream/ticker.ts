import type { Runtime, Timer } from "../runtime.ts";

/**
 * One coarse timer for everything that a publisher waits for, and its own time: the running time of the event loop. A loop that
 * was blocked, or a machine that slept, has kept acknowledgements unread, and adds little.
 */
export class Ticker {
  readonly #runtime: Runtime;
  readonly #tick: () => void;
  /** Milliseconds of running time. */
  #now = 0;
  #last = 0;
  #timer: Timer | undefined;

  constructor(runtime: Runtime, tick: () => void) {
    this.#runtime = runtime;
    this.#tick = tick;
  }

  /** Running time, in ms, as of the last tick: it lags at most one tick, so a wait may last one longer. */
  get now(): number {
    return this.#now;
  }

  /** Ticks until `stop()`. Keeps the process alive, since somebody waits. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#last = this.#runtime.now();
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#runtime.timer(TICK, () => {
      const now = this.#runtime.now();
      this.#now += Math.min(now - this.#last, 2 * TICK);
      this.#last = now;
      this.#arm();
      this.#tick();
    });
  }
}

const TICK = 100;
