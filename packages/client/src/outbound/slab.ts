import { NO_PIECE, type Piece } from "../bytes/memory-pool.ts";
import { type DecodedFrame, decodeFrame, decodeHead, frameAddress, frameEnd } from "../protocol/frame.ts";
import { FRAME_END } from "../protocol/pub-encoder.ts";

/** Between two noted frame boundaries lie at least this many bytes. */
const NOTE_EVERY = 16 * 1024;

/** Frames that lie side by side, as they go out: the bytes themselves, or the head of one frame and the payload that is its caller's. */
export interface Stretch {
  readonly bytes: Uint8Array;
  /** Goes behind `bytes`, and a line end behind it. */
  readonly payload: Uint8Array | null;
}

/** Memory with frames of several slabs, and how many of them still use it. */
interface Shared {
  readonly piece: Piece;
  users: number;
}

/**
 * A piece of the outbound log: contiguous memory with whole frames, one behind the other, and a summary that answers for all of them.
 * Slabs form a chain; positions run on from one to the next without a gap.
 *
 * A message whose payload is kept by reference has a slab of its own, closed from the start: its memory holds the frame up to the payload.
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
  /** Whether it is the slab of a payload that is kept by reference. */
  readonly referring: boolean;
  /** The caller's own, never written to; null once the slab is released. */
  #payload: Uint8Array | null;
  #shared: Shared | null = null;
  #memory: Piece;
  #view: DataView;
  #endedFrames = 0;
  #pins = 0;
  readonly #noteOffsets: number[] = [];
  readonly #noteFrames: number[] = [];
  #nextNote = NOTE_EVERY;

  /** @param payload for the slab of a single frame: what goes behind `memory`. */
  constructor(memory: Piece, start: number, firstIndex: number, screened: number, payload: Uint8Array | null = null) {
    this.#memory = memory;
    this.#view = payload === null ? viewOf(memory) : NO_VIEW;
    this.#payload = payload;
    this.referring = payload !== null;
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

  /** Room behind the last frame, bytes; below 0 where none may follow. */
  get room(): number {
    return this.#memory.length - this.used;
  }

  /** Bytes of the payload that is kept by reference; 0 where there is none. */
  get referred(): number {
    return this.#payload === null ? 0 : this.#payload.length;
  }

  /** Whether the payload is still what was published: its caller may have detached or resized the memory below it. */
  get isIntact(): boolean {
    return this.#payload === null || this.#memory.length + this.#payload.length + FRAME_END.length === this.used;
  }

  /** Takes in the frame that was just encoded behind the others. */
  commit(bytes: number, headers: boolean): void {
    this.used += bytes;
    this.frames++;
    if (bytes > this.largestFrame) this.largestFrame = bytes;
    if (headers) this.headers = true;
    if (this.used >= this.#nextNote && !this.referring) this.#note();
  }

  /** The offset behind the frame that begins at `offset`. */
  frameEnd(offset: number): number {
    return this.referring ? this.used : frameEnd(this.#memory, offset);
  }

  /** Subject and reply of the frame that begins at `offset`, and the offset behind it. */
  address(offset: number): Pick<DecodedFrame, "subject" | "reply" | "end"> {
    return this.referring ? { ...decodeHead(this.#memory, offset), end: this.used } : frameAddress(this.#memory, offset);
  }

  /** The message that begins at `offset`, copied out but for a payload that is kept by reference. */
  decode(offset: number): DecodedFrame {
    if (this.#payload === null) return decodeFrame(this.#memory, offset);
    return { ...decodeHead(this.#memory, offset), data: this.#payload, end: this.used };
  }

  /** The frames of the `bytes` bytes from `offset` on. */
  stretch(offset: number, bytes: number): Stretch {
    if (this.#payload === null) return { bytes: this.#memory.subarray(offset, offset + bytes), payload: null };
    return { bytes: this.#memory, payload: this.#payload };
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

  /** A slab that goes on in the memory behind `used`: the memory is free when both have ended. */
  goOn(start: number, firstIndex: number, screened: number): Slab {
    const shared = this.#shared ?? { piece: this.#memory, users: 1 };
    shared.users++;
    this.#shared = shared;
    const slab = new Slab(this.#memory.subarray(this.used), start, firstIndex, screened);
    slab.#shared = shared;
    return slab;
  }

  /** Hands the memory over to the caller, if nobody else uses it; the slab stays in the chain as an empty link. */
  takeMemory(): Piece {
    const memory = this.#memory;
    const shared = this.#shared;
    this.#memory = NO_PIECE;
    this.#view = NO_VIEW;
    this.#shared = null;
    this.#payload = null;
    if (this.referring) return NO_PIECE;
    if (shared === null) return memory;
    shared.users--;
    return shared.users === 0 ? shared.piece : NO_PIECE;
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
