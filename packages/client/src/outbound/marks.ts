import { Queue } from "../bytes/queue.ts";
import type { Place } from "./cursor.ts";

/** A frame in the log that differs from the default. */
export interface Mark {
  readonly place: Place;
  /** `connection`: it is worth nothing to another connection. `request`: it has a deadline, and may be cancelled. */
  readonly kind: "connection" | "request";
  /** It must not be sent any more if it was not handed over whole. */
  cancelled: boolean;
}

/** The marks, ordered by position. Who uses marks pays for them: a plain publish has none. */
export class Marks {
  readonly #marks = new Queue<Mark>();

  add(place: Place, kind: Mark["kind"]): void {
    this.#marks.push({ place, kind, cancelled: false });
  }

  /** The mark of the frame at exactly `position`. */
  at(position: number): Mark | undefined {
    const mark = this.#marks.at(this.#marks.lastWhere((each) => each.place.position <= position));
    return mark?.place.position === position ? mark : undefined;
  }

  /** The marks of the frames from `position` on. */
  *from(position: number): IterableIterator<Mark> {
    for (let i = this.#marks.lastWhere((each) => each.place.position < position) + 1; ; i++) {
      const mark = this.#marks.at(i);
      if (mark === undefined) return;
      yield mark;
    }
  }

  /** Forgets the marks of frames before `position`. */
  release(position: number): void {
    this.#marks.drop(this.#marks.lastWhere((each) => each.place.position < position) + 1);
  }
}
