import { InvalidArgumentError } from "@nats-io/nats-core";
import { LazyMap } from "../bytes/lazy-map.ts";
import { encodeSub, encodeUnsub } from "../protocol/encode.ts";
import type { RawMessage } from "../protocol/events.ts";
import { Inboxes } from "./inboxes.ts";

/** Where the messages of one subscription go. */
export interface Receiver {
  /** A message. The parser reuses `raw`: read what you need before returning. Must not throw. */
  message(raw: RawMessage): void;
  /** Nothing more comes: the count is reached, the connection that was being drained is gone, or the table was cleared. */
  ended(): void;
  /** The server refused the subscription. */
  rejected(error: Error): void;
}

/** One subscription as the table sees it. Only the table writes to it. */
export interface SubscriptionEntry {
  /** Chosen anew by `resubscribe()`. */
  readonly sid: number;
  readonly subject: string;
  /** Empty for none. */
  readonly queue: string;
  /** Ends after so many messages, counted from its beginning. */
  readonly max: number | undefined;
  /** Messages so far, over all connections. */
  readonly received: number;
  readonly phase: "active" | "draining" | "gone";
}

interface Entry extends SubscriptionEntry {
  sid: number;
  subject: string;
  max: number | undefined;
  received: number;
  phase: "active" | "draining" | "gone";
  /** `received` when this connection's SUB was sent: the server counts from there. */
  base: number;
  readonly receiver: Receiver;
}

/**
 * The subscriptions by sid: hands messages to them and tells the server about them.
 *
 * While a connection is up each change goes out through `control`, which keeps its place among the publishes. While there is
 * none only the table changes. A handshake begins with `replay()`; `catchUp()` then tells what was called since.
 */
export class SubscriptionTable {
  /** Those of the subscriptions that are inboxes. */
  readonly inboxes: Inboxes;
  readonly #control: (line: Uint8Array) => void;
  readonly #maxControlLine: number;
  readonly #entries = new LazyMap<number, Entry>();
  /** Whose message came last, if it is still there: often the next is for the same. */
  #recent: Entry | undefined;
  #lastSid = 0;
  /** During a handshake: what the new server was told, sid → max. */
  #told: Map<number, number | undefined> | undefined;
  #messages = 0;
  #bytes = 0;

  /**
   * `maxControlLine`: a longer SUB line is refused, because the server would end the connection. `inboxPrefix`: without its dot.
   */
  constructor(control: (line: Uint8Array) => void, maxControlLine: number, inboxPrefix = "_INBOX") {
    this.inboxes = new Inboxes(inboxPrefix);
    this.#control = control;
    this.#maxControlLine = maxControlLine;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Messages that arrived, those for an unknown sid included. */
  get inMsgs(): number {
    return this.#messages;
  }

  /** Bytes of their headers and payloads. */
  get inBytes(): number {
    return this.#bytes;
  }

  /**
   * Subject, queue and `max` have been checked. Throws `InvalidArgumentError` if the SUB line is longer than a server reads.
   */
  subscribe(subject: string, queue: string, receiver: Receiver, max?: number): SubscriptionEntry {
    const sid = this.#nextSid(subject, queue);
    const entry: Entry = { sid, subject, queue, max, received: 0, phase: "active", base: 0, receiver };
    this.#entries.set(entry.sid, entry);
    this.inboxes.add(subject);
    this.#sub(entry);
    return entry;
  }

  /** Ends it at once; `receiver.ended()` is not called. */
  unsubscribe(subscription: SubscriptionEntry): void {
    const entry = this.#get(subscription);
    if (entry === undefined) return;
    if (entry.phase === "active") this.#control(encodeUnsub(entry.sid));
    this.#remove(entry);
  }

  /** Ends it after `max` messages in all; at once if there were as many already (then `receiver.ended()` is called). */
  limit(subscription: SubscriptionEntry, max: number): void {
    const entry = this.#get(subscription);
    if (entry === undefined) return;
    entry.max = max;
    if (entry.received >= max) return this.#finish(entry);
    if (entry.phase === "active") this.#control(encodeUnsub(entry.sid, max - entry.base));
  }

  /**
   * Tells the server to stop. What it has sent already is still delivered, until `unsubscribe()` or the end of the connection.
   */
  drain(subscription: SubscriptionEntry): void {
    const entry = this.#get(subscription);
    if (entry === undefined || entry.phase === "draining") return;
    entry.phase = "draining";
    this.#control(encodeUnsub(entry.sid));
  }

  /**
   * Moves it to another subject under a new sid: a server ignores a SUB whose sid exists, so the old one must be told apart
   * from it. With `max` it ends after so many further messages.
   */
  resubscribe(subscription: SubscriptionEntry, subject: string, max?: number): void {
    const entry = this.#get(subscription);
    if (entry === undefined || entry.phase === "draining") return;
    const sid = this.#nextSid(subject, entry.queue);
    this.#control(encodeUnsub(entry.sid));
    this.#entries.delete(entry.sid);
    this.inboxes.remove(entry.subject);
    this.inboxes.add(subject);
    entry.sid = sid;
    entry.subject = subject;
    entry.base = entry.received;
    entry.max = max === undefined ? undefined : entry.received + max;
    this.#entries.set(entry.sid, entry);
    this.#sub(entry);
  }

  /** A message for an unknown sid only counts: it was on its way when its subscription ended. */
  dispatch(raw: RawMessage): void {
    this.#messages++;
    this.#bytes += raw.payloadEnd - raw.headersStart;
    const entry = this.#recent?.sid === raw.sid ? this.#recent : this.#entries.get(raw.sid);
    if (entry === undefined) return;
    this.#recent = entry;
    entry.received++;
    entry.receiver.message(raw);
    if (entry.max !== undefined && entry.received >= entry.max && entry.phase !== "gone") this.#finish(entry);
  }

  /** The server refused a subscription to this subject and queue: the first of them ends with the error. */
  reject(subject: string, queue: string, error: Error): void {
    for (const entry of this.#entries.values()) {
      if (entry.subject !== subject || entry.queue !== queue) continue;
      this.#remove(entry);
      entry.receiver.rejected(error);
      return;
    }
  }

  /** A handshake begins: the lines that set up every subscription on a new connection. */
  replay(): Uint8Array {
    this.#told = new Map();
    for (const entry of this.#entries.values()) entry.base = entry.received;
    return this.#untold(this.#told);
  }

  /** The handshake is over: what was called since `replay()`. From now on `control` has to reach the new server. */
  catchUp(): Uint8Array {
    const told = this.#told;
    this.#told = undefined;
    return told === undefined ? NOTHING : this.#untold(told);
  }

  /** The connection is gone: nothing more can come to what was being drained, so that ends. */
  lost(): void {
    this.#told = undefined;
    for (const entry of this.#entries.values()) if (entry.phase === "draining") this.#end(entry);
  }

  /** Ends everything. */
  clear(): void {
    this.#told = undefined;
    for (const entry of this.#entries.values()) this.#end(entry);
  }

  /** The lines that bring a server which was told `told` up to date. */
  #untold(told: Map<number, number | undefined>): Uint8Array {
    const lines: Uint8Array[] = [];
    for (const [sid, max] of told) {
      const entry = this.#entries.get(sid);
      if (entry?.phase === "active" && entry.max === max) continue;
      lines.push(encodeUnsub(sid, entry?.phase === "active" && entry.max !== undefined ? entry.max - entry.base : undefined));
      if (entry?.phase === "active") told.set(sid, entry.max);
      else told.delete(sid);
    }
    for (const entry of this.#entries.values()) {
      if (told.has(entry.sid) || entry.phase !== "active") continue;
      told.set(entry.sid, entry.max);
      lines.push(...subLines(entry));
    }
    return concat(lines);
  }

  #nextSid(subject: string, queue: string): number {
    const sid = this.#lastSid + 1;
    const line = encodeSub(subject, queue, sid);
    if (line.length > this.#maxControlLine) {
      const limits = `its SUB line has ${line.length} bytes, and maxControlLine allows ${this.#maxControlLine}`;
      throw InvalidArgumentError.format("subject", `is too long: ${limits}`);
    }
    this.#lastSid = sid;
    return sid;
  }

  #get(subscription: SubscriptionEntry): Entry | undefined {
    return this.#entries.get(subscription.sid);
  }

  #sub(entry: Entry): void {
    for (const line of subLines(entry)) this.#control(line);
  }

  /** The server may not know the number (`resubscribe()` with messages on their way), so it is told. */
  #finish(entry: Entry): void {
    if (entry.phase === "active") this.#control(encodeUnsub(entry.sid));
    this.#end(entry);
  }

  #end(entry: Entry): void {
    this.#remove(entry);
    entry.receiver.ended();
  }

  #remove(entry: Entry): void {
    entry.phase = "gone";
    this.#recent = undefined;
    this.#entries.delete(entry.sid);
    this.inboxes.remove(entry.subject);
  }
}

function subLines(entry: Entry): Uint8Array[] {
  const lines = [encodeSub(entry.subject, entry.queue, entry.sid)];
  if (entry.max !== undefined) lines.push(encodeUnsub(entry.sid, entry.max - entry.base));
  return lines;
}

function concat(lines: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.length, 0));
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
  }
  return bytes;
}

const NOTHING: Uint8Array = new Uint8Array(0);
