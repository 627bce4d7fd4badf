import { type Place, still } from "./cursor.ts";

/** Frames in the middle of the log that ended without being sent. */
export interface Range {
  readonly from: Place;
  readonly to: Place;
}

const NOTHING = { frames: 0, bytes: 0 } as const;

/**
 * The holes in the log: frames behind `confirmed` that ended, and are skipped. Ranges are ordered, and those that touch are one, so
 * evicting a long backlog one by one costs one range. Most of the time there is none, and every question is answered at once.
 */
export class RemovedRanges {
  #ranges: Range[] = [];
  #frames = 0;
  #bytes = 0;

  /** Frames in all ranges. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes in all ranges. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes in `[from, to)`, one with every range that it meets; returns the range that came of it. */
  add(from: Place, to: Place): Range {
    const first = this.#firstEndingAt(from.position);
    let start = from;
    let end = to;
    const before = this.#ranges[first];
    if (before !== undefined && before.from.position < from.position) start = before.from;
    let last = first;
    for (let range = this.#ranges[last]; range !== undefined && range.from.position <= to.position; range = this.#ranges[last]) {
      if (range.to.position > end.position) end = range.to;
      this.#count(range, -1);
      last++;
    }
    const merged = { from: still(start), to: still(end) };
    this.#ranges.splice(first, last - first, merged);
    this.#count(merged, 1);
    return merged;
  }

  /** The range that covers the frame at `position`. */
  covering(position: number): Range | undefined {
    if (this.#ranges.length === 0) return undefined;
    const range = this.#ranges[this.#firstEndingAfter(position)];
    return range !== undefined && range.from.position <= position ? range : undefined;
  }

  /** The first range that begins at `position` or behind it. */
  nextFrom(position: number): Range | undefined {
    if (this.#ranges.length === 0) return undefined;
    let at = this.#firstEndingAfter(position);
    while ((this.#ranges[at]?.from.position ?? Infinity) < position) at++;
    return this.#ranges[at];
  }

  /** How much of `[from, to)` has ended; both must be frame boundaries outside of any range. */
  between(from: number, to: number): { readonly frames: number; readonly bytes: number } {
    if (this.#ranges.length === 0) return NOTHING;
    let frames = 0;
    let bytes = 0;
    let at = this.#firstEndingAfter(from);
    for (let range = this.#ranges[at]; range !== undefined && range.from.position < to; range = this.#ranges[at]) {
      frames += range.to.index - range.from.index;
      bytes += range.to.position - range.from.position;
      at++;
    }
    return { frames, bytes };
  }

  /** Forgets the ranges that end at `position` or before: `confirmed` passed them. */
  release(position: number): void {
    let count = 0;
    for (let range = this.#ranges[0]; range !== undefined && range.to.position <= position; range = this.#ranges[count]) {
      this.#count(range, -1);
      count++;
    }
    if (count > 0) this.#ranges.splice(0, count);
  }

  #count(range: Range, sign: 1 | -1): void {
    this.#frames += sign * (range.to.index - range.from.index);
    this.#bytes += sign * (range.to.position - range.from.position);
  }

  #firstEndingAfter(position: number): number {
    return this.#search((range) => range.to.position > position);
  }

  #firstEndingAt(position: number): number {
    return this.#search((range) => range.to.position >= position);
  }

  #search(holds: (range: Range) => boolean): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.#ranges[middle];
      if (range === undefined || holds(range)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
