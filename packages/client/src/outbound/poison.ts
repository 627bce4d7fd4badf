import { type Place, still } from "./cursor.ts";
import type { Fences } from "./fences.ts";
import { windowedBytes, windowedMessages } from "./in-flight.ts";
import type { Items, MessageItem } from "./items.ts";
import type { Log } from "./log.ts";

/** After a fatal `-ERR` the next window is so much smaller than what was in flight: three such steps lead from 8 MiB to a single frame. */
const AFTER_COMPLAINT = 64;
/** After an end without a word, which has other causes most of the time. */
const AFTER_SILENCE = 4;
/** A window of one frame, whatever its length. */
const ONE_FRAME = 1;

/** The frame that a server ended the connection for. */
export type Culprit = { readonly kind: "frame"; readonly place: Place } | { readonly kind: "item"; readonly item: MessageItem };

/**
 * The poison rule (docs/DESIGN.md section 3), for limits of the server that no INFO announces: a frame that ends every connection it is
 * written to is found by sending fewer at a time, and set aside.
 */
export class Poison {
  readonly #log: Log;
  readonly #items: Items;
  readonly #fences: Fences;
  /** The window of the next connection, bytes; undefined for the usual one. */
  #start: number | undefined;
  /** The frame lies before this log position: so long the window stays small. Undefined: no fatal `-ERR` was read. */
  #until: number | undefined;
  #complaint: Error | undefined;

  constructor(parts: { log: Log; items: Items; fences: Fences }) {
    this.#log = parts.log;
    this.#items = parts.items;
    this.#fences = parts.fences;
  }

  /** The window that the next connection begins with; undefined for the usual one. */
  get start(): number | undefined {
    return this.#start;
  }

  /** The server said that something we sent broke a limit or the protocol: it ends the connection. */
  complained(error: Error): void {
    this.#complaint ??= error;
  }

  /** The server goes on, although it said that it would not. */
  goesOn(): void {
    this.#complaint = undefined;
  }

  /** A fence behind messages was confirmed. True: the connection needs no small window any more. */
  confirmed(): boolean {
    if (this.#start === undefined || this.#log.confirmed.position < (this.#until ?? 0)) return false;
    this.#start = undefined;
    this.#until = undefined;
    return true;
  }

  /** The connection ended, and nothing was put back yet. The culprit, if it is known now. */
  ended(): { culprit: Culprit; error: Error } | undefined {
    const error = this.#complaint;
    this.#complaint = undefined;
    if (error === undefined) {
      if (this.#fences.unanswered) this.#shrink(AFTER_SILENCE);
      return undefined;
    }
    const messages = windowedMessages(this.#log, this.#items);
    // The first time it may also have been something beside the messages.
    const alone = this.#until !== undefined && messages === 1;
    // One with nothing in flight says nothing about messages. Otherwise these are the first of those that were in flight before, so the
    // frame is among them: what lies behind them need not go in small windows.
    if (messages > 0 || this.#until === undefined) this.#until = this.#log.written.position;
    this.#shrink(AFTER_COMPLAINT);
    return alone ? { culprit: this.#onlyOne(), error } : undefined;
  }

  /** Until a fence is confirmed the window only shrinks. */
  #shrink(divisor: number): void {
    const part = windowedBytes(this.#log, this.#items) / divisor;
    this.#start = Math.max(ONE_FRAME, Math.min(this.#start ?? Infinity, part));
  }

  #onlyOne(): Culprit {
    const item = this.#items.firstInFlight;
    return item === undefined ? { kind: "frame", place: still(this.#log.confirmed) } : { kind: "item", item };
  }
}
