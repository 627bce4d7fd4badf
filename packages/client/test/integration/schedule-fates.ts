import type { UndeliveredState } from "../../src/errors.ts";
import { isFatal } from "../../src/protocol/server-error.ts";
import { type Entry, NEVER_SENT } from "./schedule-entry.ts";
import type { Announced } from "./schedule-steps.ts";
import type { Watch } from "./schedule-watch.ts";

/** What the fates need to know of everything else. */
export interface FateParts {
  readonly entries: ReadonlyMap<number, Entry>;
  readonly now: () => number;
  /** `close()` was called, or the client gave up. */
  readonly isOver: () => boolean;
  /** Everything that any INFO announced so far. */
  readonly announced: readonly Announced[];
  readonly fail: (what: string) => void;
}

/**
 * The promise of docs/DESIGN.md section 2 as a state machine of its own. It follows every message by what was handed over to the transport and
 * what arrived from the server, and never asks the client; so it knows what the client has to say, and what it may say.
 */
export class Fates {
  /** Accepted, and by what we know not ended. */
  readonly live = new Set<Entry>();
  confirmed = 0;
  /** Messages that were handed over whole more than once, and how often they were begun again. */
  resent = 0;
  begunAgain = 0;
  takenBackAgain = 0;
  /** Permission violations that matched no window. */
  ambiguous = 0;
  readonly #parts: FateParts;
  /** Ended by what we know, and not handed back yet. */
  readonly #owed = new Map<Entry, UndeliveredState>();
  /** For each subject or reply, the violations since the last PONG. */
  #violations = new Map<string, number>();
  #lastFatal: Watch | undefined;
  /** The latest call that was ever handed over whole, and the one before it: first times keep the order of calls across connections. */
  #latest = { seq: -1, before: -1 };

  constructor(parts: FateParts) {
    this.#parts = parts;
  }

  /** A message was handed over whole. */
  handed(watch: Watch, id: number): void {
    const entry = this.#parts.entries.get(id);
    if (entry === undefined) return this.#fail(`${id} was handed over, and never accepted`);
    const { content, seq, fate } = entry;
    if (fate !== "buffered" && fate !== "again") this.#fail(`message ${id} was handed over although it is ${fate}`);
    if (entry.state !== undefined) this.#fail(`message ${id} was handed over after it ended ${entry.state}`);
    if (entry.whole && !entry.again) this.#fail(`message ${id} was handed over twice`);
    if (content.bound && entry.on?.watch !== watch && fate !== "again")
      this.#fail(`message ${id} belongs to connection ${entry.on?.index}, and was handed over on ${watch.index}`);
    const before = this.#parts.entries.get(watch.handed.at(-2) ?? Number.NaN);
    if (before !== undefined && before.seq > seq)
      this.#fail(
        `message ${id} was handed over behind message ${before.content.id}, which is later, on connection ${watch.index}`,
      );
    if (entry.whole) this.resent++;
    else if (seq < this.#latest.seq) this.#fail(`message ${id} was handed over for the first time behind a later one`);
    else this.#latest = { seq, before: this.#latest.seq };
    entry.fate = "inFlight";
    entry.handedOn = watch;
  }

  /** A line has arrived from the server. */
  told(watch: Watch, line: string): void {
    if (line === "PONG") return this.#pong(watch);
    const text = /^-ERR '(.*)'$/.exec(line)?.[1] ?? "";
    const name = /^Permissions Violation for Publish (?:to|with Reply of) "(.*)"$/.exec(text)?.[1];
    if (name !== undefined) this.#violations.set(name, (this.#violations.get(name) ?? 0) + 1);
    else if (/^maximum|^parser|^unknown/i.test(text) && isFatal(text)) this.#lastFatal = watch;
  }

  /** A connection is over: what was in flight is in doubt, or waits for the next. */
  left(watch: Watch): void {
    this.#violations = new Map();
    const open = watch.handed.slice(watch.confirmed);
    const last = open.at(-1);
    const { begun } = watch;
    const alone = open.length + (begun === undefined ? 0 : 1) === 1 && this.#lastFatal === watch;
    for (const id of open) {
      const entry = this.#parts.entries.get(id);
      if (entry === undefined) continue;
      const isTakenBack = id === last && id === watch.takenBack;
      if (alone) entry.suspect = true;
      if (isTakenBack && entry.whole) this.takenBackAgain++;
      else if (isTakenBack) this.#latest = { seq: this.#latest.before, before: this.#latest.before };
      if (!isTakenBack) entry.whole = true;
      if (isTakenBack) entry.fate = entry.whole ? "again" : "buffered";
      else if (entry.again) entry.fate = "again";
      else this.#end(entry, "inDoubt");
    }
    const partly = begun === undefined ? undefined : this.#parts.entries.get(begun);
    if (partly !== undefined && alone) partly.suspect = true;
    if (partly !== undefined && partly.fate === "again") this.begunAgain++;
  }

  /** The client handed a message back. */
  back(entry: Entry, state: UndeliveredState): void {
    const { fate, content } = entry;
    this.live.delete(entry);
    const owed = this.#owed.get(entry);
    if (owed === state) {
      this.#owed.delete(entry);
      return;
    }
    const objection = this.#objection(entry, state);
    if (objection !== null) this.#fail(`message ${content.id} ended ${state}, and ${objection}`);
    if (owed !== undefined) this.#owed.delete(entry);
    entry.fate = fate === "confirmed" ? fate : NEVER_SENT.has(state) ? "buffered" : state === "rejected" ? "rejected" : "inDoubt";
  }

  /** When nothing is due: whatever has ended was handed back. */
  check(): void {
    for (const [entry, state] of this.#owed) this.#fail(`message ${entry.content.id} ended ${state}, and was not handed back`);
  }

  /** How many messages are in flight, if `attached` is the connection there is. */
  inFlight(attached: Watch | undefined): number {
    let messages = 0;
    for (const { fate } of this.live) if (fate === "inFlight" || fate === "again") messages++;
    const begun = attached?.begun;
    return begun !== undefined && this.#parts.entries.get(begun)?.fate === "buffered" ? messages + 1 : messages;
  }

  /** A message that waits although a later one was handed over on this connection. */
  skipped(watch: Watch): Entry | undefined {
    const last = this.#parts.entries.get(watch.handed.at(-1) ?? Number.NaN);
    if (last === undefined) return undefined;
    for (const entry of this.live) {
      if (entry.seq < last.seq && entry.handedOn !== watch && entry.content.id !== watch.begun) return entry;
    }
    return undefined;
  }

  #pong(watch: Watch): void {
    const from = watch.pings[watch.pongs - 2] ?? 0;
    const between = watch.handed.slice(from, watch.confirmed).flatMap((id) => this.#parts.entries.get(id) ?? []);
    const matched = new Set<string>();
    let isAmbiguous = false;
    for (const [name, count] of this.#violations) {
      const named = between.filter((entry) => namesOf(entry).includes(name)).length;
      if (named === count) matched.add(name);
      else isAmbiguous = true;
    }
    this.#violations = new Map();
    if (isAmbiguous) this.ambiguous++;
    for (const entry of between) {
      const isRejected = namesOf(entry).some((name) => matched.has(name));
      if (isRejected) this.#end(entry, "rejected");
      else this.#confirm(entry, isAmbiguous);
    }
  }

  #confirm(entry: Entry, isAmbiguous: boolean): void {
    entry.fate = "confirmed";
    entry.ambiguous = isAmbiguous;
    this.confirmed++;
    this.live.delete(entry);
  }

  #end(entry: Entry, state: "inDoubt" | "rejected"): void {
    entry.fate = state;
    this.live.delete(entry);
    this.#owed.set(entry, state);
  }

  /** Why it cannot have ended so; null if it can. */
  #objection(entry: Entry, state: UndeliveredState): string | null {
    const { fate, whole } = entry;
    if (fate === "confirmed") return "it was confirmed";
    if (fate === "inFlight") return "it is in flight";
    switch (state) {
      case "rejected":
        return entry.suspect ? null : "the server did not refuse it";
      case "inDoubt":
        if (fate !== "again") return "it was never handed over whole";
        return this.#isOver(entry) || this.#parts.isOver() || this.#isTooMuch(entry) ? null : "nothing ended it";
      case "dropped":
        return whole ? WHOLE : null;
      case "expired":
        if (whole) return WHOLE;
        return entry.content.bound || this.#isOver(entry) || (entry.isRequest && entry.over !== undefined)
          ? null
          : `is only ${this.#parts.now() - entry.time} ms old`;
      case "undeliverable":
        return whole ? WHOLE : this.#isTooMuch(entry) ? null : "every server could take it";
      case "abandoned":
        return whole ? WHOLE : entry.purged || this.#parts.isOver() ? null : "nobody gave it up";
    }
  }

  #isOver({ time, maxAge }: Entry): boolean {
    return this.#parts.now() - time >= maxAge;
  }

  #isTooMuch({ content: { block, bytes, own } }: Entry): boolean {
    const size = block.length + bytes.length + (own.msgId ? MSG_ID_BYTES : 0);
    const hasHeaders = block !== "" || own.msgId;
    return this.#parts.announced.some(({ maxPayload, headers }) => size > maxPayload || (hasHeaders && !headers));
  }

  #fail(what: string): void {
    this.#parts.fail(what);
  }
}

function namesOf({ content: { subject, reply } }: Entry): readonly string[] {
  return reply === "" || reply === null ? [subject] : [subject, reply];
}

const WHOLE = "it was handed over whole";
/** The most that a `Nats-Msg-Id` may add. */
const MSG_ID_BYTES = 100;
