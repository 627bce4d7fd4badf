import {
  Empty,
  type Msg,
  type MsgHdrs,
  MsgHdrsImpl,
  type Payload,
  type PublishOptions,
  type ReviverFn,
} from "@nats-io/nats-core";
import type { HoldfastPublishOptions } from "../options.ts";
import type { RawMessage } from "../protocol/events.ts";

/** Publishes for a message. */
export interface MessagePublisher {
  /** For the official modules, which reach for it as `msg.publisher`. */
  publish(subject: string, payload?: Payload, options?: PublishOptions): boolean;
  /** For `msg.respond()`. */
  respond(subject: string, payload?: Payload, options?: HoldfastPublishOptions): boolean;
}

/**
 * A message with what it has beyond nats-core's `Msg`: most of it because nats.js' messages have it and the official modules
 * use it.
 */
export interface ReceivedMsg extends Msg {
  /** The server's answer that nobody listens to the subject of a request: status 503 and no payload. */
  readonly isNoResponders: boolean;
  readonly publisher: MessagePublisher;
  /** Bytes of subject, reply, headers and payload: what JetStream's `max_bytes` counts. */
  size(): number;
  /**
   * What a server adds to a request that crosses accounts with `share`; null when it did not. Throws if the header is not JSON.
   */
  requestInfo(): Record<string, unknown> | null;
}

/**
 * A message that arrived. Everything is read from its frame when it is asked for.
 *
 * A payload up to 1 KiB is copied, with what belongs to it, so that keeping one message does not keep a whole read slab alive;
 * a larger one is a view. Either way its bytes never change afterwards.
 */
export function decodeMessage(raw: RawMessage, publisher: MessagePublisher): ReceivedMsg {
  // The one cast: with `exactOptionalPropertyTypes` no getter can implement the optional member `headers`.
  return new Message(raw, publisher) as ReceivedMsg;
}

class Message implements Omit<ReceivedMsg, "headers"> {
  readonly sid: number;
  readonly publisher: MessagePublisher;
  readonly #bytes: Uint8Array;
  /** Where the subject begins in `#bytes`; the other places are counted from there. */
  readonly #at: number;
  readonly #subjectEnd: number;
  readonly #replyStart: number;
  readonly #replyEnd: number;
  readonly #headersStart: number;
  readonly #payloadStart: number;
  readonly #payloadEnd: number;
  #subject: string | undefined;
  #reply: string | undefined;
  #headers: MsgHdrs | undefined;
  #data: Uint8Array | undefined;

  constructor(raw: RawMessage, publisher: MessagePublisher) {
    const start = raw.subjectStart;
    const isCopied = raw.payloadEnd - raw.payloadStart <= COPIED;
    this.sid = raw.sid;
    this.publisher = publisher;
    this.#bytes = isCopied ? copyOf(raw.bytes, start, raw.payloadEnd) : raw.bytes;
    this.#at = isCopied ? 0 : start;
    this.#subjectEnd = raw.subjectEnd - start;
    this.#replyStart = raw.replyStart - start;
    this.#replyEnd = raw.replyEnd - start;
    this.#headersStart = raw.headersStart - start;
    this.#payloadStart = raw.payloadStart - start;
    this.#payloadEnd = raw.payloadEnd - start;
  }

  get subject(): string {
    this.#subject ??= name.decode(this.#view(0, this.#subjectEnd));
    return this.#subject;
  }

  /** The empty string when there is none, as in nats.js. */
  get reply(): string {
    this.#reply ??= name.decode(this.#view(this.#replyStart, this.#replyEnd));
    return this.#reply;
  }

  /** `undefined` when the message has none. */
  get headers(): MsgHdrs | undefined {
    if (this.#headersStart === this.#payloadStart) return undefined;
    this.#headers ??= MsgHdrsImpl.decode(this.#view(this.#headersStart, this.#payloadStart));
    return this.#headers;
  }

  get data(): Uint8Array {
    this.#data ??= this.#view(this.#payloadStart, this.#payloadEnd);
    return this.#data;
  }

  /** Looks at the bytes: decoding headers throws when a peer sent what is none, and must not do so inside the client. */
  get isNoResponders(): boolean {
    if (this.#payloadStart !== this.#payloadEnd || this.#payloadStart - this.#headersStart < STATUS_503.length) return false;
    const at = this.#at + this.#headersStart;
    return STATUS_503.every((byte, i) => this.#bytes[at + i] === byte);
  }

  /** False when the message has no reply subject. An answer is never refused because of the buffer. */
  respond(payload: Payload = Empty, options?: PublishOptions): boolean {
    if (this.#replyStart === this.#replyEnd) return false;
    this.publisher.respond(this.reply, payload, options);
    return true;
  }

  json<T>(reviver?: ReviverFn): T {
    return JSON.parse(this.string(), reviver);
  }

  string(): string {
    return text.decode(this.data);
  }

  size(): number {
    return this.#subjectEnd + (this.#replyEnd - this.#replyStart) + (this.#payloadEnd - this.#headersStart);
  }

  requestInfo(): Record<string, unknown> | null {
    const info = this.headers?.get("Nats-Request-Info") ?? "";
    return info === "" ? null : JSON.parse(info, reviveTime);
  }

  /** A new array, never a `Buffer`, whatever the transport reads into. */
  #view(from: number, to: number): Uint8Array {
    const bytes = this.#bytes;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + this.#at + from, to - from);
  }
}

/**
 * What a callback gets beside an error: a message with nothing in it. nats.js passes `{}`, on which every member is missing.
 */
export const NO_MESSAGE: Msg = Object.freeze({
  subject: "",
  sid: 0,
  reply: "",
  data: Empty,
  respond: () => false,
  json: () => JSON.parse(""),
  string: () => "",
});

function reviveTime(key: string, value: unknown): unknown {
  return (key === "start" || key === "stop") && typeof value === "string" && value !== "" ? new Date(value) : value;
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  if (copy.length > LOOPED) {
    copy.set(bytes.subarray(start, end));
    return copy;
  }
  // A view and `set()` cost more than so short a loop.
  for (let i = 0; i < copy.length; i++) copy[i] = bytes[start + i] ?? 0;
  return copy;
}

const STATUS_503: Uint8Array = new TextEncoder().encode("NATS/1.0 503");
const COPIED = 1024;
const LOOPED = 64;

/** Payloads are decoded as nats.js does, which drops a byte order mark; in a name U+FEFF is text. */
const text = new TextDecoder();
const name = new TextDecoder("utf-8", { ignoreBOM: true });
