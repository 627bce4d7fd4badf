import { Queue } from "../bytes/queue.ts";
import type { Runtime, Timer } from "../runtime.ts";
import { type Place, still } from "./cursor.ts";
import type { Flushes } from "./flushes.ts";
import { windowedBytes } from "./in-flight.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Window, WindowFence } from "./window.ts";

const NOTHING_WANTED = { first: Infinity, last: 0 };

/** A PING at a frame boundary: its PONG confirms everything handed over before it. */
export interface Fence extends WindowFence {
  /** Log frames before this place are confirmed by it. */
  readonly place: Place;
  /** Messages beside the log up to this number are confirmed by it. */
  readonly itemSeq: number;
  stopped: boolean;
  /** Run at the PONG. */
  readonly onPong: readonly (() => void)[];
}

/**
 * The PINGs of this connection: when one is due, and those that wait for their PONG, which come back in order. User flushes, round trips and
 * the heartbeat share the list.
 */
export class Fences {
  readonly #log: Log;
  readonly #items: Items;
  readonly #flushes: Flushes;
  readonly #window: Window;
  readonly #runtime: Runtime;
  readonly #delay: number;
  readonly #wake: () => void;
  readonly #outstanding = new Queue<Fence>();
  /** Log positions behind which somebody wants a fence at once: the first without one, and the last. */
  #wanted = NOTHING_WANTED;
  #pings: (() => void)[] = [];
  #lastAt = -Infinity;
  #handedOver = 0;
  #fencedAt = 0;
  #confirmedAt = 0;
  /** The end of the last frame of the log handed over on this connection. */
  #place: Place | undefined;
  #forced = false;
  #leads = false;
  #timer: Timer | undefined;

  /**
   * @param delay `fenceDelay`, ms
   * @param wake called when a fence became due by time alone
   */
  constructor(
    parts: { log: Log; items: Items; flushes: Flushes; window: Window },
    runtime: Runtime,
    delay: number,
    wake: () => void,
  ) {
    this.#log = parts.log;
    this.#items = parts.items;
    this.#flushes = parts.flushes;
    this.#window = parts.window;
    this.#runtime = runtime;
    this.#delay = delay;
    this.#wake = wake;
  }

  /** PINGs whose PONG has not come. */
  get outstanding(): number {
    return this.#outstanding.length;
  }

  /** Message bytes handed over on this connection. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /** Whether messages were handed over on this connection and none was confirmed. */
  get unanswered(): boolean {
    return this.#handedOver > 0 && this.#confirmedAt === 0;
  }

  /** Message bytes from what is confirmed to the first fence that is outstanding, or to the last byte handed over. */
  get ahead(): number {
    return (this.#outstanding.peek()?.handedOver ?? this.#handedOver) - this.#confirmedAt;
  }

  /** Message bytes that may still be handed over before a fence is due. */
  get room(): number {
    return this.#window.quarter - (this.#handedOver - this.#fencedAt);
  }

  /** Message bytes were handed over; frames of the log up to `place`. */
  passed(bytes: number, place?: Place): void {
    this.#handedOver += bytes;
    if (place !== undefined) this.#place = place;
  }

  /** A PING that somebody asked for, at the next frame boundary. */
  ask(onPong: () => void): void {
    this.#pings.push(onPong);
  }

  /** A fence as soon as everything before this position is handed over. */
  want(position: number): void {
    this.#wanted = { first: Math.min(this.#wanted.first, position), last: position };
  }

  /** A fence is due now, however little was handed over. */
  force(): void {
    this.#forced = true;
  }

  /** A fence goes out before anything else: with no more in flight than now its round trip is the base of the window. */
  renew(): void {
    this.#forced = true;
    this.#leads = true;
  }

  /** Whether the next thing to go is a fence. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Whether so many bytes more would make the way from the last fence longer than a quarter of the window. */
  isExceededBy(bytes: number): boolean {
    return this.#handedOver > this.#fencedAt && bytes > this.room;
  }

  /** The window stopped the writer. What lies behind the last fence gets one of its own: only a PONG opens the window. */
  stopped(): void {
    const last = this.#outstanding.last();
    if (this.#handedOver > this.#fencedAt) this.#forced = true;
    else if (last !== undefined) last.stopped = true;
  }

  isDue(now: number): boolean {
    // Written behind a frame that may end the connection, even a PING could meet the reset that hides why.
    if (this.#window.probing && this.#handedOver === this.#fencedAt && this.#outstanding.length > 0) return false;
    if (this.#pings.length > 0 || this.#forced) return true;
    if (this.#flushes.isDue(this.#flushable())) return true;
    if (this.#wanted.first <= this.#log.written.position) return true;
    if (this.#handedOver === this.#fencedAt) return false;
    return this.room <= 0 || now - this.#lastAt >= this.#delay;
  }

  /** A PING goes out behind everything handed over so far. */
  push(now: number): void {
    const { written, confirmed } = this.#log;
    const settle = this.#flushes.ask(this.#flushable());
    const bytes = windowedBytes(this.#log, this.#items);
    this.#outstanding.push({
      // Not `written`, which may have skipped frames that ended: those are no part of what the PONG confirms.
      place: this.#place ?? still(confirmed),
      itemSeq: this.#items.handedOverSeq,
      time: now,
      inFlight: bytes,
      alone: bytes > 0 && written.index - confirmed.index + this.#items.inFlightMessages === 1,
      handedOver: this.#handedOver,
      stopped: false,
      onPong: settle === undefined ? this.#pings : [...this.#pings, settle],
    });
    this.#pings = [];
    this.#lastAt = now;
    this.#fencedAt = this.#handedOver;
    const { last } = this.#wanted;
    // Those in between are not kept one by one: a fence behind each run of frames serves them all.
    if (last !== 0) this.#wanted = last > written.position ? { first: written.position + 1, last } : NOTHING_WANTED;
    this.#forced = false;
    this.#leads = false;
    this.#cancelTimer();
  }

  /** The fence that a PONG answers; it is confirmed now. */
  shift(): Fence | undefined {
    const fence = this.#outstanding.shift();
    if (fence !== undefined) this.#confirmedAt = fence.handedOver;
    return fence;
  }

  /** Sees to it that what was handed over gets its fence in time. */
  arm(now: number): void {
    if (this.#timer !== undefined || this.#forced || this.#handedOver === this.#fencedAt) return;
    this.#timer = this.#runtime.timer(Math.max(0, this.#lastAt + this.#delay - now), () => {
      this.#timer = undefined;
      this.#forced = true;
      this.#wake();
    });
  }

  /** The connection began. */
  attached(): void {
    this.#lastAt = -Infinity;
    this.#handedOver = 0;
    this.#fencedAt = 0;
    this.#confirmedAt = 0;
    this.#place = undefined;
  }

  /** The connection ended: no PONG will come. */
  detached(): void {
    this.#outstanding.clear();
    this.#pings = [];
    this.#forced = false;
    this.#leads = false;
    this.#cancelTimer();
  }

  /** A flush called at this position or before has everything called before it handed over: frames, SUBs and UNSUBs. */
  #flushable(): number {
    const written = this.#log.written.position;
    const next = this.#items.peek();
    return next === undefined || next.spot.position > written ? written : next.spot.position - 1;
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
