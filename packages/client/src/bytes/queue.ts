/** A FIFO on an array: amortised O(1) at both ends that matter, and readable by index for binary searches. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, or `undefined`. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** The newest item, or `undefined`. */
  last(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  /** The item `index` places behind the oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.drop(1);
    return item;
  }

  /** Puts an item before the oldest one. O(length): only for the rare step back. */
  unshift(item: T): void {
    this.#items.splice(this.#head, 0, item);
  }

  /** Removes the `count` oldest items; none if that is negative. */
  drop(count: number): void {
    this.#head += Math.min(Math.max(0, count), this.length);
    if (this.#head === this.#items.length && this.#head > 0) return this.clear();
    // Copying once half is empty keeps the cost per item constant and the memory within twice of what is needed: an idle connection keeps
    // next to nothing of what was in its queues (with 32 in place of 4 it kept 5 KiB).
    if (this.#head < 4 || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  /** Keeps the items for which `keep` says so, in order. */
  filter(keep: (item: T) => boolean): void {
    this.#items = this.#items.slice(this.#head).filter(keep);
    this.#head = 0;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }

  /** The place of the last item for which `isBefore` holds, or -1; the items must be ordered so that `isBefore` holds for a prefix. */
  lastWhere(isBefore: (item: T) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.at(middle);
      if (item !== undefined && isBefore(item)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.#items.slice(this.#head);
  }
}
