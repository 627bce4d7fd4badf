/** A `Map` that takes memory only while there is something in it: an empty one of V8's has 190 bytes. */
export class LazyMap<K, V> {
  #items: Map<K, V> | undefined;

  get size(): number {
    return this.#items?.size ?? 0;
  }

  get(key: K): V | undefined {
    return this.#items?.get(key);
  }

  has(key: K): boolean {
    return this.#items?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    this.#items ??= new Map();
    this.#items.set(key, value);
  }

  /** Whether it was there. */
  delete(key: K): boolean {
    const wasThere = this.#items?.delete(key) ?? false;
    if (this.size === 0) this.#items = undefined;
    return wasThere;
  }

  /** In order of setting. What is deleted meanwhile does not come; what is set may not. */
  values(): Iterable<V> {
    return this.#items?.values() ?? NONE;
  }
}

const NONE: readonly never[] = [];
