import { LazySet } from "../bytes/lazy-set.ts";
import type { Runtime, Timer } from "../runtime.ts";

/** Which time counts: all of it, or only that without a connection. */
export type SettleClock = "always" | "while-down";

/** The waits for everything held to end. */
export class Settlings {
  readonly #runtime: Runtime;
  readonly #waiting = new LazySet<Settling>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Resolves when `done` settles, or the time is up. Never rejects. */
  add(timeoutMs: number, clock: SettleClock, done: Promise<void>, connected: boolean): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        settling.stop();
        this.#waiting.delete(settling);
        resolve();
      };
      const settling = new Settling(timeoutMs, clock, this.#runtime, finish);
      this.#waiting.add(settling);
      done.then(finish, finish);
      settling.connected(connected);
    });
  }

  /** Tells whether there is a connection, at each change. */
  connected(now: boolean): void {
    for (const settling of this.#waiting) settling.connected(now);
  }
}

/**
 * One wait for everything held to end. `"always"` gives up at once when there is no connection: nothing could be sent any more. `"while-down"`
 * waits for the next connection, and lets a connection that is there take its time.
 */
class Settling {
  readonly #runtime: Runtime;
  readonly #clock: SettleClock;
  readonly #finish: () => void;
  #remaining: number;
  #running: { readonly timer: Timer; readonly since: number } | undefined;

  /** @param finish called once, when the time is up */
  constructor(timeoutMs: number, clock: SettleClock, runtime: Runtime, finish: () => void) {
    this.#remaining = timeoutMs;
    this.#clock = clock;
    this.#runtime = runtime;
    this.#finish = finish;
  }

  /** Tells whether there is a connection: at the beginning and at each change. */
  connected(now: boolean): void {
    if (this.#clock === "always" && !now) this.#finish();
    else if (this.#clock === "while-down" && now) this.#pause();
    else this.#run();
  }

  stop(): void {
    this.#pause();
  }

  #run(): void {
    if (this.#running !== undefined) return;
    this.#running = { timer: this.#runtime.timer(this.#remaining, this.#finish), since: this.#runtime.now() };
  }

  #pause(): void {
    if (this.#running === undefined) return;
    this.#running.timer.cancel();
    this.#remaining = Math.max(0, this.#remaining - (this.#runtime.now() - this.#running.since));
    this.#running = undefined;
  }
}
