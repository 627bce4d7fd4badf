import type { Runtime, Timer } from "../runtime.ts";

/**
 * The wait before anything is sent again when no stream answered: 100 ms, then twice as long each time, at most a second; as short
 * as at first once something was stored. All messages wait, also new ones, so that the order is kept.
 */
export class Pause {
  readonly #runtime: Runtime;
  readonly #over: () => void;
  #timer: Timer | undefined;
  #next = SHORTEST;

  constructor(runtime: Runtime, over: () => void) {
    this.#runtime = runtime;
    this.#over = over;
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  begin(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#runtime.timer(this.#next, () => {
      this.#timer = undefined;
      this.#over();
    });
    this.#next = Math.min(this.#next * 2, LONGEST);
  }

  /** Something was stored. */
  reset(): void {
    this.#next = SHORTEST;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

const SHORTEST = 100;
const LONGEST = 1_000;
