/** When a client noticed the fault, measured in two processes: each puts the common start on its own monotonic clock. */

/** A moment of the wall clock (milliseconds since the epoch) on the clock of `performance.now()`. Read the wall clock once, early. */
export function onMonotonicClock(epochMs: number): number {
  return performance.now() + (epochMs - Date.now());
}

/** The wall clock is read in whole milliseconds, by each process for itself. */
const clockErrorMs = 2;

/**
 * Milliseconds from the beginning of the fault to the first disconnect that the client announced after it; `null` if it never did. Both
 * are given in milliseconds since the start.
 */
export function msToDetect(faultBeganMs: number, disconnectsMs: readonly number[]): number | null {
  const noticed = disconnectsMs.find((at) => at >= faultBeganMs - clockErrorMs);
  return noticed === undefined ? null : Math.max(0, Math.round(noticed - faultBeganMs));
}
