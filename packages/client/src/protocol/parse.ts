import { ProtocolError } from "@nats-io/nats-core";
import { Assembly } from "./assembly.ts";
import type { RawMessage, ServerEvents } from "./events.ts";
import { excerpt } from "./excerpt.ts";
import { INCOMPLETE, MALFORMED, moveMessage, readMessageLine, readMessageTail } from "./message-line.ts";
import { Repeat } from "./repeat.ts";
import { type Verb, verbAt } from "./verb.ts";

/** What the parser takes at most. Beyond it: a `ProtocolError` that names the limit and the size seen. Positive integers. */
export interface ParserLimits {
  /** Bytes of an INFO line up to its line feed. Default 1 MiB. */
  readonly infoBytes?: number;
  /** Bytes of any other line up to its line feed. Default 64 KiB. */
  readonly lineBytes?: number;
  /** Bytes of headers and payload of one message. Default 64 MiB. */
  readonly messageBytes?: number;
}

type State =
  | { readonly kind: "between" }
  | { readonly kind: "inside"; readonly frame: Assembly }
  | { readonly kind: "parsing" }
  | { readonly kind: "stopped"; readonly cause: unknown };

/**
 * Turns the bytes of a server into events, however they are cut into chunks.
 *
 * A frame that lies whole in a chunk is reported where it lies, without a copy; one that spans chunks is put together in a buffer of its
 * own. Nothing of a chunk is kept when `parse()` returns. Control lines may end in LF alone, as in the official parser; a payload must be
 * followed by CR LF.
 *
 * Garbage throws `ProtocolError`. What an event handler throws comes out of `parse()` unchanged. After either the parser is stopped: the
 * rest of the chunk was not read, so the place in the stream is lost, and `parse()` throws `ProtocolError` until `reset()`.
 */
export class Parser {
  readonly #events: ServerEvents;
  readonly #infoBytes: number;
  readonly #lineBytes: number;
  readonly #messageBytes: number;
  readonly #message: RawMessage = {
    sid: 0,
    bytes: NO_BYTES,
    view: undefined,
    isOwn: false,
    subject: undefined,
    subjectStart: 0,
    subjectEnd: 0,
    replyStart: 0,
    replyEnd: 0,
    headersStart: 0,
    payloadStart: 0,
    payloadEnd: 0,
  };
  readonly #repeat: Repeat = new Repeat();
  #state: State = BETWEEN;

  constructor(events: ServerEvents, limits: ParserLimits = {}) {
    this.#events = events;
    this.#infoBytes = limits.infoBytes ?? 1024 * 1024;
    this.#lineBytes = limits.lineBytes ?? 64 * 1024;
    this.#messageBytes = limits.messageBytes ?? 64 * 1024 * 1024;
  }

  /** Reports, in order, every frame that ends in this chunk, and keeps what is left over. From inside an event only after `reset()`. */
  parse(chunk: Uint8Array): void {
    const before = this.#state;
    if (before.kind === "stopped") throw new ProtocolError("input after an error stopped the parser", { cause: before.cause });
    if (before.kind === "parsing") throw new Error("Parser.parse() was called from inside one of its events");
    this.#state = PARSING;
    try {
      const after = this.#read(chunk, before.kind === "inside" ? before.frame : null);
      if (this.#isParsing()) this.#state = after;
    } catch (cause) {
      if (this.#isParsing()) this.#state = { kind: "stopped", cause };
      throw cause;
    } finally {
      // An idle connection must not pin its last chunk. Also after a throw:
      this.#message.isOwn = false;
      this.#message.view = undefined;
      this.#repeat.begin(undefined);
      this.#message.bytes = NO_BYTES;
    }
  }

  /** Forgets everything, for the bytes of a new connection. Called from inside an event, it also drops the rest of the current chunk. */
  reset(): void {
    this.#state = BETWEEN;
  }

  /** Turns false when an event handler called `reset()`. */
  #isParsing(): boolean {
    return this.#state === PARSING;
  }

  #read(chunk: Uint8Array, unfinished: Assembly | null): State {
    const end = chunk.length;
    let at = 0;
    if (unfinished !== null) {
      at = this.#complete(unfinished, chunk);
      if (at < 0) return { kind: "inside", frame: unfinished };
    }
    const view = end < 256 ? undefined : new DataView(chunk.buffer, chunk.byteOffset, end);
    this.#message.view = view;
    this.#repeat.begin(view);
    while (at < end && this.#isParsing()) {
      const next = this.#again(chunk, at, end) || this.#frame(chunk, at, end);
      if (next <= 0) {
        const frame = new Assembly(-next);
        frame.append(chunk, at, end);
        return { kind: "inside", frame };
      }
      at = next;
    }
    return BETWEEN;
  }

  /** Feeds the unfinished frame. Returns the offset in `chunk` behind the end of the frame, or -1 if it is still unfinished. */
  #complete(frame: Assembly, chunk: Uint8Array): number {
    let at = 0;
    if (frame.frameBytes === 0) {
      // Only new bytes are searched: a line that comes byte by byte costs no more than one that comes whole.
      const lineFeed = chunk.indexOf(LF);
      const room = Math.max(this.#infoBytes, this.#lineBytes) + 1 - frame.length;
      at = Math.min(lineFeed < 0 ? chunk.length : lineFeed + 1, room);
      frame.append(chunk, 0, at);
      if (lineFeed < 0 || lineFeed >= at) {
        this.#verb(frame.bytes, 0, frame.length, frame.length);
        return -1;
      }
      const next = this.#frame(frame.bytes, 0, frame.length);
      if (next > 0) return at;
      frame.frameBytes = -next;
    }
    const taken = Math.min(frame.frameBytes - frame.length, chunk.length - at);
    frame.append(chunk, at, at + taken);
    if (frame.length < frame.frameBytes) return -1;
    this.#message.isOwn = true;
    this.#frame(frame.bytes, 0, frame.length);
    this.#message.isOwn = false;
    return at + taken;
  }

  /** `#frame()` for a whole message whose line is the last one over again, or begins as that one did; 0 for everything else. */
  #again(bytes: Uint8Array, at: number, end: number): number {
    const repeat = this.#repeat;
    if (repeat.isSame(at, end)) return this.#same(bytes, at, end);
    const tail = repeat.tailOf(at, end);
    if (tail === 0) return 0;
    const message = this.#message;
    const stop = Math.min(end, at + this.#lineBytes + 1);
    const lineFeed = readMessageTail(message, bytes, tail, stop, repeat.withHeaders);
    // Also for `#frame()` to judge: what is too long.
    if (lineFeed === 0 || message.payloadEnd + 2 > end || message.payloadEnd - lineFeed > this.#messageBytes) return 0;
    message.subjectStart += at - repeat.at;
    message.subjectEnd += at - repeat.at;
    repeat.moved(at, lineFeed);
    return this.#whole(bytes, at, lineFeed);
  }

  /** The same, where the whole line is as the last one's: then so are all offsets, further on, and what was checked. */
  #same(bytes: Uint8Array, at: number, end: number): number {
    const message = this.#message;
    const by = at - this.#repeat.at;
    if (message.payloadEnd + by + 2 > end) return 0;
    moveMessage(message, by);
    this.#repeat.moved(at, message.headersStart - 1);
    return this.#whole(bytes, at, message.headersStart - 1);
  }

  /**
   * Reports the frame at `at` and returns the offset behind it, never 0. If it is not whole: minus its size in bytes, or 0 while its line
   * is not whole. What is thrown, and after which events, depends on the bytes alone and not on where the chunks were cut.
   */
  #frame(bytes: Uint8Array, at: number, end: number): number {
    // The two spellings that matter for speed; `#line()` knows them all. Reading behind the end would slow every later read down.
    if (end - at < 5) return this.#line(bytes, at, end);
    if (bytes[at] === M && bytes[at + 1] === S && bytes[at + 2] === G && bytes[at + 3] === SPACE) {
      return this.#msg(bytes, at, at + 4, end, false);
    }
    if (bytes[at] === H && bytes[at + 1] === M && bytes[at + 2] === S && bytes[at + 3] === G && bytes[at + 4] === SPACE) {
      return this.#msg(bytes, at, at + 5, end, true);
    }
    return this.#line(bytes, at, end);
  }

  /** `MSG <fields>\r\n<payload>\r\n` or `HMSG <fields>\r\n<headers><payload>\r\n`. */
  #msg(bytes: Uint8Array, at: number, fieldsAt: number, end: number, withHeaders: boolean): number {
    const message = this.#message;
    const stop = Math.min(end, at + this.#lineBytes + 1);
    const lineFeed = readMessageLine(message, bytes, fieldsAt, stop, withHeaders);
    if (lineFeed === INCOMPLETE) {
      this.#verb(bytes, at, end, stop - at);
      return 0;
    }
    if (lineFeed === MALFORMED) throw malformed(bytes, at, bytes.indexOf(LF, at));
    const payloadEnd = message.payloadEnd;
    const total = payloadEnd - message.headersStart;
    if (total > this.#messageBytes) throw tooLong("message", total, "messageBytes", this.#messageBytes);
    if (payloadEnd + 2 > end) return at - (payloadEnd + 2);
    message.subject = undefined;
    // Behind anything but a space it was an unusual spelling, and the next line is read as one, too.
    if (bytes[message.replyStart - 1] === SPACE) this.#repeat.remember(at, message.replyStart, lineFeed, withHeaders);
    else this.#repeat.forget();
    return this.#whole(bytes, at, lineFeed);
  }

  /** Reports the message that begins at `at`, all of which is there. */
  #whole(bytes: Uint8Array, at: number, lineFeed: number): number {
    const message = this.#message;
    const { payloadEnd } = message;
    if (bytes[payloadEnd] !== CR || bytes[payloadEnd + 1] !== LF) throw unterminated(bytes, at, lineFeed, payloadEnd);
    if (message.bytes !== bytes) message.bytes = bytes; // To store a young object in an old one costs more than to compare.
    this.#events.message(message);
    return payloadEnd + 2;
  }

  /** `INFO <json>`, `PING`, `PONG`, `+OK`, `-ERR <text>`, and unusual spellings of MSG and HMSG. */
  #line(bytes: Uint8Array, at: number, end: number): number {
    // Never behind `end`: an unfinished frame, whose buffer may have room to spare, comes here only with its line feed.
    const lineFeed = bytes.indexOf(LF, at);
    const verb = this.#verb(bytes, at, end, (lineFeed < 0 ? end : lineFeed) - at);
    if (verb === "MSG" || verb === "HMSG") return this.#msg(bytes, at, at + verb.length, end, verb === "HMSG");
    if (verb === "unfinished" || lineFeed < 0) return 0;
    const rest = text.decode(bytes.subarray(at + verb.length, lineFeed)).trim();
    if (rest !== "" && verb !== "INFO" && verb !== "-ERR") throw malformed(bytes, at, lineFeed);
    switch (verb) {
      case "INFO":
        this.#events.info(rest);
        break;
      case "PING":
        this.#events.ping();
        break;
      case "PONG":
        this.#events.pong();
        break;
      case "+OK":
        this.#events.ok();
        break;
      case "-ERR":
        this.#events.error(unquote(rest));
        break;
    }
    return lineFeed + 1;
  }

  /** The operation between `at` and `end`. Throws if it is none, or if the `seen` bytes of its line are too many already. */
  #verb(bytes: Uint8Array, at: number, end: number, seen: number): Verb | "unfinished" {
    const verb = verbAt(bytes, at, end);
    switch (verb) {
      case "unknown":
        throw new ProtocolError(`unknown operation from the server: ${excerpt(bytes, at, end)}`);
      case "unfinished":
        return verb;
      case "INFO":
        if (seen > this.#infoBytes) throw tooLong("INFO line", seen, "infoBytes", this.#infoBytes);
        return verb;
      case "MSG":
      case "HMSG":
      case "PING":
      case "PONG":
      case "+OK":
      case "-ERR":
        if (seen > this.#lineBytes) throw tooLong(`${verb} line`, seen, "lineBytes", this.#lineBytes);
        return verb;
    }
  }
}

/** The server wraps the text in single quotes; the text itself may hold some. */
function unquote(line: string): string {
  return line.length >= 2 && line.startsWith("'") && line.endsWith("'") ? line.slice(1, -1) : line;
}

function malformed(bytes: Uint8Array, at: number, lineFeed: number): ProtocolError {
  return new ProtocolError(`malformed line from the server: ${excerpt(bytes, at, lineFeed)}`);
}

function tooLong(what: string, seen: number, option: string, limit: number): ProtocolError {
  return new ProtocolError(`${what} of ${seen} bytes or more from the server: at most ${limit} are accepted (${option})`);
}

function unterminated(bytes: Uint8Array, at: number, lineFeed: number, payloadEnd: number): ProtocolError {
  const found = excerpt(bytes, payloadEnd, payloadEnd + 2);
  return new ProtocolError(`payload without CR LF at its end, but ${found}: ${excerpt(bytes, at, lineFeed)}`);
}

const BETWEEN: State = { kind: "between" };
const PARSING: State = { kind: "parsing" };
const NO_BYTES: Uint8Array = new Uint8Array(0);

// Invalid UTF-8 becomes U+FFFD: an odd `-ERR` text is no reason to drop the connection.
const text = new TextDecoder();

const LF = 10;
const CR = 13;
const SPACE = 32;
const G = 71;
const H = 72;
const M = 77;
const S = 83;
