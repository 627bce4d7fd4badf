/**
 * What the sending kernel of a memory link holds: a bounded FIFO of bytes, taken from the link and read by the peer.
 *
 *      read              taken      limit
 *   ────┴──── held ────────┴──────────┴────     held <= capacity, taken <= limit
 *
 * It copies what it takes, so a later change of the sender's chunk does not reach the peer.
 */
export class MemoryKernel {
  readonly #capacity: number;
  readonly #pieces: Uint8Array[] = [];
  /** Bytes taken since the link was made. */
  taken = 0;
  /** Bytes taken and not yet read. */
  held = 0;
  /** Not a byte beyond this position is taken. */
  limit: number = Number.POSITIVE_INFINITY;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Takes the beginning of `bytes`, as much as there is room for; returns how much that was. */
  take(bytes: Uint8Array): number {
    const room = Math.max(0, Math.min(this.#capacity - this.held, this.limit - this.taken));
    const count = Math.min(bytes.length, room);
    // Not bytes.slice(): a Buffer's slice is a view.
    if (count > 0) this.#pieces.push(new Uint8Array(bytes.subarray(0, count)));
    this.taken += count;
    this.held += count;
    return count;
  }

  /** Gives out the oldest `max` bytes, or all there are. */
  read(max: number): Uint8Array {
    const out = new Uint8Array(Math.min(max, this.held));
    let filled = 0;
    while (filled < out.length) {
      const piece = this.#pieces.shift();
      if (piece === undefined) break;
      const part = piece.subarray(0, out.length - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length < piece.length) this.#pieces.unshift(piece.subarray(part.length));
    }
    this.held -= out.length;
    return out;
  }

  /** Forgets what it holds. */
  clear(): void {
    this.#pieces.length = 0;
    this.held = 0;
  }
}
