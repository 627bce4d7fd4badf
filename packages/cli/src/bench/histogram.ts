/** Buckets are this much wider than the one before, so that what is read from them is at most 1 % off. */
const growth = 1.02;
const logGrowth = Math.log(growth);

/** Latencies, in as little memory for a million as for ten. */
export class LatencyHistogram {
  readonly #counts: Map<number, number> = new Map();
  #count = 0;
  #greatest = 0;

  /** From what {@link LatencyHistogram.toJson} gave. */
  static from(latencies: Latencies): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.add(latencies);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  /** Milliseconds. Less than a microsecond counts as one. */
  record(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(ms, 0.001)) / logGrowth);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    if (ms > this.#greatest) this.#greatest = ms;
  }

  add({ buckets, greatest }: Latencies): void {
    for (const [bucket, count] of buckets) {
      this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
      this.#count += count;
    }
    this.#greatest = Math.max(this.#greatest, greatest);
  }

  /** Milliseconds within which so large a share (0 to 1) ended; null when there is none. 1 gives the greatest itself. */
  quantile(share: number): number | null {
    if (this.#count === 0) return null;
    if (share >= 1) return this.#greatest;
    const wanted = share * this.#count;
    let passed = 0;
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      passed += count;
      if (passed >= wanted) return Math.min(growth ** bucket, this.#greatest);
    }
    return this.#greatest;
  }

  toJson(): Latencies {
    return { buckets: [...this.#counts], greatest: this.#greatest };
  }
}

/** A histogram as it is sent from one process to another. */
export interface Latencies {
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
  /** Milliseconds. */
  readonly greatest: number;
}
