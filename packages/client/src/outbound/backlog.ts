import type { Amount } from "../errors.ts";
import type { Runtime, Timer } from "../runtime.ts";
import type { OutboundEvent } from "./events.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Writer } from "./writer.ts";

/** Up to this share of `backlogDelay` is added at random, so that a fleet does not come back at once. */
const JITTER = 0.5;

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly writer: Writer;
}

/** What waits when a connection begins: it may have to wait some more, and there is something to tell when it begins and when it is gone. */
export class Backlog {
  readonly #delay: number;
  readonly #runtime: Runtime;
  readonly #parts: Parts;
  readonly #event: (event: OutboundEvent) => void;
  readonly #wake: () => void;
  /** Where it ends, and since when it goes out. */
  #going: { readonly end: number; readonly itemSeq: number; readonly messages: number; readonly since: number } | undefined;
  #timer: Timer | undefined;

  /**
   * @param delay `backlogDelay`, ms
   * @param wake called when it may go
   */
  constructor(delay: number, runtime: Runtime, parts: Parts, event: (event: OutboundEvent) => void, wake: () => void) {
    this.#delay = delay;
    this.#runtime = runtime;
    this.#parts = parts;
    this.#event = event;
    this.#wake = wake;
  }

  /** A connection, and what is held now waits for it. */
  attached(held: Amount): void {
    if (held.messages === 0) return;
    if (this.#delay === 0) {
      this.#begin(held);
      return;
    }
    this.#parts.writer.hold("backlog");
    this.#timer = this.#runtime.timer(this.#delay * (1 + JITTER * this.#runtime.random()), () => this.hurry());
  }

  /** It goes now if it had to wait. */
  hurry(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    const { log, items, writer } = this.#parts;
    writer.release("backlog");
    this.#begin({ messages: log.heldFrames + items.heldMessages, bytes: log.heldBytes + items.heldBytes });
    this.#wake();
  }

  /** Something ended: all of it may have. */
  check(): void {
    const going = this.#going;
    if (going === undefined) return;
    const { log, items } = this.#parts;
    if (log.confirmed.position < going.end || items.holdsUpTo(going.itemSeq)) return;
    this.#going = undefined;
    this.#event({ type: "backlogEnd", messages: going.messages, ms: this.#runtime.now() - going.since });
  }

  detached(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#going = undefined;
  }

  #begin({ messages, bytes }: Amount): void {
    if (messages === 0) return;
    const { log, items } = this.#parts;
    this.#going = { end: log.end, itemSeq: items.lastSeq, messages, since: this.#runtime.now() };
    this.#event({ type: "backlogStart", messages, bytes });
  }
}
