/**
 * A generator of pseudo-random numbers in [0, 1) that gives the same numbers for the same seed: mulberry32, period 2^32. For
 * schedules and data of tests, not for secrets. Only the low 32 bits of `seed` count. Throws a `RangeError` unless it is a whole
 * number.
 */
export function seededRandom(seed: number): () => number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed ${seed}: expected a whole number`);
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
