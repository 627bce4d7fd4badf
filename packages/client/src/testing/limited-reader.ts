import { type WireFrame, WireReader } from "./wire-reader.ts";

/** A {@link WireReader} that can stop at an exact byte, and says when it did. */
export class LimitedReader {
  readonly #reader: WireReader;
  #read = 0;
  #limit = Number.POSITIVE_INFINITY;
  #reached: () => void = () => {};

  /** Calls `onFrame` for each frame, as soon as its last byte was pushed. */
  constructor(onFrame: (frame: WireFrame) => void) {
    this.#reader = new WireReader(onFrame);
  }

  /** Bytes that were read. Those behind the limit are not. */
  get read(): number {
    return this.#read;
  }

  /** See {@link WireReader.error}. */
  get error(): Error | null {
    return this.#reader.error;
  }

  /** See {@link WireReader.unfinished}. */
  get unfinished(): number {
    return this.#reader.unfinished;
  }

  /**
   * Reads on until exactly `bytes` were read, counted from the first, and no further; `reached` is called then, at once if they were read
   * already. Throws a `RangeError` unless `bytes` is a whole number of at least 0.
   */
  limit(bytes: number, reached: () => void): void {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new RangeError(`a limit of ${bytes}: expected a whole number of bytes, 0 or more`);
    this.#limit = bytes;
    this.#reached = reached;
    this.#check();
  }

  /** Takes the next bytes of the stream, as far as the limit allows. */
  push(bytes: Uint8Array): void {
    const taken = bytes.subarray(0, Math.max(0, this.#limit - this.#read));
    if (taken.length === 0) return;
    this.#read += taken.length;
    this.#reader.push(taken);
    this.#check();
  }

  #check(): void {
    if (this.#read < this.#limit) return;
    const reached = this.#reached;
    this.#reached = () => {};
    reached();
  }
}
