/** What a client sends, as bytes. Nothing is checked here: subjects, replies and queues have passed `subjects.ts`. */

/** The server's heartbeat question, and ours. Shared: never write to it. */
export const PING: Uint8Array = Buffer.from("PING\r\n");

/** The answer to a PING. Shared: never write to it. */
export const PONG: Uint8Array = Buffer.from("PONG\r\n");

/**
 * Room that `encodePub()` needs at most, in bytes. An estimate that never falls short: three bytes a UTF-16 unit is the most that UTF-8
 * takes, and 40 bytes hold the longest framing (`HPUB`, four separators, two numbers of up to ten digits, three line ends). Long
 * strings are measured, because reserving three times 1 MiB would waste more than measuring costs.
 */
export function maxPubBytes(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): number {
  const fixed = MAX_FRAMING + 3 * (subject.length + reply.length) + (headers === null ? 0 : headers.length);
  if (typeof payload !== "string") return fixed + payload.length;
  return fixed + (payload.length <= MEASURE_ABOVE ? 3 * payload.length : Buffer.byteLength(payload));
}

/**
 * Writes one message into `into` at `at` and returns the offset behind it.
 *
 * ```
 *   PUB <subject> [reply] <payload bytes>\r\n<payload>\r\n
 *   HPUB <subject> [reply] <header bytes> <total bytes>\r\n<headers><payload>\r\n
 * ```
 *
 * `reply` is empty for none. `headers` is a whole `NATS/1.0` block with its blank line; null or empty for none. Text becomes UTF-8, a lone
 * surrogate U+FFFD. `into` must have `maxPubBytes()` bytes left: this is the hot path, and it does not look before it writes.
 * It allocates nothing.
 */
export function encodePub(
  into: Buffer,
  at: number,
  subject: string,
  reply: string,
  headers: Uint8Array | null,
  payload: Uint8Array | string,
): number {
  const headerBytes = headers === null ? 0 : headers.length;
  let end = at;
  if (headerBytes > 0) into[end++] = H;
  into[end++] = P;
  into[end++] = U;
  into[end++] = B;
  into[end++] = SPACE;
  end = writeText(into, end, subject);
  into[end++] = SPACE;
  if (reply !== "") {
    end = writeText(into, end, reply);
    into[end++] = SPACE;
  }
  if (headerBytes > 0) {
    end = writeNumber(into, end, headerBytes);
    into[end++] = SPACE;
  }
  // A string is taken for ASCII until it is written: measuring first costs more than the rare repair (71 against 182 ns at 16 B).
  const sizeAt = end;
  const size = headerBytes + payload.length;
  end = writeNumber(into, end, size);
  into[end++] = CR;
  into[end++] = LF;
  if (headers !== null) end = writeBytes(into, end, headers);
  const payloadAt = end;
  end = typeof payload === "string" ? writeText(into, end, payload) : writeBytes(into, end, payload);
  const excess = end - payloadAt - payload.length;
  if (excess > 0) end = correctSize(into, sizeAt, size, size + excess, end);
  into[end++] = CR;
  into[end++] = LF;
  // The last guard against a slab that was too small; a frame cut short must never reach the wire.
  if (end > into.length) throw new RangeError(`encodePub: ${end - at} bytes at offset ${at} do not fit into ${into.length}`);
  return end;
}

/** `SUB <subject> [queue] <sid>\r\n`; `queue` is empty for none. */
export function encodeSub(subject: string, queue: string, sid: number): Uint8Array {
  return Buffer.from(queue === "" ? `SUB ${subject} ${sid}\r\n` : `SUB ${subject} ${queue} ${sid}\r\n`);
}

/** `UNSUB <sid> [max]\r\n`. With `max` the server ends the subscription once it has sent that many messages on it, ever. */
export function encodeUnsub(sid: number, max?: number): Uint8Array {
  return Buffer.from(max === undefined ? `UNSUB ${sid}\r\n` : `UNSUB ${sid} ${max}\r\n`);
}

/** `CONNECT <json>\r\n`. JSON escapes line ends inside strings, so the line stays one line. Undefined members are left out. */
export function encodeConnect(options: object): Uint8Array {
  return Buffer.from(`CONNECT ${JSON.stringify(options)}\r\n`);
}

/** Short ASCII goes unit by unit; `Buffer.write` costs 65 ns before its first byte, as much as 30 units cost here. */
function writeText(into: Buffer, at: number, text: string): number {
  const length = text.length;
  if (length > SHORT_TEXT) return at + into.write(text, at);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return at + into.write(text, at);
    into[at + i] = unit;
  }
  return at + length;
}

/** `TypedArray.set` costs 16 to 20 ns before its first byte. */
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
  const behind = sizeAt + digitsOf(written);
  const shift = digitsOf(size) - digitsOf(written);
  if (shift > 0) into.copyWithin(behind + shift, behind, end);
  writeNumber(into, sizeAt, size);
  return end + shift;
}

const MAX_FRAMING = 40;
const MEASURE_ABOVE = 1024;
const SHORT_TEXT = 32;
const SHORT_BYTES = 16;

const CR = 13;
const LF = 10;
const SPACE = 32;
const ZERO = 48;
const B = 66;
const H = 72;
const P = 80;
const U = 85;
