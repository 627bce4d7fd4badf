import { ClosedConnectionError } from "@nats-io/nats-core";
import { FlushError, type UndeliveredState } from "../errors.ts";
import { noneEnded } from "./counts.ts";

/** Log frames by index, and messages beside the log by number: from (inclusive) to (exclusive). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A caller that waits for the PONG of a PING behind everything called before it. */
interface Waiter {
  readonly position: number;
  readonly frames: Span;
  readonly items: Span;
  readonly lost: Record<UndeliveredState, number>;
  /** `flush()` wants to know what became of the messages; a round trip does not. */
  readonly strict: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The flushes that wait: for their position to be written, then for their PONG; across connections, until one comes. */
export class Flushes {
  /** Ordered by position. */
  #waiting: Waiter[] = [];
  #asked: Waiter[] = [];

  /** Waits behind `position`. `frames` and `items` are the messages held at the call. */
  add(position: number, frames: Span, items: Span, strict: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ position, frames, items, lost: noneEnded(), strict, resolve, reject });
    });
  }

  /** Whether somebody waits for a fence at `position` or before. */
  isDue(position: number): boolean {
    const first = this.#waiting[0];
    return first !== undefined && first.position <= position;
  }

  /** A fence goes out at `position`: what its PONG settles, or nothing. */
  ask(position: number): (() => void) | undefined {
    const asked = this.#waiting.filter((waiter) => waiter.position <= position);
    if (asked.length === 0) return undefined;
    this.#waiting = this.#waiting.slice(asked.length);
    this.#asked.push(...asked);
    return () => this.#settle(asked);
  }

  /** Log frames `span` ended in `state`. */
  framesEnded(state: UndeliveredState, span: Span): void {
    this.#each((waiter) => {
      waiter.lost[state] += overlap(waiter.frames, span);
    });
  }

  /** The message beside the log with this number ended in `state`. */
  itemEnded(state: UndeliveredState, item: number): void {
    this.#each((waiter) => {
      waiter.lost[state] += overlap(waiter.items, { from: item, to: item + 1 });
    });
  }

  /** The connection ended before the PONGs came: they wait for the next one. */
  detached(): void {
    this.#waiting = [...this.#asked, ...this.#waiting];
    this.#asked = [];
  }

  /** No connection will come any more. */
  end(): void {
    const waiters = [...this.#asked, ...this.#waiting];
    this.#asked = [];
    this.#waiting = [];
    for (const waiter of waiters) settle(waiter, new ClosedConnectionError());
  }

  #settle(waiters: readonly Waiter[]): void {
    // PONGs come in order, so these are the first that were asked for.
    this.#asked = this.#asked.slice(waiters.length);
    for (const waiter of waiters) settle(waiter);
  }

  #each(visit: (waiter: Waiter) => void): void {
    this.#asked.forEach(visit);
    this.#waiting.forEach(visit);
  }
}

function settle(waiter: Waiter, otherwise?: Error): void {
  const lost = Object.entries(waiter.lost).some(([state, messages]) => state !== "rejected" && messages > 0);
  if (waiter.strict && lost) waiter.reject(new FlushError(waiter.lost));
  else if (waiter.strict && otherwise !== undefined) waiter.reject(otherwise);
  else waiter.resolve();
}

function overlap(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}
