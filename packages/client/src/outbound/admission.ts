import { ReconnectBufferFullError } from "../errors.ts";
import type { WhenFull } from "../options.ts";
import { Cursor, type Place } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Items } from "./items.ts";
import type { Exceeded, Limits } from "./limits.ts";
import type { Log } from "./log.ts";

/** Whether one more message fits, and what gives way if it does not. */
export class Admission {
  readonly #limits: Limits;
  readonly #whenFull: WhenFull;
  readonly #log: Log;
  readonly #items: Items;
  readonly #endings: Endings;

  constructor(limits: Limits, whenFull: WhenFull, log: Log, items: Items, endings: Endings) {
    this.#limits = limits;
    this.#whenFull = whenFull;
    this.#log = log;
    this.#items = items;
    this.#endings = endings;
  }

  get heldMessages(): number {
    return this.#log.heldFrames + this.#items.heldMessages;
  }

  get heldBytes(): number {
    return this.#log.heldBytes + this.#items.heldBytes;
  }

  /** Whether so much is held that the producer should wait. */
  get high(): boolean {
    return this.#limits.isHigh(this.heldMessages, this.heldBytes);
  }

  /**
   * Makes room for a message of `bytes` bytes. True: it is to be taken in; false: it is to be dropped (`drop-newest`, and only if
   * `droppable`). Throws `ReconnectBufferFullError` when it is refused.
   */
  admit(bytes: number, usable: boolean, droppable: boolean): boolean {
    const exceeded = this.#limits.exceeded(usable, this.heldMessages + 1, this.heldBytes + bytes);
    if (exceeded === undefined) return true;
    if (this.#isPossible(bytes, usable)) {
      if (this.#whenFull === "drop-newest" && droppable) return false;
      if (this.#whenFull === "drop-oldest" && this.#evict(bytes, usable)) return true;
    }
    throw this.#full(exceeded, bytes);
  }

  /** Refuses a message that cannot fit even when nothing else is held, before any memory is taken for it. */
  refuseHuge(bytes: number, usable: boolean): void {
    const exceeded = this.#limits.exceeded(usable, 1, bytes);
    if (exceeded !== undefined) throw this.#full(exceeded, bytes);
  }

  #isPossible(bytes: number, usable: boolean): boolean {
    return this.#limits.exceeded(usable, 1, bytes) === undefined;
  }

  /** Evicts as many of the oldest buffered frames as needed, or none if that would not do. */
  #evict(bytes: number, usable: boolean): boolean {
    const log = this.#log;
    const from = new Cursor(log.sent);
    const to = new Cursor(log.sent);
    let messages = this.heldMessages + 1;
    let total = this.heldBytes + bytes;
    // Answered before the walk: a log that is all in flight would be walked for nothing at every publish.
    const buffered = log.bufferedFrom(log.sent);
    if (this.#limits.exceeded(usable, messages - buffered.frames, total - buffered.bytes) !== undefined) return false;
    while (this.#limits.exceeded(usable, messages, total) !== undefined) {
      const frame = this.#nextLive(to);
      if (frame === undefined) return false;
      const end = log.afterFrame(frame);
      messages--;
      total -= end.position - frame.position;
      to.moveTo(end);
    }
    this.#endings.buffered(from, to, "dropped");
    return true;
  }

  #nextLive(at: Cursor): Place | undefined {
    const covering = this.#log.removed.covering(at.position);
    if (covering !== undefined) at.moveTo(covering.to);
    at.forward();
    return at.position < this.#log.end ? at : undefined;
  }

  #full(exceeded: Exceeded, bytes: number): ReconnectBufferFullError {
    const held = { messages: this.heldMessages, bytes: this.heldBytes };
    return new ReconnectBufferFullError(exceeded, this.#limits.named(exceeded), held, { messages: 1, bytes });
  }
}
