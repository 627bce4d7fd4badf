/**
 * How many messages must have been published `elapsedMs` after the start: message n is due at n × 1000 / rate. The schedule is absolute,
 * so a late tick is made up for by the next one and the rate does not drift.
 */
export function dueAt(elapsedMs: number, rate: number, total: number): number {
  if (elapsedMs < 0) return 0;
  return Math.min(total, Math.floor((elapsedMs * rate) / 1000) + 1);
}

/** A run is invalid when its publishing took longer than this factor times what was planned. */
export const latestFactor = 1.2;
