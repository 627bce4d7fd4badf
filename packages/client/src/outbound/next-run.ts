import type { Place, Spot } from "./cursor.ts";
import type { Log } from "./log.ts";

/** Up to so many chunks of whole frames go in one write, and up to so many bytes. */
const CHUNKS_A_RUN = 4;
const LONGEST_RUN = 256 * 1024;

/** What may be handed over next. */
export interface RunBudget {
  /** The most that is worth handing over at once, bytes. */
  readonly chunk: number;
  /** What the window leaves, bytes. */
  readonly room: number;
  /** Nothing is in flight: one frame of any length may go. */
  readonly empty: boolean;
  /** No frame more than the budget allows, if it allows any: the frames are looked at one by one. */
  readonly exact: boolean;
  /** The place of the next thing that goes between frames. */
  readonly until: Spot | undefined;
}

/**
 * Where the next run of frames from `written` ends: at a noted frame boundary within the chunk and the window, before the next removed range
 * and the next thing between frames, never beyond the slab. `undefined`: the window leaves too little. Unless it must be exact, frames are not
 * looked at.
 */
export function nextRun(log: Log, budget: RunBudget): Place | undefined {
  const { slab, position } = log.written;
  const end = runLimit(log, budget.until);
  const wanted = Math.min(budget.chunk, budget.room);
  if (end.position - position <= wanted) return end;
  if (budget.exact) return exactly(log, wanted, budget.empty);
  const note = slab.boundary(position - slab.start, wanted);
  const place =
    note !== undefined && slab.start + note.offset < end.position
      ? { slab, position: slab.start + note.offset, index: slab.firstIndex + note.frames }
      : end;
  if (place.position - position <= budget.room || budget.empty) return place;
  return undefined;
}

/**
 * The most bytes of whole frames that are handed over at once: more than a chunk, because a write of 64 KiB costs as much as copying it. Only a
 * window whose quarter is longer than a chunk allows it, and a link with such a window is quick. A frame longer than a chunk goes in pieces of
 * one chunk on any link: that the kernel took one is a sign of life on a slow one.
 */
export function runBytes(chunkBytes: number): number {
  return Math.max(chunkBytes, Math.min(CHUNKS_A_RUN * chunkBytes, LONGEST_RUN));
}

/** As many whole frames as fit `bytes`; one in any case if `atLeastOne`. */
function exactly(log: Log, bytes: number, atLeastOne: boolean): Place | undefined {
  const limit = log.written.position + bytes;
  let end: Place | undefined;
  for (let at = log.afterFrame(log.written); at.position <= limit || (atLeastOne && end === undefined); at = log.afterFrame(at)) {
    end = at;
    if (at.position === at.slab.end) break;
  }
  return end;
}

/** Where the frames that lie side by side end. */
function runLimit(log: Log, until: Spot | undefined): Place {
  const { slab, position } = log.written;
  let end: Place = { slab, position: slab.end, index: slab.lastIndex };
  const gap = log.removed.nextFrom(position)?.from;
  if (gap !== undefined && gap.position < end.position) end = { slab, position: gap.position, index: gap.index };
  if (until !== undefined && until.position < end.position) end = { slab, position: until.position, index: until.index };
  return end;
}
