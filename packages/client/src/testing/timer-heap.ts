/** A task due at a time. The heap keeps `index` up to date, so that a cancelled timer leaves at once and nothing piles up. */
export interface ScheduledTask {
  readonly due: number;
  /** Order of creation: of two tasks due at the same time the older one runs first. */
  readonly sequence: number;
  readonly task: () => void;
  /** Where it stands in the heap; -1 when it is in none. */
  index: number;
  keepsAlive: boolean;
}

/** A binary heap of tasks by (due, sequence). Adding, removing and taking cost O(log n). */
export class TimerHeap {
  readonly #items: ScheduledTask[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** How many of the tasks keep the process alive. O(n): for tests. */
  get keptAlive(): number {
    return this.#items.filter((item) => item.keepsAlive).length;
  }

  /** The task that is due first, or `undefined`. */
  first(): ScheduledTask | undefined {
    return this.#items[0];
  }

  add(item: ScheduledTask): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes a task out; does nothing when it is not in the heap. */
  remove(item: ScheduledTask): void {
    const { index } = item;
    if (index === -1) return;
    item.index = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    // The last item fills the hole; it may have to move either way.
    this.#rise(last, index);
    this.#sink(last, last.index);
  }

  #rise(item: ScheduledTask, from: number): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || isBefore(parent, item)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(item, index);
  }

  #sink(item: ScheduledTask, from: number): void {
    let index = from;
    for (;;) {
      const left = this.#items[2 * index + 1];
      const right = this.#items[2 * index + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || isBefore(item, child)) break;
      const { index: childIndex } = child;
      this.#put(child, index);
      index = childIndex;
    }
    this.#put(item, index);
  }

  #put(item: ScheduledTask, index: number): void {
    this.#items[index] = item;
    item.index = index;
  }
}

function isBefore(one: ScheduledTask, other: ScheduledTask): boolean {
  return one.due < other.due || (one.due === other.due && one.sequence < other.sequence);
}
