import { ClosedConnectionError, DrainingConnectionError, InvalidArgumentError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { ReconnectBufferFullError, type UndeliveredState } from "../../src/errors.ts";
import type { Undelivered } from "../../src/options.ts";
import type { Counts } from "../../src/outbound/counts.ts";
import type { WireFrame } from "../../src/testing/wire-reader.ts";
import { type Admission, judge } from "./schedule-admission.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import { type Entry, NEVER_SENT } from "./schedule-entry.ts";
import { Fates } from "./schedule-fates.ts";
import { type Content, differenceOnReturn, differenceOnWire, frameBytes, idOf } from "./schedule-messages.ts";

/** What a publish or request is made with. */
export interface Offer {
  readonly content: Content;
  readonly seq: number;
  readonly isRequest: boolean;
  readonly on: ServerConnection | undefined;
  readonly now: number;
}

export type Outcome = "accepted" | "refused" | "forbidden";

/** What the ledger needs of the run. */
export interface LedgerParts extends Admission {
  readonly now: () => number;
  readonly isOver: () => boolean;
  readonly fail: (what: string) => void;
}

/** Every accepted message, held against what the client counts, hands back, and what the server read. */
export class Ledger {
  readonly entries = new Map<number, Entry>();
  readonly fates: Fates;
  /** In the order in which they were handed back. */
  readonly backs: Entry[] = [];
  readonly tally: Record<UndeliveredState, number> = {
    rejected: 0,
    inDoubt: 0,
    dropped: 0,
    expired: 0,
    undeliverable: 0,
    abandoned: 0,
  };
  reads = 0;
  duplicates = 0;
  accepted = 0;
  refused = 0;
  bytes = 0;
  readonly #parts: LedgerParts;
  #lastBack: { state: UndeliveredState | undefined; now: number; seq: number } = NOTHING_BACK;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.fates = new Fates({ ...parts, entries: this.entries });
  }

  /** Runs `call`, which publishes or requests `offer`, and holds the change of the counts against the rules. */
  offer(nc: HoldfastConnection, offer: Offer, call: () => boolean | Error | undefined): Outcome {
    const { content, isRequest } = offer;
    const before = { counts: nc.outbound.counts(), held: nc.outbound.held, usable: nc.outbound.usable };
    // Before the call: a long message is handed over from inside of it.
    const entry = this.#enter(offer);
    const result = attempt(call);
    const after = { counts: nc.outbound.counts(), held: nc.outbound.held };
    const delta = {
      accepted: after.counts.accepted - before.counts.accepted,
      refused: after.counts.refused - before.counts.refused,
    };
    const bytes = frameBytes(content);
    const problem = judge(this.#parts, { before, after, result, bytes, content, isRequest, isDown: offer.on === undefined });
    if (problem !== null) this.#fail(`message ${content.id}: ${problem}`);
    if (delta.accepted === 1 && delta.refused === 0) {
      this.accepted++;
      // A message id of the client's making has a length that only the client knows.
      this.bytes = content.own.msgId ? Number.NaN : this.bytes + content.bytes.length + content.block.length;
      return "accepted";
    }
    this.entries.delete(content.id);
    this.fates.live.delete(entry);
    if (delta.accepted !== 0 || delta.refused > 1) this.#fail(`message ${content.id}: counted ${JSON.stringify(delta)}`);
    this.refused += delta.refused;
    return delta.refused === 1 ? "refused" : "forbidden";
  }

  /** A message was handed back. */
  back(message: Undelivered, now: number): void {
    const id = idOf(message.subject, message.data);
    const entry = this.entries.get(id);
    if (entry === undefined) return this.#fail(`handed back ${message.subject}, which was never accepted`);
    const { content } = entry;
    if (entry.state !== undefined) this.#fail(`message ${id} was handed back as ${entry.state} and again as ${message.state}`);
    entry.state = message.state;
    this.tally[message.state]++;
    this.#checkTurn(entry, now);
    this.backs.push(entry);
    this.fates.back(entry, message.state);
    const difference = differenceOnReturn(content, message);
    if (difference !== null) this.#fail(`message ${id} came back changed: ${difference}`);
    this.#checkFate(entry);
    const age = now - entry.time;
    if (Math.abs(message.ageMs - age) > 1) this.#fail(`message ${id} is ${age} ms old and was handed back with ${message.ageMs}`);
    if (message.state === "undeliverable" && message.error === undefined)
      this.#fail(`message ${id}: undeliverable without an error`);
  }

  /** The server has read a message whole. */
  read(frame: WireFrame, connection: ServerConnection): Entry | undefined {
    const subject = frame.args[0] ?? "";
    const id = idOf(subject, frame.payload ?? new Uint8Array(0));
    const entry = this.entries.get(id);
    if (entry === undefined) {
      this.#fail(`the server read ${subject}, which was never accepted`);
      return undefined;
    }
    if (entry.reads > 0) this.duplicates++;
    else this.reads++;
    entry.reads++;
    if (entry.reads > 1 && !entry.again)
      this.#fail(`message ${id} was read on connections ${entry.readOn?.index} and ${connection.index}`);
    entry.readOn = connection;
    if (connection.watch.handed[connection.reads.length] !== id)
      this.#fail(`message ${id} was read on connection ${connection.index} out of order`);
    connection.reads.push(entry.seq);
    const difference = differenceOnWire(entry.content, frame);
    if (difference !== null) this.#fail(`message ${id} arrived changed: ${difference}`);
    this.#checkFate(entry);
    const seen = frame.headers === null ? "" : Buffer.from(frame.headers).toString();
    entry.block ??= seen;
    if (entry.block !== seen) this.#fail(`message ${id} was sent again with other headers: ${entry.block}, then ${seen}`);
    const { block } = entry.content;
    const size = (frame.headers?.length ?? 0) + (frame.payload?.length ?? 0);
    if (!connection.limits.allow(frame.start, size, block !== "" || entry.content.own.msgId)) {
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
    const { confirmed, inFlight, inDoubt, rejected, resent } = counts;
    if (confirmed !== this.fates.confirmed) this.#fail(`confirmed ${confirmed}, and the PONGs say ${this.fates.confirmed}`);
    if (this.reads > confirmed + inFlight + inDoubt + rejected)
      this.#fail(`the server read ${this.reads}, counts are ${JSON.stringify(counts)}`);
    if (this.duplicates > resent) this.#fail(`the server read ${this.duplicates} again, and ${resent} were sent again`);
    if (!listens) return;
    this.fates.check();
    for (const [state, n] of Object.entries(this.tally)) {
      const counted = Object.entries(counts).find(([name]) => name === state)?.[1];
      if (counted !== n) this.#fail(`${counted} ended ${state}, ${n} were handed back so`);
    }
  }

  /** At the end: what was not handed back is confirmed, and was read. */
  finish(counts: Counts, listens: boolean): void {
    this.check(counts, listens);
    if (counts.inFlight + counts.buffered !== 0) this.#fail(`still held at the end: ${JSON.stringify(counts)}`);
    if (!listens) return;
    for (const entry of this.entries.values()) {
      if (entry.state === undefined && entry.reads === 0) this.#fail(`message ${entry.content.id} was confirmed and never read`);
    }
  }

  #enter({ content, seq, isRequest, on, now }: Offer): Entry {
    const { options } = this.#parts;
    const level = content.own.delivery ?? (content.never || isRequest ? "at-most-once" : options.delivery);
    const entry: Entry = {
      content,
      seq,
      isRequest,
      again: level === "at-least-once",
      // With 0 it belongs to its connection; on that it may wait.
      maxAge: content.own.maxAge || options.reconnectBuffer.maxAge,
      on,
      time: now,
      state: undefined,
      fate: "buffered",
      whole: false,
      handedOn: undefined,
      suspect: false,
      purged: false,
      ambiguous: false,
      readOn: undefined,
      reads: 0,
      block: undefined,
      over: undefined,
    };
    this.entries.set(content.id, entry);
    this.fates.live.add(entry);
    return entry;
  }

  /** What ends with its connection, or at one PONG, is handed back in order of calls; requests wait beside the log. */
  #checkTurn(entry: Entry, now: number): void {
    const { state, isRequest, again, seq } = entry;
    // Others may end one by one within a millisecond: what a dying connection gives back behind what was purged or evicted before.
    if (isRequest || again || (state !== "inDoubt" && state !== "rejected")) return;
    const before = this.#lastBack;
    const isLike = before.state === state && before.now === now;
    if (isLike && before.seq > seq) this.#fail(`message ${entry.content.id} was handed back behind a later one, both ${state}`);
    this.#lastBack = { state, now, seq };
  }

  /** What the server has read can only have ended so that it may have it. */
  #checkFate({ content, state, readOn }: Entry): void {
    if (readOn === undefined || state === undefined || !NEVER_SENT.has(state)) return;
    this.#fail(`message ${content.id} ended ${state} and was read on connection ${readOn.index}`);
  }

  #fail(what: string): void {
    this.#parts.fail(what);
  }
}

const NOTHING_BACK = { state: undefined, now: -1, seq: -1 };

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
