import { type Amount, ReconnectBufferFullError } from "../errors.ts";
import type { WhenFull } from "../options.ts";
import type { Backpressure } from "./backpressure.ts";
import { Cursor, type Place } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Items } from "./items.ts";
import type { Exceeded, Limits } from "./limits.ts";
import type { Log } from "./log.ts";

/** `reserved`: it may use the reserve, and is never refused. `request`: it may use the reserve. */
export type AdmissionKind = "plain" | "reserved" | "request";

interface Parts {
  readonly limits: Limits;
  readonly log: Log;
  readonly items: Items;
  readonly endings: Endings;
  readonly backpressure: Backpressure;
}

/** Whether one more message fits, and what gives way if it does not. */
export class Admission {
  readonly #limits: Limits;
  readonly #whenFull: WhenFull;
  readonly #log: Log;
  readonly #items: Items;
  readonly #endings: Endings;
  readonly #backpressure: Backpressure;
  /**
   * Up to this position and this number of frames `isFree()` is true: it was so when they were last computed, and since then no message beside
   * the log was taken in, so that only what the log appends can have made more of what is held.
   */
  #freeEnd = 0;
  #freeIndex = 0;
  #freeSeq = 0;

  constructor(whenFull: WhenFull, parts: Parts) {
    this.#whenFull = whenFull;
    this.#limits = parts.limits;
    this.#log = parts.log;
    this.#items = parts.items;
    this.#endings = parts.endings;
    this.#backpressure = parts.backpressure;
  }

  /** Everything accepted that has not ended. */
  get held(): Amount {
    return { messages: this.heldMessages, bytes: this.heldBytes };
  }

  get heldMessages(): number {
    return this.#log.heldFrames + this.#items.heldMessages;
  }

  get heldBytes(): number {
    return this.#log.heldBytes + this.#items.heldBytes;
  }

  /**
   * Whether a message of `bytes` bytes is to be taken in with no more ado: with it less is held than any limit minds, and than producers
   * need to be told. Most publishes need only this look.
   */
  isFree(bytes: number): boolean {
    const { end, endIndex } = this.#log;
    const seen = this.#items.lastSeq === this.#freeSeq && end + bytes <= this.#freeEnd && endIndex < this.#freeIndex;
    return seen || this.#lookAgain(bytes);
  }

  /**
   * Makes room for a message of `bytes` bytes. True: it is to be taken in; false: it is to be dropped. Throws `ReconnectBufferFullError` when
   * it is refused. `request`: as `reserved`, but somebody waits for its answer, so it is refused where others would be dropped.
   */
  admit(bytes: number, usable: boolean, kind: AdmissionKind): boolean {
    const { heldMessages, heldBytes } = this;
    const exceeded = this.#limits.exceeded(usable, heldMessages + 1, heldBytes + bytes);
    if (exceeded === undefined) return true;
    if (kind !== "plain" && this.#limits.exceededWithReserve(usable, heldMessages + 1, heldBytes + bytes) === undefined)
      return true;
    const possible = this.#limits.exceeded(usable, 1, bytes) === undefined;
    if (possible && this.#whenFull === "drop-oldest" && this.#evict(bytes, usable)) {
      this.#backpressure.full(false, usable);
      return true;
    }
    const dropped = kind === "reserved" || (kind === "plain" && possible && this.#whenFull === "drop-newest");
    this.#backpressure.full(!dropped, usable);
    if (dropped) return false;
    throw this.#full(exceeded, bytes);
  }

  /** Refuses a message that cannot fit even when nothing else is held, before any memory is taken for it. */
  refuseHuge(bytes: number, usable: boolean, kind: AdmissionKind): void {
    if (kind === "reserved") return;
    const exceeded =
      kind === "plain" ? this.#limits.exceeded(usable, 1, bytes) : this.#limits.exceededWithReserve(usable, 1, bytes);
    if (exceeded === undefined) return;
    this.#backpressure.full(true, usable);
    throw this.#full(exceeded, bytes);
  }

  #lookAgain(bytes: number): boolean {
    const { messages, bytes: most } = this.#limits.free;
    this.#freeEnd = this.#log.end - this.heldBytes + most;
    this.#freeIndex = this.#log.endIndex - this.heldMessages + Math.floor(messages);
    this.#freeSeq = this.#items.lastSeq;
    return this.#log.end + bytes <= this.#freeEnd && this.#log.endIndex < this.#freeIndex;
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
    this.#endings.removed(from, to, "dropped");
    return true;
  }

  #nextLive(at: Cursor): Place | undefined {
    const covering = this.#log.removed.covering(at.position);
    if (covering !== undefined) at.moveTo(covering.to);
    at.forward();
    return at.position < this.#log.end ? at : undefined;
  }

  #full(exceeded: Exceeded, bytes: number): ReconnectBufferFullError {
    return new ReconnectBufferFullError(exceeded, this.#limits.named(exceeded), this.held, { messages: 1, bytes });
  }
}
