import { setTimeout as sleep } from "node:timers/promises";

/** Timers are this coarse: what fell behind by less is made up for, what fell behind by more is not (after a wait there is no burst). */
const catchUpMs = 20;

/** Keeps messages `intervalMs` apart on average. */
export class Pacer {
  readonly #intervalMs: number;
  #due: number | null = null;

  /** @param intervalMs 0: no waiting */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Undefined: the next message is due. */
  next(signal: AbortSignal): Promise<void> | undefined {
    if (this.#intervalMs === 0) return undefined;
    const now = performance.now();
    this.#due = this.#due === null ? now : Math.max(this.#due + this.#intervalMs, now - catchUpMs);
    const wait = this.#due - now;
    return wait <= 0 ? undefined : sleep(wait, undefined, { signal });
  }
}
