import { ClosedConnectionError } from "@nats-io/nats-core";
import { LazySet } from "../bytes/lazy-set.ts";
import { FlushError, type UndeliveredState } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { noneEnded } from "./counts.ts";
import { checkPatience, limitWait, type Patience } from "./patience.ts";

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
  readonly reject: (reason: unknown) => void;
  /** Stops its timer, and takes its listener off the signal. */
  stop: (() => void) | undefined;
}

/** The flushes that wait: for their position to be written, then for their PONG; across connections, until one comes. */
export class Flushes {
  readonly #runtime: Runtime;
  /** Ordered by position. */
  readonly #waiting = new LazySet<Waiter>();
  /** A group for each PING that is to settle some, in order; one whose waiters all gave up is empty until its PONG. */
  readonly #asked = new LazySet<Set<Waiter>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** How many wait. */
  get waiting(): number {
    let waiting = this.#waiting.size;
    for (const group of this.#asked) waiting += group.size;
    return waiting;
  }

  /**
   * Waits behind `position`. `frames` and `items` are the messages held at the call. When patience ends, the wait rejects and is forgotten;
   * a PING that was due by then goes all the same. Rejects with `InvalidArgumentError` for a patience that makes no sense.
   */
  add(position: number, frames: Span, items: Span, strict: boolean, patience?: Patience): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { position, frames, items, lost: noneEnded(), strict, resolve, reject, stop: undefined };
      if (patience !== undefined) {
        checkPatience(patience);
        if (patience.signal?.aborted) return reject(patience.signal.reason);
        waiter.stop = limitWait(patience, this.#runtime, (reason) => this.#giveUp(waiter, reason));
      }
      this.#waiting.add(waiter);
    });
  }

  /** Whether somebody waits for a fence at `position` or before. */
  isDue(position: number): boolean {
    if (this.#waiting.size === 0) return false;
    for (const first of this.#waiting) return first.position <= position;
    return false;
  }

  /** A fence goes out at `position`: what its PONG settles, or nothing. */
  ask(position: number): (() => void) | undefined {
    if (!this.isDue(position)) return undefined;
    const group = new Set<Waiter>();
    for (const waiter of this.#waiting) {
      if (waiter.position > position) break;
      this.#waiting.delete(waiter);
      group.add(waiter);
    }
    this.#asked.add(group);
    return () => this.#settle(group);
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
    if (this.#asked.size === 0) return;
    const all = [...this.#asked].flatMap((group) => [...group]).concat([...this.#waiting]);
    this.#asked.clear();
    this.#waiting.clear();
    for (const waiter of all) this.#waiting.add(waiter);
  }

  /** No connection will come any more. */
  end(): void {
    this.detached();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const waiter of waiting) settle(waiter, new ClosedConnectionError());
  }

  #settle(group: Set<Waiter>): void {
    this.#asked.delete(group);
    for (const waiter of group) settle(waiter);
  }

  #giveUp(waiter: Waiter, reason: unknown): void {
    if (!this.#waiting.delete(waiter)) for (const group of this.#asked) group.delete(waiter);
    waiter.reject(reason);
  }

  #each(visit: (waiter: Waiter) => void): void {
    for (const group of this.#asked) group.forEach(visit);
    for (const waiter of this.#waiting) visit(waiter);
  }
}

function settle(waiter: Waiter, otherwise?: Error): void {
  waiter.stop?.();
  const lost = Object.entries(waiter.lost).some(([state, messages]) => state !== "rejected" && messages > 0);
  if (waiter.strict && lost) waiter.reject(new FlushError(waiter.lost));
  else if (waiter.strict && otherwise !== undefined) waiter.reject(otherwise);
  else waiter.resolve();
}

function overlap(a: Span, b: Span): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}
