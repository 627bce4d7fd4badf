import {
  Empty,
  type Msg,
  type MsgHdrs,
  MsgHdrsImpl,
  type Payload,
  type PublishOptions,
  type ReviverFn,
} from "@nats-io/nats-core";
import { copyOf, viewOf } from "../bytes/copies.ts";
import { InternedTexts, textOf } from "../bytes/interned.ts";
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
 * A message that arrived. Everything is read from its frame at once, or copied: the parser's bytes mean something else a moment later.
 * Only headers are parsed when they are asked for. Keeping a message keeps no read slab alive, and its bytes never change.
 */
export function decodeMessage(raw: RawMessage, publisher: MessagePublisher): ReceivedMsg {
  const { bytes, subjectStart, subjectEnd, replyStart, replyEnd, headersStart, payloadStart, payloadEnd } = raw;
  raw.subject ??= subjects.text(bytes, subjectStart, subjectEnd);
  const message = new Message(
    raw.sid,
    publisher,
    raw.subject,
    textOf(bytes, replyStart, replyEnd),
    dataOf(raw),
    subjectEnd - subjectStart + (replyEnd - replyStart) + (payloadEnd - headersStart),
    headersStart === payloadStart ? undefined : copyOf(bytes, headersStart, payloadStart),
  );
  // The one cast: with `exactOptionalPropertyTypes` no getter can implement the optional member `headers`.
  return message as ReceivedMsg;
}

/**
 * Its constructor only assigns, and what is public is declared without a first `undefined`: so V8 makes it in place, in `decodeMessage()`,
 * without a call and without a write barrier for each member.
 */
class Message implements Omit<ReceivedMsg, "headers"> {
  declare readonly sid: number;
  declare readonly publisher: MessagePublisher;
  declare readonly subject: string;
  /** The empty string when there is none, as in nats.js. */
  declare readonly reply: string;
  declare readonly data: Uint8Array;
  readonly #bytes: number;
  /** As they came, then parsed. */
  #headers: Uint8Array | MsgHdrs | undefined;

  constructor(
    sid: number,
    publisher: MessagePublisher,
    subject: string,
    reply: string,
    data: Uint8Array,
    bytes: number,
    headers: Uint8Array | undefined,
  ) {
    this.sid = sid;
    this.publisher = publisher;
    this.subject = subject;
    this.reply = reply;
    this.data = data;
    this.#bytes = bytes;
    this.#headers = headers;
  }

  /** `undefined` when the message has none. */
  get headers(): MsgHdrs | undefined {
    if (this.#headers instanceof Uint8Array) this.#headers = MsgHdrsImpl.decode(this.#headers);
    return this.#headers;
  }

  get isNoResponders(): boolean {
    return this.#headers !== undefined && this.data.length === 0 && isNoResponders(this.#headers);
  }

  /** False when the message has no reply subject. An answer is never refused because of the buffer. */
  respond(payload: Payload = Empty, options?: PublishOptions): boolean {
    if (this.reply === "") return false;
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
    return this.#bytes;
  }

  requestInfo(): Record<string, unknown> | null {
    const info = this.headers?.get("Nats-Request-Info") ?? "";
    return info === "" ? null : JSON.parse(info, reviveTime);
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

/** Looks at the bytes: decoding headers throws when a peer sent what is none, and must not do so inside the client. */
function isNoResponders(headers: Uint8Array | MsgHdrs): boolean {
  if (!(headers instanceof Uint8Array)) return headers.code === 503;
  return STATUS_503.every((byte, i) => headers[i] === byte);
}

/** A large payload that was put together in a buffer of its own is not copied again. */
function dataOf({ bytes, view, isOwn, payloadStart, payloadEnd }: RawMessage): Uint8Array {
  const isView = isOwn && payloadEnd - payloadStart > LARGE;
  return isView ? viewOf(bytes, payloadStart, payloadEnd) : copyOf(bytes, payloadStart, payloadEnd, view);
}

function reviveTime(key: string, value: unknown): unknown {
  return (key === "start" || key === "stop") && typeof value === "string" && value !== "" ? new Date(value) : value;
}

const LARGE = 1024;
const STATUS_503: Uint8Array = new TextEncoder().encode("NATS/1.0 503");

/** Of all connections. */
const subjects = new InternedTexts();

/** Payloads are decoded as nats.js does, which drops a byte order mark. */
const text = new TextDecoder();
