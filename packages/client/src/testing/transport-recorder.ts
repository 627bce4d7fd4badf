import type { Link, LinkHandler } from "../transport/transport.ts";

/** A stretch of bytes without a pattern of its own; its length is prime, so that bytes in the wrong place do not match by chance. */
const block: Uint8Array = makeBlock(1_048_573);

/** The bytes of the test stream from `position` on. Every stream of a test carries these, so a byte shows where it belongs. */
export function streamBytes(position: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const start = (position + filled) % block.length;
    const part = block.subarray(start, start + length - filled);
    out.set(part, filled);
    filled += part.length;
  }
  return out;
}

/** Checks that the bytes it is given are the test stream from its beginning: no hole, no repetition, no foreign byte. */
export class StreamCheck {
  /** How many bytes came. */
  length = 0;
  /** The position of the first piece that was wrong; -1 as long as none was. */
  wrongAt = -1;

  add(bytes: Uint8Array): void {
    if (this.wrongAt < 0 && Buffer.compare(bytes, streamBytes(this.length, bytes.length)) !== 0) this.wrongAt = this.length;
    this.length += bytes.length;
  }
}

/** The owner of a link, as the contract wants it: it writes the test stream, checks what it is told, and remembers it. */
export class LinkRecorder implements LinkHandler {
  readonly inbound: StreamCheck = new StreamCheck();
  /** What was against the contract. */
  readonly violations: string[] = [];
  /** Bytes given to `write()`, and how many of them were reported taken. */
  handed = 0;
  takenBytes = 0;
  /** One entry for each call of `closed()`. */
  readonly ends: (Error | null)[] = [];
  /** Called from within `data()`. */
  onData: (bytes: Uint8Array) => void = () => {};
  /** Called from within `closed()`. */
  onClosed: () => void = () => {};
  #outstanding: Uint8Array | null = null;
  #writing = false;
  #inPieces = false;
  #waiters: (() => void)[] = [];

  /** Whether the chunk of the last `write()` waits for `taken()`. */
  get waits(): boolean {
    return this.#outstanding !== null;
  }

  /** Writes the next `length` bytes of the stream, every second time in pieces. Once the chunk is taken it is overwritten, as its owner may. */
  write(link: Link, length: number): boolean {
    const chunk = streamBytes(this.handed, length);
    this.#writing = true;
    this.#inPieces = !this.#inPieces;
    const taken = this.#inPieces ? link.writeAll(inPieces(chunk)) : link.write(chunk);
    this.#writing = false;
    this.handed += length;
    if (taken) this.#account(chunk);
    else this.#outstanding = chunk;
    return taken;
  }

  data(bytes: Uint8Array): void {
    this.#expectOpen("data");
    this.inbound.add(bytes);
    this.onData(bytes);
    this.#wake();
  }

  taken(): void {
    this.#expectOpen("taken");
    const chunk = this.#outstanding;
    this.#outstanding = null;
    if (chunk === null) this.violations.push("taken() without an outstanding chunk");
    else this.#account(chunk);
    this.#wake();
  }

  closed(error: Error | null): void {
    this.#expectOpen("closed");
    this.ends.push(error);
    this.onClosed();
    this.#wake();
  }

  /** Resolves as soon as `condition` holds; it is looked at after each call. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #account(chunk: Uint8Array): void {
    this.takenBytes += chunk.length;
    chunk.fill(0);
  }

  #expectOpen(call: string): void {
    if (this.#writing) this.violations.push(`${call}() from inside write()`);
    if (this.ends.length > 0) this.violations.push(`${call}() after closed()`);
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

function makeBlock(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 0x9e3779b9;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A short piece before and behind a long one, as a message has them whose payload is not copied; fewer of a short chunk. */
function inPieces(chunk: Uint8Array): Uint8Array[] {
  const behind = Math.max(0, chunk.length - 2);
  return [chunk.subarray(0, 40), chunk.subarray(40, behind), chunk.subarray(Math.max(40, behind))].filter(
    ({ length }) => length > 0,
  );
}
