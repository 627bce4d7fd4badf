/** What waits in a `Heap`, ordered by `key`. */
export interface Keyed {
  readonly key: number;
}

/** A binary min-heap: the item with the lowest key first, O(log n) in and out. */
export class Heap<T extends Keyed> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  /** The item with the lowest key, or `undefined`. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = items[above];
      if (parent === undefined || parent.key <= item.key) break;
      items[at] = parent;
      at = above;
    }
    items[at] = item;
  }

  /** Removes and returns the item with the lowest key. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      const child = this.#lowerChild(at);
      const below = items[child];
      if (below === undefined || below.key >= last.key) break;
      items[at] = below;
      at = child;
    }
    items[at] = last;
    return first;
  }

  clear(): void {
    this.#items.length = 0;
  }

  #lowerChild(at: number): number {
    const left = 2 * at + 1;
    const [a, b] = [this.#items[left], this.#items[left + 1]];
    return a !== undefined && b !== undefined && b.key < a.key ? left + 1 : left;
  }
}
