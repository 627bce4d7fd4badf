import type { Slab } from "./slab.ts";

/** A frame boundary by its numbers alone: the log position, and how many frames lie before it. */
export interface Spot {
  readonly position: number;
  readonly index: number;
}

/**
 * A frame boundary in the log: the position, how many frames lie before it, and the slab it lies in. A boundary between two slabs
 * may name either; `forward()` settles on the later one.
 */
export interface Place extends Spot {
  readonly slab: Slab;
}

/** A copy that stays where it is when the cursor it was taken from moves on. */
export function still(place: Place): Place {
  return { slab: place.slab, position: place.position, index: place.index };
}

/** A place that moves. Cursors only ever stand on frame boundaries. */
export class Cursor implements Place {
  slab: Slab;
  position: number;
  index: number;

  constructor(at: Place) {
    this.slab = at.slab;
    this.position = at.position;
    this.index = at.index;
  }

  get offset(): number {
    return this.position - this.slab.start;
  }

  moveTo(place: Place): void {
    this.slab = place.slab;
    this.position = place.position;
    this.index = place.index;
    this.forward();
  }

  /** Over `bytes` bytes of `frames` whole frames in this slab. */
  advance(bytes: number, frames: number): void {
    this.position += bytes;
    this.index += frames;
    this.forward();
  }

  /** From the end of a slab to the beginning of the next one that has frames, or the last. */
  forward(): void {
    while (this.slab.next !== null && this.position === this.slab.end) this.slab = this.slab.next;
  }
}
