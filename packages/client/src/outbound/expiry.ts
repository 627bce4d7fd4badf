import { Heap } from "../bytes/heap.ts";
import type { Runtime, Timer } from "../runtime.ts";
import type { Ages } from "./ages.ts";
import { type Place, still } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Log } from "./log.ts";
import type { Mark, Marks } from "./marks.ts";

/** Expiring waits up to this long, so that many messages need one timer, ms. */
const SLACK_MS = 20;

interface Parts {
  readonly log: Log;
  readonly ages: Ages;
  readonly marks: Marks;
  readonly endings: Endings;
}

/**
 * Ends what waits and is too old, also while there is no connection: by the connection's `maxAge`, a prefix of what waits; by a message's
 * own, that message. What is in flight on a living connection waits for its PONG.
 */
export class Expiry {
  readonly #maxAge: number;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #ages: Ages;
  readonly #marks: Marks;
  readonly #endings: Endings;
  /** Of the messages with an age of their own, who is next. Some may have ended since. */
  readonly #own = new Heap<{ readonly key: number; readonly mark: Mark }>();
  /** What waits before this place has been looked at: what is left of it has an age of its own. */
  #lookedAt: Place | undefined;
  #timer: { readonly timer: Timer; readonly due: number } | undefined;

  constructor(maxAge: number, runtime: Runtime, parts: Parts) {
    this.#maxAge = maxAge;
    this.#runtime = runtime;
    this.#log = parts.log;
    this.#ages = parts.ages;
    this.#marks = parts.marks;
    this.#endings = parts.endings;
  }

  /** A message with an age of its own was taken in. */
  add(mark: Mark): void {
    // Most end long before they expire: without this they would pile up here.
    if (this.#own.length > 64 + 2 * this.#marks.length) {
      this.#own.clear();
      for (const each of this.#marks.between(this.#log.confirmed.position, Infinity)) this.#push(each);
    } else this.#push(mark);
  }

  /** The connection ended: what was in flight may wait again. */
  rewound(now: number): void {
    const { written, sent } = this.#log;
    this.#lookedAt = undefined;
    for (const mark of this.#marks.between(written.position, sent.position)) {
      if (mark.expiresAt !== undefined && mark.expiresAt <= now) this.#end(mark);
    }
  }

  /** Ends what is too old now. */
  run(now: number): void {
    if (this.#maxAge < Infinity) this.#runPrefix(now);
    for (let first = this.#own.peek(); first !== undefined && first.key <= now; first = this.#own.peek()) {
      this.#own.pop();
      this.#end(first.mark);
    }
  }

  /** Sees to it that what waits now will expire in time. */
  arm(now: number): void {
    const due = Math.min(this.#prefixDue(), this.#own.peek()?.key ?? Infinity);
    if (due === Infinity || (this.#timer !== undefined && this.#timer.due <= due)) return;
    this.#timer?.timer.cancel();
    const timer = this.#runtime.timer(Math.max(0, due - now) + SLACK_MS / 2, () => {
      this.#timer = undefined;
      this.run(this.#runtime.now());
      this.arm(this.#runtime.now());
    });
    this.#timer = { timer, due };
  }

  /** Nothing is held any more, or nothing will be. */
  stop(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    this.#own.clear();
  }

  /** Unless it ended, or is in flight on this connection. */
  #end(mark: Mark): void {
    const { place } = mark;
    if (place.position < this.#log.written.position || !this.#log.holds(place.position)) return;
    this.#endings.held(place, this.#log.afterFrame(place), "expired");
  }

  #push(mark: Mark): void {
    if (mark.expiresAt !== undefined && mark.expiresAt < Infinity) this.#own.push({ key: mark.expiresAt, mark });
  }

  #runPrefix(now: number): void {
    const log = this.#log;
    const young = still(this.#ages.firstAfter(now - this.#maxAge) ?? log.tail());
    let from = this.#start();
    if (young.position <= from.position) return;
    this.#lookedAt = young;
    for (const mark of this.#marks.between(from.position, young.position)) {
      if (mark.expiresAt === undefined || !log.holds(mark.place.position)) continue;
      if (mark.place.position > from.position) this.#endings.held(from, mark.place, "expired");
      from = log.afterFrame(mark.place);
    }
    if (young.position > from.position) this.#endings.held(from, young, "expired");
  }

  /** Where what waits and has not been looked at begins. */
  #start(): Place {
    const { written } = this.#log;
    const lookedAt = this.#lookedAt;
    return lookedAt !== undefined && lookedAt.position > written.position ? lookedAt : still(written);
  }

  #prefixDue(): number {
    if (this.#maxAge === Infinity) return Infinity;
    const { position } = this.#start();
    if (position >= this.#log.end) return Infinity;
    return (this.#ages.timeAt(position) ?? Infinity) + this.#maxAge;
  }
}
