import type { Runtime } from "../runtime.ts";

/** One that waits in `ready()`. */
interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Counts what is outstanding, and says who may publish. A message is admitted while fewer than `maxOutstanding` messages and
 * `maxBytes` bytes are out; so one alone may be larger than all.
 *
 * `ready()` promises its place to whoever it lets go, so that many can wait and each finds room; a place that is not taken in
 * the same turn of the event loop is free again.
 */
export class Admission {
  readonly #runtime: Runtime;
  readonly #maxOutstanding: number;
  readonly #maxBytes: number;
  readonly #waiters = new Set<Waiter>();
  #count = 0;
  #bytes = 0;
  #promised = 0;

  constructor(runtime: Runtime, maxOutstanding: number, maxBytes: number) {
    this.#runtime = runtime;
    this.#maxOutstanding = maxOutstanding;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether `publish()` takes another one now. */
  get hasRoom(): boolean {
    return this.#count < this.#maxOutstanding && this.#bytes < this.#maxBytes;
  }

  enter(bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
    if (this.#promised > 0) this.#promised--;
  }

  leave(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    if (this.#waiters.size > 0) this.#letGo();
  }

  ready(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#waiters.size === 0 && this.#mayPromise()) {
      this.#promise();
      return READY;
    }
    return this.#wait(signal);
  }

  /** Nobody will be let go any more. */
  close(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        resolve: () => {
          signal?.removeEventListener("abort", aborted);
          resolve();
        },
        reject: (error) => {
          signal?.removeEventListener("abort", aborted);
          reject(error);
        },
      };
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiters.add(waiter);
    });
  }

  #mayPromise(): boolean {
    return this.#count + this.#promised < this.#maxOutstanding && this.#bytes < this.#maxBytes;
  }

  #promise(): void {
    if (this.#promised++ === 0) this.#runtime.nextTurn(() => this.#forget());
  }

  /** Who did not publish in its turn has lost its place. */
  #forget(): void {
    this.#promised = 0;
    this.#letGo();
  }

  #letGo(): void {
    for (const waiter of this.#waiters) {
      if (!this.#mayPromise()) return;
      this.#waiters.delete(waiter);
      this.#promise();
      waiter.resolve();
    }
  }
}

const READY: Promise<void> = Promise.resolve();
