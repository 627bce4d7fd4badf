/** A sample in three numbers. */
export interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The three numbers; null for an empty sample. */
export function spread(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) return null;
  const middle = (sorted.length - 1) / 2;
  const [below = low, above = high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return { low, median: (below + above) / 2, high };
}
