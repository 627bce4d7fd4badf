/** A piece of memory. It is a `Buffer`, because `Buffer.utf8Write` is the fastest way to encode text into it. */
export type Piece = Buffer;

/** The smallest and the largest piece that the pool keeps for reuse, bytes. Pieces of other sizes are left to the garbage collector. */
export const SMALLEST_PIECE: number = 4 * 1024;
export const LARGEST_PIECE: number = 256 * 1024;

/**
 * Memory for slabs, in powers of two from 4 to 256 KiB, the last one given back first: it is the one most likely still in the CPU's cache.
 * Larger or odd pieces are allocated to size and never pooled.
 */
export class MemoryPool {
  readonly #keepBytes: number;
  readonly #free = new Map<number, Piece[]>();
  #freeBytes = 0;

  /** @param keepBytes how much unused memory may be kept for reuse, bytes. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  /** Bytes kept for reuse. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** A piece of exactly `size` bytes with arbitrary content. */
  take(size: number): Piece {
    const piece = this.#free.get(size)?.pop();
    if (piece === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return piece;
  }

  /** Gives a piece back. The caller must not touch it again. */
  give(piece: Piece): void {
    const size = piece.length;
    if (!isPooled(size) || this.#freeBytes + size > this.#keepBytes) return;
    const pieces = this.#free.get(size);
    if (pieces === undefined) this.#free.set(size, [piece]);
    else pieces.push(piece);
    this.#freeBytes += size;
  }

  /** Lets go of everything that is kept for reuse. */
  trim(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

/** An empty piece, to stand where memory was taken away. */
export const NO_PIECE: Piece = Buffer.alloc(0);

function isPooled(size: number): boolean {
  return size >= SMALLEST_PIECE && size <= LARGEST_PIECE && (size & (size - 1)) === 0;
}
