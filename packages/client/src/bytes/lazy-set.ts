/**
 * A `Set` that takes memory only while there is something in it: an empty one of V8's has 150 bytes, and a connection has ten that are
 * mostly empty.
 */
export class LazySet<T> implements Iterable<T> {
  #items: Set<T> | undefined;

  get size(): number {
    return this.#items?.size ?? 0;
  }

  add(item: T): void {
    this.#items ??= new Set();
    this.#items.add(item);
  }

  /** Whether it was there. */
  delete(item: T): boolean {
    const wasThere = this.#items?.delete(item) ?? false;
    if (this.size === 0) this.#items = undefined;
    return wasThere;
  }

  clear(): void {
    this.#items = undefined;
  }

  /** In order of adding. What is deleted meanwhile does not come; what is added may not. */
  [Symbol.iterator](): Iterator<T> {
    return (this.#items ?? NONE)[Symbol.iterator]();
  }
}

const NONE: readonly never[] = [];
