/** The most that is put side by side, bytes: a chunk of small runs with their fences. */
const LARGEST = 80 * 1024;
const SMALLEST = 2 * 1024;

/**
 * Where small things are put side by side, so that a message and the PING behind it leave in one segment, and the runs of a small window in one
 * write: a write costs as much as copying 100 KiB. It is written to only while nothing is outstanding. The memory grows with use.
 */
export class Stage {
  #memory = new Uint8Array(0);
  #used = 0;

  get used(): number {
    return this.#used;
  }

  /** Whether `bytes` more fit. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= LARGEST;
  }

  put(bytes: Uint8Array): void {
    this.#grow(this.#used + bytes.length);
    this.#memory.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** What was put, as one chunk. */
  chunk(): Uint8Array {
    return this.#memory.subarray(0, this.#used);
  }

  clear(): void {
    this.#used = 0;
  }

  /** Lets go of the memory, which a chunk that is outstanding keeps. */
  shrink(): void {
    this.#memory = new Uint8Array(0);
    this.#used = 0;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#memory.length) return;
    let size = Math.max(SMALLEST, this.#memory.length);
    while (size < bytes) size *= 2;
    const memory = new Uint8Array(Math.min(size, LARGEST));
    memory.set(this.chunk());
    this.#memory = memory;
  }
}
