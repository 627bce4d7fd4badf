/** Inclusive ranges of message numbers, in the order in which they were recorded. A number that was recorded twice stands in it twice. */
export type Ranges = readonly (readonly [first: number, last: number])[];

/** Records numbers one by one and keeps runs of consecutive ones as one range, so that 30 000 refusals in a row cost one pair. */
export class RangeRecorder {
  readonly #ranges: [number, number][] = [];
  #count = 0;

  /** How many numbers were added. */
  get count(): number {
    return this.#count;
  }

  /** Adds one number; cheapest when it follows the one before it. */
  add(number: number): void {
    this.#count += 1;
    const last = this.#ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else this.#ranges.push([number, number]);
  }

  /** What was recorded so far. */
  ranges(): Ranges {
    return this.#ranges;
  }
}

/** Every number of `ranges`, in order, with duplicates. */
export function* eachNumber(ranges: Ranges): Generator<number> {
  for (const [first, last] of ranges) {
    for (let number = first; number <= last; number++) yield number;
  }
}
