import { InvalidArgumentError, type MsgHdrs, MsgHdrsImpl, nuid, type PublishOptions } from "@nats-io/nats-core";
import { writeText } from "../protocol/text.ts";

/** nats-core's options for message tracing. */
export type TraceOptions = Pick<PublishOptions, "traceDestination" | "traceOnly">;

/**
 * The headers of a message as a `NATS/1.0` block, or null when it has none. Tracing adds two headers, and `msgId` adds `Nats-Msg-Id`
 * if there is none ("auto": a unique one); what the caller passed is never written to. The block is good until the next call: most are
 * written into the same memory. Throws `InvalidArgumentError` when `headers` is not a `MsgHdrs`.
 */
export function encodeHeaders(headers: MsgHdrs | undefined, trace: TraceOptions | undefined, msgId?: string): Uint8Array | null {
  if (headers !== undefined) checkHeaders(headers);
  const destination = typeof trace?.traceDestination === "string" ? trace.traceDestination : undefined;
  const isTraced = trace?.traceOnly === true || destination !== undefined;
  const isNamed = msgId !== undefined && headers?.has(MSG_ID) !== true;
  if (headers === undefined && !isTraced) return isNamed ? encodeMsgId(msgId) : null;
  const all = isTraced || isNamed || !(headers instanceof MsgHdrsImpl) ? copyHeaders(headers) : headers;
  if (isNamed) all.set(MSG_ID, msgId === "auto" ? nuid.next() : msgId);
  if (trace?.traceOnly === true) all.set("Nats-Trace-Only", "true");
  if (destination !== undefined) all.set("Nats-Trace-Dest", destination);
  return scratch.encode(all);
}

/** The id alone, as every message into a stream has it: without a `MsgHdrs`, which costs more than the rest. */
function encodeMsgId(msgId: string): Uint8Array | null {
  const id = msgId === "auto" ? nuid.next() : msgId.trim();
  const block = scratch.encodeLine(MSG_ID, id);
  if (block !== undefined) return block;
  const headers = new MsgHdrsImpl();
  headers.set(MSG_ID, id);
  return headers.encode();
}

/**
 * The headers of a message that is handed back. Names that nats-core would not accept today are kept: this is for looking at.
 */
export function decodeHeaders(block: Uint8Array): MsgHdrs {
  try {
    return MsgHdrsImpl.decode(block);
  } catch {
    return MsgHdrsImpl.fromRecord(recordOf(new TextDecoder().decode(block)));
  }
}

function copyHeaders(headers: MsgHdrs | undefined): MsgHdrsImpl {
  const copy = new MsgHdrsImpl(headers?.code ?? 0, headers?.description ?? "");
  for (const [name, values] of headers ?? []) for (const value of values) copy.append(name, value);
  return copy;
}

/**
 * Throws `InvalidArgumentError` for what is no `MsgHdrs`. One of another copy of nats-core is as good as one of ours; a plain object is a
 * mistake that is easy to make.
 */
export function checkHeaders(headers: MsgHdrs): void {
  if (headers instanceof MsgHdrsImpl) return;
  const isHeaders = typeof headers === "object" && headers !== null && Symbol.iterator in headers && "code" in headers;
  if (!isHeaders) throw InvalidArgumentError.format("headers", "must be made by headers(), as MsgHdrs");
}

function recordOf(block: string): Record<string, string[]> {
  const record: Record<string, string[]> = {};
  for (const line of block.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    record[name] = [...(record[name] ?? []), line.slice(colon + 1).trim()];
  }
  return record;
}

/** A line of a block: its strings, and the offset behind it. */
interface Line {
  readonly name: string;
  readonly value: string;
  readonly end: number;
}

/**
 * Writes blocks into memory that it uses again; nats-core's own `encode()` makes a string of each line first. Lines that stood at the same
 * place in the last block are there already: most publishers repeat theirs.
 */
class Scratch {
  readonly #memory = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** The last block: blocks of one length need no other view. */
  #block: Uint8Array = this.#memory.subarray(0, 0);
  #lines: Line[] = [];

  constructor() {
    this.#memory.write(FIRST_LINE);
  }

  /** Null for an empty block. */
  encode(headers: MsgHdrsImpl): Uint8Array | null {
    if (headers.headers.size === 0 && headers.code === 0) return null;
    const end = headers.code === 0 ? this.#write(headers.headers) : undefined;
    // A status line, a value that is no string, or too long: all rare.
    if (end === undefined) return headers.encode();
    if (end !== this.#block.length) this.#block = this.#memory.subarray(0, end);
    return this.#block;
  }

  /** A block of one line; undefined if it is too long. */
  encodeLine(name: string, value: string): Uint8Array | undefined {
    const end = this.#write([[name, [value]]]);
    if (end !== undefined && end !== this.#block.length) this.#block = this.#memory.subarray(0, end);
    return end === undefined ? undefined : this.#block;
  }

  /** The offset behind the block; undefined for one that is not written here. */
  #write(headers: Iterable<readonly [string, readonly string[]]>): number | undefined {
    const lines = this.#lines;
    let at = FIRST_LINE.length;
    let count = 0;
    for (const [name, values] of headers) {
      for (const value of values) {
        let line = lines[count];
        if (line === undefined || line.name !== name || line.value !== value) {
          lines.length = count;
          const end = this.#writeLine(at, name, value);
          if (end === undefined) return undefined;
          line = { name, value, end };
          lines.push(line);
        }
        at = line.end;
        count++;
      }
    }
    // The last line end is written over the line that stood there.
    // V8 sets a length by a call into its runtime, which costs as much as all lines: not where it stays.
    if (lines.length !== count) lines.length = count;
    this.#memory[at] = CR;
    this.#memory[at + 1] = LF;
    return at + 2;
  }

  #writeLine(start: number, name: string, value: string): number | undefined {
    if (typeof value !== "string" || start + 3 * (name.length + value.length) + LINE_FRAMING > SCRATCH_BYTES) return undefined;
    const memory = this.#memory;
    let at = writeText(memory, start, name);
    memory[at++] = COLON;
    memory[at++] = SPACE;
    at = writeText(memory, at, value);
    memory[at++] = CR;
    memory[at++] = LF;
    return at;
  }
}

/** By this header a stream tells a second copy of a message from a new one. */
const MSG_ID = "Nats-Msg-Id";

const SCRATCH_BYTES = 4096;
const FIRST_LINE = "NATS/1.0\r\n";
/** Colon, space, line end, and the line end behind the last line. */
const LINE_FRAMING = 6;
const CR = 13;
const LF = 10;
const SPACE = 32;
const COLON = 58;

const scratch = new Scratch();
