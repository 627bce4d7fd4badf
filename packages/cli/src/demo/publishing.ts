import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { dueAt } from "./pace.ts";

/** Between two looks at the clock; at 10 000 messages a second each look finds about 20 due. */
const tickMs = 2;
/** At most so many messages in one turn, so that a publisher that is late still reads its socket. */
const turnLimit = 5_000;

/** A schedule for {@link publishOnSchedule}. */
export interface Schedule {
  /** On the clock of `performance.now()`; may lie ahead. */
  readonly start: number;
  readonly rate: number;
  readonly total: number;
  /** Give up publishing this long after the start, in milliseconds: a machine that is far too slow ends its run too. */
  readonly giveUpMs: number;
}

/** Calls `publish` with 0, 1, 2, … on an absolute schedule. Resolves after the last with the time it took from the start, in ms. */
export async function publishOnSchedule(schedule: Schedule, publish: (number: number) => void): Promise<number> {
  const { start, rate, total, giveUpMs } = schedule;
  let next = 0;
  for (;;) {
    const elapsed = performance.now() - start;
    const due = dueAt(elapsed, rate, total);
    const end = Math.min(due, next + turnLimit);
    for (; next < end; next++) publish(next);
    if (next === total || elapsed > giveUpMs) return performance.now() - start;
    if (next < due) await nextTurn();
    else await sleep(elapsed < 0 ? Math.min(-elapsed, 100) : tickMs);
  }
}
