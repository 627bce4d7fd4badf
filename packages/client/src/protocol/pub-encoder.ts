import { writeText } from "./text.ts";

/** From this many publishes to other subjects on, the last one is not remembered for a while. */
const STRANGERS = 8;
/** After so many publishes it is tried again. */
const TRY_AGAIN = 256;
/** `PUB <subject> `, and the whole line that began so, are remembered up to this length, bytes. */
const LONGEST_START = 96;

const MAX_FRAMING = 40;
const MEASURE_ABOVE = 1024;
const SHORT_BYTES = 32;

const SMALLEST_SCRATCH = 512;
/** Longer headers are rare, and a connection would keep their memory for good. */
const LARGEST_SCRATCH = 16 * 1024;

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
 * written in the time of five characters. When the sizes came twice, too, it remembers the whole line: many publish messages of one length.
 */
export class PubEncoder {
  #payloadBytes = 0;
  #subject = "";
  /** Of the remembered start, bytes. */
  #length = 0;
  readonly #words = new Int32Array(LONGEST_START / 4);
  /** Publishes in a row whose subject was not the one before. At first nothing is remembered, and the next is. */
  #strangers = TRY_AGAIN;
  /** The sizes of the last message without a reply: to the remembered subject, or nothing of it is used. */
  #headerBytes = -1;
  #size = -1;
  /** Of its remembered line, bytes; 0 while none is. */
  #lineLength = 0;
  readonly #line = new Int32Array(LONGEST_START / 4);
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
    let end = typeof payload === "string" ? writeText(into, payloadAt, payload) : writeBytes(into, view, payloadAt, payload);
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
    const scratch = { memory, view: new DataView(memory.buffer) };
    if (bytes <= LARGEST_SCRATCH) this.#scratch = scratch;
    return scratch;
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
    const size = headerBytes + payloadBytes;
    this.#payloadBytes = size;
    // The strings last: the other conditions cost nothing.
    const known = this.#lineLength > 0 && size === this.#size && headerBytes === this.#headerBytes && reply === "";
    const end =
      known && subject === this.#subject
        ? writeWords(view, at, this.#line, this.#lineLength)
        : this.#writeLine(into, view, at, subject, reply, headerBytes, size);
    return headers === null ? end : writeBytes(into, view, end, headers);
  }

  /** The control line with its line end. */
  #writeLine(
    into: Buffer,
    view: DataView,
    at: number,
    subject: string,
    reply: string,
    headerBytes: number,
    size: number,
  ): number {
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
    end = writeNumber(into, end, size);
    view.setUint16(end, CRLF);
    end += 2;
    if (reply === "") this.#rememberLine(view, at, end - at, headerBytes, size);
    return end;
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
      return writeWords(view, at, this.#words, this.#length);
    }
    view.setUint32(at, PUB);
    const end = writeText(into, at + 4, subject);
    into[end] = SPACE;
    this.#remember(view, at, end + 1 - at, subject);
    return end + 1;
  }

  /** Not while subjects differ all the time: comparing and remembering cost more than they give then. */
  #remember(view: DataView, at: number, length: number, subject: string): void {
    // Its sizes, too, belong to the subject before.
    this.#size = -1;
    this.#lineLength = 0;
    if (++this.#strangers > TRY_AGAIN) this.#strangers = 0;
    if (this.#strangers > STRANGERS || length > LONGEST_START || at + length + 3 > view.byteLength) return;
    this.#subject = subject;
    this.#length = length;
    readWords(view, at, this.#words, length);
  }

  /** Not before the sizes come a second time: those that differ all the time cost only this comparison. */
  #rememberLine(view: DataView, at: number, length: number, headerBytes: number, size: number): void {
    const again = size === this.#size && headerBytes === this.#headerBytes;
    this.#size = size;
    this.#headerBytes = headerBytes;
    this.#lineLength = 0;
    if (!again || length > LONGEST_START || at + length + 3 > view.byteLength) return;
    this.#lineLength = length;
    readWords(view, at, this.#line, length);
  }
}

/** Up to three bytes of what was read behind `length` are written, too: the caller overwrites them, or has not used them yet. */
function writeWords(view: DataView, at: number, words: Int32Array, length: number): number {
  for (let i = 0; i < length; i += 4) view.setInt32(at + i, words[i >> 2] ?? 0, true);
  return at + length;
}

function readWords(view: DataView, at: number, words: Int32Array, length: number): void {
  for (let i = 0; i < length; i += 4) words[i >> 2] = view.getInt32(at + i, true);
}

/** `TypedArray.set` costs 17 ns before its first byte, more than eight words cost here. */
function writeBytes(into: Buffer, view: DataView, at: number, bytes: Uint8Array): number {
  const length = bytes.length;
  if (length > SHORT_BYTES) into.set(bytes, at);
  else writeShort(into, view, at, bytes, length);
  return at + length;
}

function writeShort(into: Buffer, view: DataView, at: number, bytes: Uint8Array, length: number): void {
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const low = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8);
    view.setInt32(at + i, low | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24), true);
  }
  for (; i < length; i++) into[at + i] = bytes[i] ?? 0;
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
