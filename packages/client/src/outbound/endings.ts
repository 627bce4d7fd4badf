import { PermissionViolationError } from "@nats-io/nats-core";
import { UndeliveredError, type UndeliveredState } from "../errors.ts";
import type { Tally } from "./counts.ts";
import type { Place } from "./cursor.ts";
import type { Flushes } from "./flushes.ts";
import type { Handback } from "./handback.ts";
import type { MessageItem } from "./items.ts";
import type { Log } from "./log.ts";
import type { Marks } from "./marks.ts";
import type { Slab } from "./slab.ts";

interface Parts {
  readonly log: Log;
  readonly marks: Marks;
  readonly tally: Tally;
  readonly flushes: Flushes;
  readonly handback: Handback;
  /** Less is held now. */
  readonly eased: () => void;
}

/** The one place where messages end other than confirmed: counted, told to all that wait for them, and handed back. */
export class Endings {
  readonly #log: Log;
  readonly #marks: Marks;
  readonly #tally: Tally;
  readonly #flushes: Flushes;
  readonly #handback: Handback;
  readonly #eased: () => void;

  constructor(parts: Parts) {
    this.#log = parts.log;
    this.#marks = parts.marks;
    this.#tally = parts.tally;
    this.#flushes = parts.flushes;
    this.#handback = parts.handback;
    this.#eased = parts.eased;
  }

  /**
   * Frames `[from, to)`, none of them on its way on this connection, end and are not sent. `state` is for those that were never handed over
   * whole; those that an earlier connection had, and that wait to be sent again, end in doubt.
   */
  held(from: Place, to: Place, state: UndeliveredState, error?: Error): void {
    const { sent } = this.#log;
    if (from.position >= sent.position) return this.removed(from, to, state, error);
    if (to.position <= sent.position) return this.removed(from, to, "inDoubt", error);
    const border = { slab: sent.slab, position: sent.position, index: sent.index };
    this.removed(from, border, "inDoubt", error);
    this.removed(border, to, state, error);
  }

  /** Frames `[from, to)` end in exactly this state and leave the log. */
  removed(from: Place, to: Place, state: UndeliveredState, error?: Error): void {
    this.passed(from, to, state, error);
    this.#log.remove(from, to);
    this.#eased();
  }

  /** Frames `[from, to)` end in exactly this state; `confirmed` passes them right after this. */
  passed(from: Place, to: Place, state: UndeliveredState, error?: Error): void {
    for (const run of this.#log.liveRuns(from, to)) {
      this.#tally.ended(state, run.to.index - run.from.index);
      this.#flushes.framesEnded(state, { from: run.from.index, to: run.to.index });
      this.#handback.addRun(run, state, error);
      for (const mark of this.#marks.between(run.from.position, run.to.position)) {
        mark.settle?.reject(explain(state, error));
        mark.settle = undefined;
      }
    }
  }

  /** A message beside the log ends. */
  item(item: MessageItem, state: UndeliveredState, error?: Error): void {
    this.#tally.ended(state, 1);
    this.#flushes.itemEnded(state, item.seq);
    this.#handback.addFrame(item.frame, item.time, state, error);
    this.#eased();
  }

  /** The frame encoded behind `used` of `slab`, accepted a moment ago, ends before it came into the log. */
  offered(slab: Slab, now: number, state: UndeliveredState): void {
    this.#tally.ended(state, 1);
    this.#handback.addOffered(slab, now, state);
  }
}

/** What a caller that waits for one message is told: what permissions forbid is nats-core's own error. */
function explain(state: UndeliveredState, error: Error | undefined): Error {
  return error instanceof PermissionViolationError ? error : new UndeliveredError(state, error);
}
