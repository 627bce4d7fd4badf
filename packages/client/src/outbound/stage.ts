import { freshPiece, NO_PIECE, type Piece } from "../bytes/memory-pool.ts";
import { FRAME_END } from "../protocol/pub-encoder.ts";
import type { Stretch } from "./slab.ts";

/** The most that is put side by side, bytes: a chunk of small runs with their fences. */
const LARGEST = 80 * 1024;
const SMALLEST = 2 * 1024;

/**
 * Where small things are put side by side, so that a message and the PING behind it leave in one segment, and the runs of a small window in one
 * write: a write costs as much as copying 100 KiB. It is written to only while nothing is outstanding. The memory grows with use.
 *
 * A payload that is kept by reference is noted, not copied: it becomes a piece of its own.
 */
export class Stage {
  /** A `Buffer`: of any other array Node makes a view for each piece that it writes. */
  #memory: Piece = NO_PIECE;
  /** Bytes copied here. */
  #copied = 0;
  /** Bytes of the payloads noted. */
  #noted = 0;
  #most = LARGEST;
  /** In order; `at` is how much had been copied before. Empty most of the time. */
  #payloads: { readonly at: number; readonly payload: Uint8Array }[] = [];

  get used(): number {
    return this.#copied + this.#noted;
  }

  /** Whether `bytes` more fit, of which the `noted` last are not copied. */
  fits(bytes: number, noted = 0): boolean {
    return this.used + bytes <= this.#most && this.#copied + bytes - noted <= LARGEST;
  }

  put(bytes: Uint8Array): void {
    this.#grow(this.#copied + bytes.length);
    this.#memory.set(bytes, this.#copied);
    this.#copied += bytes.length;
  }

  putFrames({ bytes, payload }: Stretch): void {
    this.put(bytes);
    if (payload === null) return;
    this.#payloads.push({ at: this.#copied, payload });
    this.#noted += payload.length;
    this.put(FRAME_END);
  }

  /** What was put, as one chunk. */
  pieces(): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let from = 0;
    for (const { at, payload } of this.#payloads) {
      pieces.push(this.#memory.subarray(from, at), payload);
      from = at;
    }
    pieces.push(this.#memory.subarray(from, this.#copied));
    return pieces;
  }

  /** @param most how long it may become with the payloads that are noted, bytes; never less than what is copied may be */
  clear(most = 0): void {
    this.#most = Math.max(most, LARGEST);
    this.#copied = 0;
    if (this.#noted === 0) return;
    this.#noted = 0;
    this.#payloads = [];
  }

  /** Lets go of the memory, which a chunk that is outstanding keeps. */
  shrink(): void {
    this.#memory = NO_PIECE;
    this.clear();
  }

  #grow(bytes: number): void {
    if (bytes <= this.#memory.length) return;
    let size = Math.max(SMALLEST, this.#memory.length);
    while (size < bytes) size *= 2;
    const memory = freshPiece(Math.min(size, LARGEST));
    memory.set(this.#memory.subarray(0, this.#copied));
    this.#memory = memory;
  }
}
