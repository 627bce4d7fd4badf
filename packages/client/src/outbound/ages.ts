import { Queue } from "../bytes/queue.ts";
import type { Place } from "./cursor.ts";

/** From here on frames were appended at `time`, until the next note. */
interface AgeNote {
  readonly place: Place;
  readonly time: number;
}

/** When frames were appended: one note for each turn that appended, at most one a millisecond. */
export class Ages {
  readonly #notes = new Queue<AgeNote>();

  /** Frames from `place` on are appended at `time`, ms. */
  note(place: Place, time: number): void {
    const last = this.#notes.last();
    if (last !== undefined && time - last.time < 1) return;
    this.#notes.push({ place, time });
  }

  /** When the frame at `position` was appended, ms; a position older than every note gives the oldest note's time. */
  timeAt(position: number): number | undefined {
    const at = this.#notes.lastWhere((note) => note.place.position <= position);
    return this.#notes.at(Math.max(0, at))?.time;
  }

  /** The first place whose frames were appended after `time`; `undefined` when all are as old or older. */
  firstAfter(time: number): Place | undefined {
    return this.#notes.at(this.#notes.lastWhere((note) => note.time <= time) + 1)?.place;
  }

  /** Forgets what concerns only frames before `position`. */
  release(position: number): void {
    this.#notes.drop(this.#notes.lastWhere((note) => note.place.position <= position));
  }
}
