import type { UndeliveredState } from "../errors.ts";
import type { Tally } from "./counts.ts";
import type { Place } from "./cursor.ts";
import type { Flushes } from "./flushes.ts";
import type { Handback } from "./handback.ts";
import type { MessageItem } from "./items.ts";
import type { Log } from "./log.ts";

/** The one place where messages end other than confirmed: counted, told to the flushes that wait, and handed back. */
export class Endings {
  readonly #log: Log;
  readonly #tally: Tally;
  readonly #flushes: Flushes;
  readonly #handback: Handback;

  constructor(log: Log, tally: Tally, flushes: Flushes, handback: Handback) {
    this.#log = log;
    this.#tally = tally;
    this.#flushes = flushes;
    this.#handback = handback;
  }

  /** Frames `[from, to)` that are not in flight end and are never sent. */
  buffered(from: Place, to: Place, state: UndeliveredState, error?: Error): void {
    this.#frames(from, to, state, error);
    this.#log.remove(from, to);
  }

  /** Everything that was ever handed over and is unconfirmed ends in doubt. */
  inDoubt(): void {
    this.#frames(this.#log.confirmed, this.#log.sent, "inDoubt", undefined);
    this.#log.confirmTo(this.#log.sent);
  }

  /** A message beside the log ends. */
  item(item: MessageItem, state: UndeliveredState, error?: Error): void {
    this.#tally.ended(state, 1);
    this.#flushes.itemEnded(state, item.seq);
    this.#handback.addFrame(item.frame, 0, item.time, state, error);
  }

  /** The frame at `at` of `memory`, accepted a moment ago, ends before it came into the log. */
  offered(memory: Uint8Array, at: number, now: number, state: UndeliveredState): void {
    this.#tally.ended(state, 1);
    this.#handback.addFrame(memory, at, now, state, undefined);
  }

  #frames(from: Place, to: Place, state: UndeliveredState, error: Error | undefined): void {
    for (const run of this.#log.liveRuns(from, to)) {
      this.#tally.ended(state, run.to.index - run.from.index);
      this.#flushes.framesEnded(state, { from: run.from.index, to: run.to.index });
      this.#handback.addRun(run, state, error);
    }
  }
}
