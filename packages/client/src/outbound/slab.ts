import { NO_PIECE, type Piece } from "../bytes/memory-pool.ts";

/** Between two noted frame boundaries lie at least this many bytes. */
const NOTE_EVERY = 16 * 1024;

/**
 * A piece of the outbound log: contiguous memory with whole frames, one behind the other, and a summary that answers for all of them.
 * Slabs form a chain; positions run on from one to the next without a gap.
 */
export class Slab {
  /** The log position of the first byte. */
  readonly start: number;
  /** How many frames were ever appended to the log before this slab. */
  readonly firstIndex: number;
  /** Frames here, also those that ended since. */
  frames = 0;
  /** Bytes of the frames here. */
  used = 0;
  /** The longest frame: an upper bound for the payloads, so that a whole slab is checked against `max_payload` at once. */
  largestFrame = 0;
  /** Whether any frame has headers. */
  headers = false;
  /** The limits of the server (a running number) that every frame here was found to respect. */
  screened = 0;
  next: Slab | null = null;
  #memory: Piece;
  #view: DataView;
  #endedFrames = 0;
  #pins = 0;
  readonly #noteOffsets: number[] = [];
  readonly #noteFrames: number[] = [];
  #nextNote = NOTE_EVERY;

  constructor(memory: Piece, start: number, firstIndex: number, screened: number) {
    this.#memory = memory;
    this.#view = viewOf(memory);
    this.start = start;
    this.firstIndex = firstIndex;
    this.screened = screened;
  }

  get memory(): Piece {
    return this.#memory;
  }

  /** The same memory, to write words. */
  get view(): DataView {
    return this.#view;
  }

  get end(): number {
    return this.start + this.used;
  }

  get lastIndex(): number {
    return this.firstIndex + this.frames;
  }

  /** Whether every frame here has ended one by one, so that the memory is of no more use. */
  get dead(): boolean {
    return this.#endedFrames === this.frames;
  }

  get pinned(): boolean {
    return this.#pins > 0;
  }

  /** Takes in the frame that was just encoded behind the others. */
  commit(bytes: number, headers: boolean): void {
    this.used += bytes;
    this.frames++;
    if (bytes > this.largestFrame) this.largestFrame = bytes;
    if (headers) this.headers = true;
    if (this.used >= this.#nextNote) this.#note();
  }

  /**
   * The noted frame boundary behind `offset` that is the last one within `bytes`, or the first one if none is: its offset and how many
   * frames lie before it. `undefined` when no boundary is noted behind `offset`.
   */
  boundary(offset: number, bytes: number): { offset: number; frames: number } | undefined {
    let found: number | undefined;
    for (let i = 0; i < this.#noteOffsets.length; i++) {
      const note = this.#noteOffsets[i] ?? 0;
      if (note <= offset) continue;
      if (found !== undefined && note > offset + bytes) break;
      found = i;
    }
    if (found === undefined) return undefined;
    return { offset: this.#noteOffsets[found] ?? 0, frames: this.#noteFrames[found] ?? 0 };
  }

  /** `frames` frames in the middle of the log ended without being sent. */
  endFrames(frames: number): void {
    this.#endedFrames += frames;
  }

  /** Keeps the memory although the log has no more use for it: ended frames are still to be handed back. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
  }

  /** Hands the memory over to the caller; the slab stays in the chain as an empty link. */
  takeMemory(): Piece {
    const memory = this.#memory;
    this.#memory = NO_PIECE;
    this.#view = NO_VIEW;
    return memory;
  }

  #note(): void {
    this.#noteOffsets.push(this.used);
    this.#noteFrames.push(this.frames);
    this.#nextNote = this.used + NOTE_EVERY;
  }
}

function viewOf(memory: Piece): DataView {
  return new DataView(memory.buffer, memory.byteOffset, memory.length);
}

/** A view of the memory that was handed over would keep it. */
const NO_VIEW = viewOf(NO_PIECE);
