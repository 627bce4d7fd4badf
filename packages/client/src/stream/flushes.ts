/** One that waits until everything up to `upTo` has ended. */
interface Waiter {
  readonly upTo: number;
  left: number;
  resolve(): void;
}

/** Those who wait in `flush()`. Costs a message nothing unless somebody waits. */
export class Flushes {
  readonly #waiters = new Set<Waiter>();

  /** Resolves when `outstanding` more messages with a serial number up to `upTo` have ended. */
  wait(upTo: number, outstanding: number): Promise<void> {
    if (outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ upTo, left: outstanding, resolve }));
  }

  /** A message has ended. */
  ended(serial: number): void {
    for (const waiter of this.#waiters) {
      if (serial > waiter.upTo || --waiter.left > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
