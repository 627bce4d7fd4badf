import type { LastItem } from "./put-back.ts";

/** One long message, or the first control lines, on their way in pieces; nothing goes between them. */
export class Long {
  readonly last: LastItem;
  /** What has not been handed over. */
  #rest: readonly Uint8Array[];

  constructor(pieces: readonly Uint8Array[], last: LastItem) {
    this.#rest = pieces;
    this.last = last;
  }

  get isDone(): boolean {
    return this.#rest.length === 0;
  }

  /** What goes next, at most `bytes` bytes. */
  take(bytes: number): readonly Uint8Array[] {
    const pieces = this.#rest;
    let room = bytes;
    for (const [i, piece] of pieces.entries()) {
      if (piece.length <= room) {
        room -= piece.length;
        continue;
      }
      this.#rest = [piece.subarray(room), ...pieces.slice(i + 1)];
      return room > 0 ? [...pieces.slice(0, i), piece.subarray(0, room)] : pieces.slice(0, i);
    }
    this.#rest = [];
    return pieces;
  }
}
