/**
 * The beginning of a frame whose rest is still to come, kept contiguous. It grows with the bytes that arrived (at most doubles), because
 * a declared length is no reason to spend memory; doubling keeps the copying below twice the frame.
 */
export class Assembly {
  /** The bytes so far are `[0, length)`. Replaced when it grows. */
  bytes: Uint8Array;
  length: number;
  /** Bytes of the whole frame, or 0 while its control line is not complete. */
  frameBytes: number;

  constructor(frameBytes: number) {
    this.bytes = EMPTY;
    this.length = 0;
    this.frameBytes = frameBytes;
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.bytes.length) this.#grow(length);
    this.bytes.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), this.length);
    this.length = length;
  }

  #grow(length: number): void {
    const doubled = Math.max(length, 2 * this.bytes.length);
    // A frame of up to 64 KiB gets its room at once, and no frame gets more than it needs: messages may keep this buffer for long.
    const room = this.frameBytes === 0 ? doubled : Math.min(Math.max(doubled, FIRST_STEP), this.frameBytes);
    // Neither zeroed nor pooled: every byte is written before it is shown.
    const grown = Buffer.allocUnsafeSlow(room);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

const FIRST_STEP = 64 * 1024;
const EMPTY: Uint8Array = new Uint8Array(0);
