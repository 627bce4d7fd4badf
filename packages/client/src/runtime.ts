/** A running timer. */
export interface Timer {
  /** Stops the timer; its task will not run. Safe to call at any time, also twice or after it fired. */
  cancel(): void;
  /** Whether this timer alone keeps the process alive. Timers start out keeping it alive. */
  keepAlive(hold: boolean): void;
}

/**
 * Everything the core needs from its surroundings: time, deferral and randomness. It is handed in, never imported, so that
 * every schedule can be replayed on a virtual clock from a seed.
 */
export interface Runtime {
  /** Monotonic time in milliseconds, with fractions; its zero is arbitrary. */
  now(): number;
  /** Wall-clock time, milliseconds since the epoch. Only for values shown to users (`Server.lastConnect`), never for durations. */
  epoch(): number;
  /** Runs `task` once, `delayMs` from now or later. Delays are not limited to 2^31 ms. */
  timer(delayMs: number, task: () => void): Timer;
  /** Runs `task` at the end of the current turn, after the promise jobs that are due (`process.nextTick`). */
  defer(task: () => void): void;
  /** Runs `task` in the next turn of the event loop, after pending I/O (`setImmediate`). Keeps the process alive until it ran. */
  nextTurn(task: () => void): void;
  /** A random number in [0, 1). */
  random(): number;
}
