/** Where a value is kept: its place, and which of the values that lived there it is. */
export interface Slot {
  readonly index: number;
  readonly generation: number;
}

interface Kept<T> extends Slot {
  readonly value: T;
}

/**
 * Values by place. A place is used again, but never under the same generation: a late answer to something that is over finds
 * nothing. Memory follows the largest number of values at one time, and is given back when none is left and it was much.
 */
export class Slots<T extends object> {
  #kept: (Kept<T> | undefined)[] = [];
  #free: number[] = [];
  #size = 0;
  #lastGeneration = 0;

  get size(): number {
    return this.#size;
  }

  add(value: T): Slot {
    const index = this.#free.pop() ?? this.#kept.length;
    const kept = { index, generation: ++this.#lastGeneration, value };
    this.#kept[index] = kept;
    this.#size++;
    return kept;
  }

  get(index: number, generation: number): T | undefined {
    const kept = this.#kept[index];
    return kept?.generation === generation ? kept.value : undefined;
  }

  remove(slot: Slot): void {
    if (this.get(slot.index, slot.generation) === undefined) return;
    this.#kept[slot.index] = undefined;
    this.#free.push(slot.index);
    this.#size--;
    if (this.#size > 0 || this.#kept.length <= ALWAYS_KEPT) return;
    this.#kept = [];
    this.#free = [];
  }

  /** The values of now, not in the order they came. */
  values(): T[] {
    const values: T[] = [];
    for (const kept of this.#kept) if (kept !== undefined) values.push(kept.value);
    return values;
  }
}

/** Places, 1 KiB: fewer are not worth giving back, since they would be made anew for the next request. */
const ALWAYS_KEPT = 64;
