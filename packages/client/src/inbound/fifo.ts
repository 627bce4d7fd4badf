/**
 * A first-in, first-out queue of objects, O(1) at both ends. What was taken is released at once: a consumer that is slow, or
 * idle, keeps no message alive that it has already had.
 */
export class Fifo<T extends object> {
  /** Filled at its end; becomes `#out` when that is used up, so nothing is ever moved. */
  #in: (T | undefined)[] = [];
  #out: (T | undefined)[] = [];
  #next = 0;

  get size(): number {
    return this.#in.length + this.#out.length - this.#next;
  }

  push(item: T): void {
    this.#in.push(item);
  }

  /** Takes the oldest; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.#next === this.#out.length) {
      if (this.#in.length === 0) return undefined;
      const spent = this.#out;
      this.#out = this.#in;
      this.#in = spent;
      this.#in.length = 0;
      this.#next = 0;
    }
    const item = this.#out[this.#next];
    this.#out[this.#next++] = undefined;
    return item;
  }

  clear(): void {
    this.#in = [];
    this.#out = [];
    this.#next = 0;
  }
}
