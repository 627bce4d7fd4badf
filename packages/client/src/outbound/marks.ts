import { Queue } from "../bytes/queue.ts";
import type { Delivery } from "../options.ts";
import type { Place } from "./cursor.ts";

/** Somebody waits for the end of one message. */
export interface Settle {
  resolve(): void;
  reject(error: Error): void;
}

/** A frame in the log that differs from the default. */
export interface Mark {
  readonly place: Place;
  /** Worth nothing to another connection. */
  readonly bound: boolean;
  /** What becomes of it when it is in flight at the end of a connection; undefined: as the connection's option says. */
  readonly delivery: Delivery | undefined;
  /** When it expires, instead of by the connection's `maxAge`; `Infinity`: never. */
  readonly expiresAt: number | undefined;
  /** Taken away when it was told. */
  settle: Settle | undefined;
  /** A request that nobody waits for any more: it must not be sent if it was not handed over whole. */
  cancelled: boolean;
}

/** The marks, ordered by position. Who uses marks pays for them: a plain publish has none. */
export class Marks {
  readonly #marks = new Queue<Mark>();

  get length(): number {
    return this.#marks.length;
  }

  add(mark: Mark): void {
    this.#marks.push(mark);
  }

  /** The mark of the frame at exactly `position`. */
  at(position: number): Mark | undefined {
    const mark = this.#marks.at(this.#marks.lastWhere((each) => each.place.position <= position));
    return mark?.place.position === position ? mark : undefined;
  }

  /** The marks of the frames in `[from, to)`. */
  *between(from: number, to: number): IterableIterator<Mark> {
    if (this.#marks.length === 0) return;
    for (let i = this.#marks.lastWhere((each) => each.place.position < from) + 1; ; i++) {
      const mark = this.#marks.at(i);
      if (mark === undefined || mark.place.position >= to) return;
      yield mark;
    }
  }

  /** Resolves for those who wait for a message in `[from, to)`. No generator: it runs for every fence. */
  resolve(from: number, to: number): void {
    if (this.#marks.length === 0) return;
    for (let i = this.#marks.lastWhere((each) => each.place.position < from) + 1; ; i++) {
      const mark = this.#marks.at(i);
      if (mark === undefined || mark.place.position >= to) return;
      mark.settle?.resolve();
      mark.settle = undefined;
    }
  }

  /** Forgets the marks of frames before `position`. */
  release(position: number): void {
    if (this.#marks.length === 0) return;
    this.#marks.drop(this.#marks.lastWhere((each) => each.place.position < position) + 1);
  }
}
