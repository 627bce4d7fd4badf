/** Larger than any server's `max_payload`: what is longer is no message, and memory must not grow with it. */
export const greatestPayload: number = 64 * 1024 * 1024;

/** Cuts chunks of bytes into lines, at `\n` or `\r\n`, which are no part of them. Holds at most one unfinished line. */
export class LineSplitter {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** The lines that end in this chunk. They may share its memory. Throws for a line longer than any message. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(withoutReturn(this.#with(chunk.subarray(start, end))));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  /** The last line when it has no end; otherwise null. */
  end(): Uint8Array | null {
    return this.#bytes === 0 ? null : withoutReturn(this.#with(new Uint8Array(0)));
  }

  #with(rest: Uint8Array): Uint8Array {
    if (this.#bytes === 0) return rest;
    const line = Buffer.concat([...this.#parts, rest]);
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }

  #keep(rest: Uint8Array): void {
    this.#bytes += rest.length;
    if (this.#bytes > greatestPayload)
      throw new Error(`a line is longer than ${greatestPayload} bytes: no server takes such a message`);
    this.#parts.push(rest);
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
