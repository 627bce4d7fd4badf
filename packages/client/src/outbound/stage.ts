/** Runs of frames up to this long are copied together with the control frames around them; longer ones go out as they lie. */
const STAGE_BYTES = 24 * 1024;

/**
 * Where small things are put side by side, so that a message and the PING behind it leave in one segment. It is written to only while
 * nothing is outstanding.
 */
export class Stage {
  readonly #memory = new Uint8Array(STAGE_BYTES);
  #used = 0;

  get isEmpty(): boolean {
    return this.#used === 0;
  }

  /** Whether `bytes` more fit. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= STAGE_BYTES;
  }

  put(bytes: Uint8Array): void {
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
}
