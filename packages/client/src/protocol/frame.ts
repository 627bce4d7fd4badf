/**
 * Reads back the frames that `encodePub()` wrote. The log keeps no index: what a frame is, how long it is and what is in it stands in its
 * own control line. Our own encoding is strict (one space, no tabs, CRLF), so these are not parsers of what a server may send.
 */

/** A message as it was published. */
export interface DecodedFrame {
  readonly subject: string;
  readonly reply: string | undefined;
  /** The raw `NATS/1.0` block with its blank line, a copy. */
  readonly headers: Uint8Array | undefined;
  /** The payload: a copy, or what its caller asked not to be copied. */
  readonly data: Uint8Array;
  /** The offset behind the frame. */
  readonly end: number;
}

/** The offset behind the frame that begins at `at`. Costs one pass over its control line. Throws if no frame begins there. */
export function frameEnd(bytes: Uint8Array, at: number): number {
  return endOf(bytes, at, findLineEnd(bytes, at));
}

/** Headers and payload of the frame that begins at `at`, in bytes: what the server's `max_payload` counts. */
export function framePayloadSize(bytes: Uint8Array, at: number): number {
  return readSize(bytes, at, findLineEnd(bytes, at));
}

/** Whether the frame that begins at `at` carries headers. */
export function frameHasHeaders(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at];
  if (first !== P && first !== H) throw noFrame(at);
  return first === H;
}

/** Subject and reply of the frame that begins at `at`, and the offset behind it. */
export function frameAddress(bytes: Uint8Array, at: number): Pick<DecodedFrame, "subject" | "reply" | "end"> {
  const lineEnd = findLineEnd(bytes, at);
  const { subject, reply } = readLine(bytes, at, lineEnd);
  return { subject, reply, end: endOf(bytes, at, lineEnd) };
}

/** What the frame that begins at `at` says of its message, where its payload lies elsewhere. */
export function decodeHead(bytes: Uint8Array, at: number): Pick<DecodedFrame, "subject" | "reply" | "headers"> {
  const lineEnd = findLineEnd(bytes, at);
  const start = lineEnd + 2;
  const { subject, reply, headerBytes } = readLine(bytes, at, lineEnd);
  return { subject, reply, headers: bytes[at] === H ? copyOf(bytes, start, start + headerBytes) : undefined };
}

/** The whole message that begins at `at`, copied out, so that it outlives the slab. */
export function decodeFrame(bytes: Uint8Array, at: number): DecodedFrame {
  const lineEnd = findLineEnd(bytes, at);
  const hasHeaders = bytes[at] === H;
  const start = lineEnd + 2;
  const end = endOf(bytes, at, lineEnd);
  const { subject, reply, headerBytes } = readLine(bytes, at, lineEnd);
  if (!(start + headerBytes <= end - 2)) throw noFrame(at);
  return {
    subject,
    reply,
    headers: hasHeaders ? copyOf(bytes, start, start + headerBytes) : undefined,
    data: copyOf(bytes, start + headerBytes, end - 2),
    end,
  };
}

/** PUB subject [reply] total, or HPUB subject [reply] header-bytes total. Subjects contain no space. */
function readLine(
  bytes: Uint8Array,
  at: number,
  lineEnd: number,
): { subject: string; reply: string | undefined; headerBytes: number } {
  const fields = text.decode(bytes.subarray(at, lineEnd)).split(" ");
  const numbers = bytes[at] === H ? 2 : 1;
  const subject = fields[1];
  if (subject === undefined || fields.length < 2 + numbers || fields.length > 3 + numbers) throw noFrame(at);
  return {
    subject,
    reply: fields.length === 3 + numbers ? fields[2] : undefined,
    headerBytes: numbers === 2 ? Number(fields[fields.length - 2]) : 0,
  };
}

/** The offset of the CR. A frame is longer than "PUB ", and neither subject nor reply holds a CR. */
function findLineEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first !== P && first !== H) throw noFrame(at);
  const length = bytes.length;
  let i = at + 4;
  while (i < length && bytes[i] !== CR) i++;
  if (i >= length) throw noFrame(at);
  return i;
}

/** Two bytes of line end, the payload, two more. */
function endOf(bytes: Uint8Array, at: number, lineEnd: number): number {
  const end = lineEnd + 4 + readSize(bytes, at, lineEnd);
  if (end > bytes.length) throw noFrame(at);
  return end;
}

/** The last number of the control line, read from its end: no field before it needs to be looked at. */
function readSize(bytes: Uint8Array, at: number, lineEnd: number): number {
  let size = 0;
  let unit = 1;
  let i = lineEnd - 1;
  for (; i > at; i--) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    size += digit * unit;
    unit *= 10;
  }
  if (i === lineEnd - 1 || bytes[i] !== SPACE) throw noFrame(at);
  return size;
}

/** `Buffer.slice` would be a view, and a view would pin the whole slab. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

function noFrame(at: number): Error {
  return new Error(`no whole PUB or HPUB frame begins at offset ${at}: the log is corrupt`);
}

// Only the very first bytes can be a byte order mark, and those are "PUB" or "HPUB": a U+FEFF in a subject stays.
const text = new TextDecoder();

const CR = 13;
const SPACE = 32;
const ZERO = 48;
const H = 72;
const P = 80;
