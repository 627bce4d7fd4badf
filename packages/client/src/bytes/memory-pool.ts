/** A piece of memory. It is a `Buffer`, because `Buffer.utf8Write` is the fastest way to encode text into it. */
export type Piece = Buffer;

/** The smallest piece, and the largest for more than one frame, bytes. */
export const SMALLEST_PIECE: number = 4 * 1024;
export const LARGEST_PIECE: number = 256 * 1024;
/** The largest piece that the pool keeps for reuse, bytes. */
const LARGEST_KEPT = 2 * 1024 * 1024;

/** A piece that comes from no pool, with arbitrary content: zeroing it would cost as much as writing to it. */
export function freshPiece(bytes: number): Piece {
  return Buffer.allocUnsafeSlow(bytes);
}

/** The size of a piece for one long frame of `bytes` bytes: an eighth longer at most, so that frames of like lengths can use it by turns. */
export function longPieceBytes(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

/**
 * Memory for slabs, in powers of two from 4 to 256 KiB and the sizes of `longPieceBytes()`, the last one given back first: it is the one most
 * likely still in the CPU's cache. Pieces of other sizes, and those over 2 MiB, are left to the garbage collector.
 *
 * Fresh memory is dear: the system clears each page as it is touched, and the garbage collector hurries when much of it is taken (220 ns for
 * each KiB, more than the copy into it). So what a burst needed is kept for the next one, and let go by and by.
 */
export class MemoryPool {
  readonly #keepBytes: number;
  readonly #burstBytes: number;
  /** By size; undefined while there is none. */
  #free: Map<number, Piece[]> | undefined;
  #freeBytes = 0;
  /** The least that was free since the last `ease()`: nobody needed that. */
  #leastFree = 0;

  /**
   * @param keepBytes how much unused memory is kept for reuse, bytes
   * @param burstBytes how much is kept until `ease()` lets go of it, bytes
   */
  constructor(keepBytes: number, burstBytes: number = keepBytes) {
    this.#keepBytes = keepBytes;
    this.#burstBytes = Math.max(keepBytes, burstBytes);
  }

  /** Bytes kept for reuse. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Whether more is kept than `keepBytes`. */
  get hasSurplus(): boolean {
    return this.#freeBytes > this.#keepBytes;
  }

  /** A piece of exactly `size` bytes with arbitrary content. */
  take(size: number): Piece {
    const piece = this.#free?.get(size)?.pop();
    if (piece === undefined) return freshPiece(size);
    this.#freeBytes -= size;
    this.#leastFree = Math.min(this.#leastFree, this.#freeBytes);
    return piece;
  }

  /** Gives a piece back. The caller must not touch it again. */
  give(piece: Piece): void {
    const size = piece.length;
    if (!isPooled(size) || this.#freeBytes + size > this.#burstBytes) return;
    this.#free ??= new Map();
    const pieces = this.#free.get(size);
    if (pieces === undefined) this.#free.set(size, [piece]);
    else pieces.push(piece);
    this.#freeBytes += size;
  }

  /** Lets go of half of the surplus that nobody needed since the last call. To be called about once a second. */
  ease(): void {
    let spare = Math.min(this.#leastFree, this.#freeBytes - this.#keepBytes) / 2;
    for (const [size, pieces] of this.#free ?? []) {
      while (spare > 0 && pieces.pop() !== undefined) {
        spare -= size;
        this.#freeBytes -= size;
      }
    }
    this.#leastFree = this.#freeBytes;
  }

  /** Lets go of everything that is kept for reuse. */
  trim(): void {
    this.#free = undefined;
    this.#freeBytes = 0;
    this.#leastFree = 0;
  }
}

/** An empty piece, to stand where memory was taken away. */
export const NO_PIECE: Piece = Buffer.alloc(0);

function isPooled(size: number): boolean {
  return size >= SMALLEST_PIECE && size <= LARGEST_KEPT && longPieceBytes(size) === size;
}
