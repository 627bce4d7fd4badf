import { writeText } from "./text.ts";

/** From this many publishes to other subjects on, the last one is not remembered for a while. */
const STRANGERS = 8;
/** After so many publishes it is tried again. */
const TRY_AGAIN = 256;
/** `PUB <subject> ` is remembered up to this length, bytes. */
const LONGEST_START = 96;

const MAX_FRAMING = 40;
const MEASURE_ABOVE = 1024;
const SHORT_BYTES = 12;

const SMALLEST_SCRATCH = 512;

interface Scratch {
  readonly memory: Buffer;
  readonly view: DataView;
}

const ZERO = 48;
const H = 72;
const SPACE = 32;
const PUB = 0x50554220;
const CRLF = 0x0d0a;

/** What follows a payload. */
export const FRAME_END: Uint8Array = Buffer.from("\r\n");

/**
 * Room that `PubEncoder.encode()` needs at most, in bytes. An estimate that never falls short: three bytes a UTF-16 unit is the most that
 * UTF-8 takes, and 40 bytes hold the longest framing (`HPUB`, four separators, two numbers of up to ten digits, three line ends). Long
 * strings are measured, because reserving three times 1 MiB would waste more than measuring costs.
 */
export function maxPubBytes(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): number {
  const fixed = MAX_FRAMING + 3 * (subject.length + reply.length) + (headers === null ? 0 : headers.length);
  if (typeof payload !== "string") return fixed + payload.length;
  return fixed + (payload.length <= MEASURE_ABOVE ? 3 * payload.length : Buffer.byteLength(payload));
}

/**
 * Writes messages as they go over the wire. Nothing is checked here: subjects and replies have passed `subjects.ts`.
 *
 * It remembers how the last message began, `PUB <subject> `, as 32-bit words: most publishers repeat their subject, and five words are
 * written in the time of five characters.
 */
export class PubEncoder {
  #payloadBytes = 0;
  #subject = "";
  /** Of the remembered start, bytes. */
  #length = 0;
  readonly #words = new Int32Array(LONGEST_START / 4);
  /** Publishes in a row whose subject was not the one before. At first nothing is remembered, and the next is. */
  #strangers = TRY_AGAIN;
  /** Where `head()` writes: how long it will be is known only then. */
  #scratch: Scratch | undefined;

  /** Headers and payload of the last message, bytes: what the server's `max_payload` counts. */
  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  /**
   * Writes one message at `at` and returns the offset behind it.
   *
   * ```
   *   PUB <subject> [reply] <payload bytes>\r\n<payload>\r\n
   *   HPUB <subject> [reply] <header bytes> <total bytes>\r\n<headers><payload>\r\n
   * ```
   *
   * `reply` is empty for none. `headers` is a whole `NATS/1.0` block with its blank line; null or empty for none. Text becomes UTF-8, a lone
   * surrogate U+FFFD. `into` and `view` are the same memory, which must have `maxPubBytes()` bytes left: this is the hot path, and it does
   * not look before it writes. It allocates nothing.
   */
  encode(
    into: Buffer,
    view: DataView,
    at: number,
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payload: Uint8Array | string,
  ): number {
    // A string is taken for ASCII until it is written: measuring first costs more than the rare repair (71 against 182 ns at 16 B).
    const payloadAt = this.#encodeHead(into, view, at, subject, reply, headers, payload.length);
    let end = typeof payload === "string" ? writeText(into, payloadAt, payload) : writeBytes(into, payloadAt, payload);
    const excess = end - payloadAt - payload.length;
    if (excess !== 0) end = this.#correctSize(into, payloadAt - (headers === null ? 0 : headers.length), excess, end);
    // Throws if the memory was too small, however the text was written; a frame cut short must never reach the wire.
    view.setUint16(end, CRLF);
    return end + 2;
  }

  /** What `encode()` writes before a payload of `payloadBytes` bytes, which lies elsewhere, in memory of its own. */
  head(subject: string, reply: string, headers: Uint8Array | null, payloadBytes: number): Buffer {
    const { memory, view } = this.#scratchFor(maxPubBytes(subject, reply, headers, ""));
    const end = this.#encodeHead(memory, view, 0, subject, reply, headers, payloadBytes);
    // Node's own pool: many heads share a piece of memory, which is gone with the last of them.
    const head = Buffer.allocUnsafe(end);
    memory.copy(head, 0, 0, end);
    return head;
  }

  #scratchFor(bytes: number): Scratch {
    if (this.#scratch !== undefined && this.#scratch.memory.length >= bytes) return this.#scratch;
    const memory = Buffer.allocUnsafeSlow(Math.max(bytes, SMALLEST_SCRATCH));
    this.#scratch = { memory, view: new DataView(memory.buffer) };
    return this.#scratch;
  }

  /** Up to where the payload begins; returns that offset. */
  #encodeHead(
    into: Buffer,
    view: DataView,
    at: number,
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payloadBytes: number,
  ): number {
    const headerBytes = headers === null ? 0 : headers.length;
    let end = at;
    if (headerBytes > 0) into[end++] = H;
    end = this.#writeStart(into, view, end, subject);
    if (reply !== "") {
      end = writeText(into, end, reply);
      into[end++] = SPACE;
    }
    if (headerBytes > 0) {
      end = writeNumber(into, end, headerBytes);
      into[end++] = SPACE;
    }
    const size = headerBytes + payloadBytes;
    this.#payloadBytes = size;
    end = writeNumber(into, end, size);
    view.setUint16(end, CRLF);
    end += 2;
    return headers === null ? end : writeBytes(into, end, headers);
  }

  /** The payload turned out `excess` bytes longer than its string. Its control line ends at `lineEnd`. */
  #correctSize(into: Buffer, lineEnd: number, excess: number, end: number): number {
    const written = this.#payloadBytes;
    this.#payloadBytes += excess;
    return correctSize(into, lineEnd - 2 - digitsOf(written), written, written + excess, end);
  }

  /** `PUB <subject> `, and up to three bytes of what was remembered behind it, which are overwritten. */
  #writeStart(into: Buffer, view: DataView, at: number, subject: string): number {
    if (this.#strangers < STRANGERS && subject === this.#subject) {
      this.#strangers = 0;
      const length = this.#length;
      for (let i = 0; i < length; i += 4) view.setInt32(at + i, this.#words[i >> 2] ?? 0, true);
      return at + length;
    }
    view.setUint32(at, PUB);
    const end = writeText(into, at + 4, subject);
    into[end] = SPACE;
    this.#remember(view, at, end + 1 - at, subject);
    return end + 1;
  }

  /** Not while subjects differ all the time: comparing and remembering cost more than they give then. */
  #remember(view: DataView, at: number, length: number, subject: string): void {
    if (++this.#strangers > TRY_AGAIN) this.#strangers = 0;
    if (this.#strangers > STRANGERS || length > LONGEST_START || at + length + 3 > view.byteLength) return;
    this.#subject = subject;
    this.#length = length;
    for (let i = 0; i < length; i += 4) this.#words[i >> 2] = view.getInt32(at + i, true);
  }
}

/** `TypedArray.set` costs 17 ns before its first byte, as much as 12 bytes cost here. */
function writeBytes(into: Buffer, at: number, bytes: Uint8Array): number {
  const length = bytes.length;
  if (length > SHORT_BYTES) into.set(bytes, at);
  else for (let i = 0; i < length; i++) into[at + i] = bytes[i] ?? 0;
  return at + length;
}

function writeNumber(into: Buffer, at: number, value: number): number {
  const end = at + digitsOf(value);
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    // Integer division; exact for sizes below 2^31 * 10.
    const tens = (rest / 10) | 0;
    into[i] = ZERO + (rest - tens * 10);
    rest = tens;
  }
  return end;
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}

/** The payload turned out longer than its string: writes the true size, after moving what follows if that has more digits. */
function correctSize(into: Buffer, sizeAt: number, written: number, size: number, end: number): number {
  // `Buffer.write` stops where the memory ends, at a whole character.
  if (size < written) throw new RangeError(`a message does not fit into ${into.length} bytes`);
  const behind = sizeAt + digitsOf(written);
  const shift = digitsOf(size) - digitsOf(written);
  if (shift > 0) into.copyWithin(behind + shift, behind, end);
  writeNumber(into, sizeAt, size);
  return end + shift;
}
