import { ClosedConnectionError, DrainingConnectionError, InvalidArgumentError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { ReconnectBufferFullError, type UndeliveredState } from "../../src/errors.ts";
import type { Undelivered } from "../../src/options.ts";
import type { Counts } from "../../src/outbound/counts.ts";
import type { WireFrame } from "../../src/testing/wire-reader.ts";
import { type Admission, judge } from "./schedule-admission.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import { type Content, differenceOnReturn, differenceOnWire, frameBytes, idOf } from "./schedule-messages.ts";

/** One accepted message and what became of it. */
export interface Entry {
  readonly content: Content;
  /** The number of the call. */
  readonly seq: number;
  readonly isRequest: boolean;
  /** The connection it was published on; undefined while there was none. */
  readonly on: ServerConnection | undefined;
  readonly time: number;
  /** How it was handed back. */
  state: UndeliveredState | undefined;
  /** The connection on which the server read it. */
  readOn: ServerConnection | undefined;
  /** It was handed over whole on a connection that ended before it was confirmed. */
  doubtful: boolean;
  /** A request whose deadline has passed: nothing of it may be handed over from this byte of this connection on. */
  over: { readonly connection: number; readonly byte: number } | undefined;
}

/** What a publish or request is made with. */
export interface Offer {
  readonly content: Content;
  readonly seq: number;
  readonly isRequest: boolean;
  readonly on: ServerConnection | undefined;
  readonly now: number;
}

export type Outcome = "accepted" | "refused" | "forbidden";

const NEVER_SENT: readonly UndeliveredState[] = ["dropped", "expired", "undeliverable", "abandoned"];

/** Every accepted message, held against what the client counts, hands back, and what the server read. */
export class Ledger {
  readonly entries = new Map<number, Entry>();
  /** In the order in which they were handed back. */
  readonly backs: number[] = [];
  readonly tally: Record<UndeliveredState, number> = {
    rejected: 0,
    inDoubt: 0,
    dropped: 0,
    expired: 0,
    undeliverable: 0,
    abandoned: 0,
  };
  reads = 0;
  accepted = 0;
  refused = 0;
  bytes = 0;
  readonly #fail: (what: string) => void;
  readonly #admission: Admission;
  #lastRead: { connection: number; seq: number } = { connection: -1, seq: -1 };

  constructor(admission: Admission, fail: (what: string) => void) {
    this.#admission = admission;
    this.#fail = fail;
  }

  /** Runs `call`, which publishes or requests `offer`, and holds the change of the counts against the rules. */
  offer(nc: HoldfastConnection, offer: Offer, call: () => boolean | Error | undefined): Outcome {
    const { content, seq, isRequest, on } = offer;
    const before = { counts: nc.outbound.counts(), held: nc.outbound.held, usable: nc.outbound.usable };
    const result = attempt(call);
    const after = { counts: nc.outbound.counts(), held: nc.outbound.held };
    const delta = {
      accepted: after.counts.accepted - before.counts.accepted,
      refused: after.counts.refused - before.counts.refused,
    };
    const bytes = frameBytes(content);
    const problem = judge(this.#admission, { before, after, result, bytes, bound: content.bound, isRequest });
    if (problem !== null) this.#fail(`message ${content.id}: ${problem}`);
    if (delta.accepted === 1 && delta.refused === 0) {
      this.accepted++;
      this.bytes += content.bytes.length + content.block.length;
      const fate = { state: undefined, readOn: undefined, doubtful: false, over: undefined };
      this.entries.set(content.id, { content, seq, isRequest, on, time: offer.now, ...fate });
      return "accepted";
    }
    if (delta.accepted !== 0 || delta.refused > 1) this.#fail(`message ${content.id}: counted ${JSON.stringify(delta)}`);
    this.refused += delta.refused;
    return delta.refused === 1 ? "refused" : "forbidden";
  }

  /** A message was handed back. */
  back(message: Undelivered, now: number): void {
    const id = idOf(message.subject);
    const entry = this.entries.get(id);
    if (entry === undefined) return this.#fail(`handed back ${message.subject}, which was never accepted`);
    const { content } = entry;
    if (entry.state !== undefined) this.#fail(`message ${id} was handed back as ${entry.state} and again as ${message.state}`);
    entry.state = message.state;
    this.tally[message.state]++;
    this.backs.push(id);
    const difference = differenceOnReturn(content, message);
    if (difference !== null) this.#fail(`message ${id} came back changed: ${difference}`);
    this.#checkFate(entry);
    const age = now - entry.time;
    if (Math.abs(message.ageMs - age) > 1) this.#fail(`message ${id} is ${age} ms old and was handed back with ${message.ageMs}`);
    if (message.state === "expired" && !this.#mayExpire(entry, age)) this.#fail(`message ${id} expired after ${age} ms`);
    if (message.state === "undeliverable" && message.error === undefined)
      this.#fail(`message ${id}: undeliverable without an error`);
  }

  /** The server has read a message whole. */
  read(frame: WireFrame, connection: ServerConnection): Entry | undefined {
    const subject = frame.args[0] ?? "";
    const id = idOf(subject);
    const entry = this.entries.get(id);
    if (entry === undefined) {
      this.#fail(`the server read ${subject}, which was never accepted`);
      return undefined;
    }
    if (entry.readOn !== undefined)
      this.#fail(`message ${id} was read on connections ${entry.readOn.index} and ${connection.index}`);
    this.reads++;
    entry.readOn = connection;
    connection.reads.push(entry.seq);
    const difference = differenceOnWire(entry.content, frame);
    if (difference !== null) this.#fail(`message ${id} arrived changed: ${difference}`);
    this.#checkFate(entry);
    this.#checkOrder(entry, connection);
    const { bound, block, bytes } = entry.content;
    if (bound && entry.on !== connection)
      this.#fail(`message ${id} belongs to ${entry.on?.index} and was read on ${connection.index}`);
    if (!connection.limits.allow(frame.start, block.length + bytes.length, block !== "")) {
      this.#fail(`message ${id} was sent to a server that cannot take it`);
    }
    const { over } = entry;
    const late =
      over !== undefined &&
      (connection.index > over.connection || (connection.index === over.connection && frame.start >= over.byte));
    if (late) this.#fail(`request ${id} was sent after its deadline`);
    return entry;
  }

  /** After each step, when nothing is due: everything that has ended is handed back. */
  check(counts: Counts, listens: boolean): void {
    if (counts.accepted !== this.accepted) this.#fail(`accepted ${counts.accepted}, not ${this.accepted}`);
    if (counts.refused !== this.refused) this.#fail(`refused ${counts.refused}, not ${this.refused}`);
    const { confirmed, inFlight, inDoubt } = counts;
    if (confirmed > this.reads) this.#fail(`confirmed ${confirmed}, and the server read ${this.reads}`);
    if (this.reads > confirmed + inFlight + inDoubt)
      this.#fail(`the server read ${this.reads}, counts are ${JSON.stringify(counts)}`);
    if (!listens) return;
    for (const [state, n] of Object.entries(this.tally)) {
      const counted = Object.entries(counts).find(([name]) => name === state)?.[1];
      if (counted !== n) this.#fail(`${counted} ended ${state}, ${n} were handed back so`);
    }
  }

  /**
   * The client has left a connection on which `confirmed` messages were confirmed: everything else that was handed over whole there is in
   * doubt, but for what it took back.
   */
  checkEnd(connection: ServerConnection, confirmed: number): void {
    const { handed, takenBack } = connection.watch;
    for (const [nth, id] of handed.entries()) {
      const entry = this.entries.get(id);
      if (entry === undefined) return this.#fail(`${id} was handed over, and never accepted`);
      const isConfirmed = nth < confirmed;
      if (id === takenBack && nth === handed.length - 1) {
        // It may be in doubt on a later connection.
        const isWrong = !isConfirmed && entry.state === "inDoubt" && !entry.doubtful;
        if (isWrong) this.#fail(`message ${id} is in doubt, and never was handed over whole`);
        return;
      }
      const state = isConfirmed ? undefined : "inDoubt";
      if (entry.state !== state) this.#fail(`message ${id} ended ${entry.state} on connection ${connection.index}, not ${state}`);
      entry.doubtful = !isConfirmed;
    }
  }

  /** At the end: what was not handed back is confirmed, and was read. */
  finish(counts: Counts, listens: boolean): void {
    this.check(counts, listens);
    if (counts.inFlight + counts.buffered !== 0) this.#fail(`still held at the end: ${JSON.stringify(counts)}`);
    if (!listens) return;
    for (const entry of this.entries.values()) {
      if (entry.state === undefined && entry.readOn === undefined)
        this.#fail(`message ${entry.content.id} was confirmed and never read`);
    }
  }

  #checkFate({ content, state, readOn }: Entry): void {
    if (readOn === undefined || state === undefined || !NEVER_SENT.includes(state)) return;
    this.#fail(`message ${content.id} ended ${state} and was read on connection ${readOn.index}`);
  }

  /** Nothing is sent twice, so the order holds across connections too; but one that was cut by FIN is read whenever the server likes. */
  #checkOrder({ content: { id }, seq }: Entry, connection: ServerConnection): void {
    const before = connection.reads.at(-2) ?? -1;
    if (before > seq) this.#fail(`message ${id} was read behind a later one on connection ${connection.index}`);
    const last = this.#lastRead;
    if (connection.index < last.connection) return;
    if (last.seq > seq) this.#fail(`message ${id} was read on connection ${connection.index}, a later one on ${last.connection}`);
    this.#lastRead = { connection: connection.index, seq };
  }

  #mayExpire({ content, isRequest, over }: Entry, age: number): boolean {
    return content.bound || age >= this.#admission.maxAge || (isRequest && over !== undefined);
  }
}

function attempt(call: () => boolean | Error | undefined): boolean | Error | undefined {
  try {
    return call();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Errors that say no without being counted. */
export function isForbidden(error: unknown): boolean {
  return error instanceof ClosedConnectionError || error instanceof DrainingConnectionError;
}

/** Errors of a refusal, which is counted. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ReconnectBufferFullError || error instanceof InvalidArgumentError;
}
