import { createInbox, type Msg, NoRespondersError } from "@nats-io/nats-core";
import type { SubscriptionEntry, SubscriptionTable } from "../inbound/table.ts";
import type { RawMessage } from "../protocol/events.ts";
import { NO_MESSAGE } from "./message.ts";
import type { SentRequest } from "./publish.ts";
import type { Decode, Pending, ReplyTo } from "./replies.ts";
import { type Slot, Slots } from "./slots.ts";

/** A request object of nats-core: it brings its own token, and its own timer. `official-modules.ts` says who uses that. */
export interface ForeignRequest {
  readonly token: string;
  readonly requestSubject: string;
  resolver(error: Error | null, msg: Msg): void;
}

/** One that waits, and once it was published what that gave. */
interface Foreign {
  readonly request: ForeignRequest;
  sent: SentRequest | undefined;
}

interface Inbox {
  /** With its dot: a reply subject is this and a token. */
  readonly base: string;
  readonly baseBytes: number;
  readonly entry: SubscriptionEntry;
}

/**
 * One subscription for the answers to all requests, made with the first. Our tokens are `<slot>-<generation>`, read from the
 * bytes of the subject without making a string of it; any other token belongs to a foreign request.
 */
export class Mux {
  readonly #table: SubscriptionTable;
  readonly #decode: Decode;
  readonly #prefix: string;
  readonly #slots = new Slots<Answers>();
  /** Undefined as long as there was none. */
  #foreign: Map<string, Foreign> | undefined;
  #inbox: Inbox | undefined;

  constructor(table: SubscriptionTable, decode: Decode, prefix: string) {
    this.#table = table;
    this.#decode = decode;
    this.#prefix = prefix;
  }

  /** Requests that wait. */
  get size(): number {
    return this.#slots.size + (this.#foreign?.size ?? 0);
  }

  /** The inbox with its dot; made now if there is none. */
  get base(): string {
    return this.#open().base;
  }

  open(pending: Pending): ReplyTo {
    const { base } = this.#open();
    return new Answers(pending, this.#slots, base);
  }

  addForeign(request: ForeignRequest): void {
    this.#open();
    this.#foreign ??= new Map();
    this.#foreign.set(request.token, { request, sent: undefined });
  }

  /** Publishes with `send` if this is the reply subject of a foreign request; false if it is not. */
  sendForeign(reply: string, send: () => SentRequest): boolean {
    const base = this.#inbox?.base;
    if (base === undefined || !reply.startsWith(base)) return false;
    const foreign = this.#foreign?.get(reply.slice(base.length));
    if (foreign === undefined) return false;
    foreign.sent = send();
    return true;
  }

  /** Nobody waits for it any more. */
  removeForeign(request: ForeignRequest): void {
    const foreign = this.#foreign?.get(request.token);
    if (foreign?.request !== request) return;
    this.#foreign?.delete(request.token);
    foreign.sent?.expire();
  }

  /** Everything that waits, foreign requests included. */
  pending(): Pending[] {
    return [...this.#slots.values().map((answers) => answers.pending), ...[...(this.#foreign?.values() ?? [])].map(asPending)];
  }

  #open(): Inbox {
    if (this.#inbox !== undefined) return this.#inbox;
    const base = `${createInbox(this.#prefix)}.`;
    const entry = this.#table.subscribe(`${base}*`, "", {
      message: (raw) => this.#message(raw),
      ended: () => {},
      rejected: (error) => this.#rejected(error),
    });
    this.#inbox = { base, baseBytes: new TextEncoder().encode(base).length, entry };
    return this.#inbox;
  }

  #message(raw: RawMessage): void {
    const start = raw.subjectStart + (this.#inbox?.baseBytes ?? 0);
    const answers = this.#find(raw.bytes, start, raw.subjectEnd);
    if (answers !== undefined) {
      // The text is known. Its length tells it from another spelling of the same numbers.
      if (raw.subjectEnd - raw.subjectStart === answers.reply.length) raw.subject = answers.reply;
      return answers.pending.message(this.#decode(raw));
    }
    if (this.#foreign === undefined || this.#foreign.size === 0) return;
    const token = new TextDecoder().decode(raw.bytes.subarray(start, raw.subjectEnd));
    const foreign = this.#foreign.get(token);
    if (foreign !== undefined) asPending(foreign).message(this.#decode(raw));
  }

  /** `<digits>-<digits>`, or none of ours. */
  #find(bytes: Uint8Array, start: number, end: number): Answers | undefined {
    let index = 0;
    let at = start;
    for (; at < end && bytes[at] !== DASH; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return undefined;
      index = index * 10 + digit;
    }
    if (at === start) return undefined;
    let generation = 0;
    for (at++; at < end; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return undefined;
      generation = generation * 10 + digit;
    }
    return this.#slots.get(index, generation);
  }

  /** The inbox may not be subscribed to: nobody gets an answer. The next request tries anew; permissions can change. */
  #rejected(error: Error): void {
    this.#inbox = undefined;
    for (const pending of this.pending()) pending.failed(error);
  }
}

/** Where the answers to one of our requests come in. */
class Answers implements ReplyTo {
  readonly pending: Pending;
  readonly reply: string;
  readonly #slots: Slots<Answers>;
  readonly #slot: Slot;

  constructor(pending: Pending, slots: Slots<Answers>, base: string) {
    this.pending = pending;
    this.#slots = slots;
    this.#slot = slots.add(this);
    this.reply = `${base}${this.#slot.index}-${this.#slot.generation}`;
  }

  release(): void {
    this.#slots.remove(this.#slot);
  }
}

function asPending(foreign: Foreign): Pending {
  const { request } = foreign;
  return {
    subject: request.requestSubject,
    message: (msg) => {
      const error = msg.isNoResponders ? new NoRespondersError(request.requestSubject) : null;
      request.resolver(error, msg);
    },
    failed: (error) => request.resolver(error, NO_MESSAGE),
    isHeld: () => foreign.sent === undefined || foreign.sent.isHeld(),
  };
}

const DASH = 45;
const ZERO = 48;
