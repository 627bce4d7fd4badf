import { LazySet } from "../bytes/lazy-set.ts";
import { Queue } from "../bytes/queue.ts";
import type { UndeliveredState } from "../errors.ts";
import { decodeFrame } from "../protocol/frame.ts";
import type { Runtime, Timer } from "../runtime.ts";
import type { Ages } from "./ages.ts";
import { type EndedMessage, EndedRun, endedMessage } from "./ended-message.ts";
import type { OutboundEvent } from "./events.ts";
import type { Leftovers } from "./leftovers.ts";
import type { LiveRun, Log } from "./log.ts";
import type { Slab } from "./slab.ts";

export type { EndedMessage };

/** The most messages in one call of the listener. */
const BATCH = 256;
/** Handing back gives way to the event loop after this long, ms. */
const TURN_MS = 5;

export interface OutboundHandlers {
  /** `null`: nobody listens now (it is asked each time); ended messages are counted and released. */
  readonly undelivered: ((batch: readonly EndedMessage[]) => void | Promise<void>) | null;
  /** What `undelivered` threw or rejected with. */
  readonly undeliveredFailed: (error: unknown) => void;
  /** The stall rule gave the connection up after `ms` of running time: it is to be reset now. */
  readonly stalled: (ms: number) => void;
  /** What `nc.outbound.events()` tells. */
  readonly event: (event: OutboundEvent) => void;
}

/** Frames of the log that wait to be handed back, or a single message that never was in the log. */
type Entry = { readonly kind: "run"; readonly run: EndedRun } | { readonly kind: "message"; readonly message: EndedMessage };

/** Hands ended messages to the listener: in order, after their state has changed, never from inside a call of the user's. */
export class Handback {
  readonly #handlers: OutboundHandlers;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #ages: Ages;
  readonly #entries = new Queue<Entry>();
  readonly #listening = new LazySet<Promise<void>>();
  /** How old the frame at a position is, ms. */
  readonly #ageAt = (position: number): number => {
    const now = this.#runtime.now();
    return now - (this.#ages.timeAt(position) ?? now);
  };
  #scheduled = false;
  #idle: (() => void)[] = [];
  /** Takes what ends from `closing()` on. */
  #leftovers: Leftovers | undefined;

  constructor(handlers: OutboundHandlers, runtime: Runtime, log: Log, ages: Ages) {
    this.#handlers = handlers;
    this.#runtime = runtime;
    this.#log = log;
    this.#ages = ages;
  }

  /** Whether anybody listens; if not, nothing needs to be kept. */
  get wanted(): boolean {
    return this.#handlers.undelivered !== null;
  }

  /** The position of the oldest frame that waits to be handed back; `Infinity` if none does. */
  get oldest(): number {
    // Not the first entry's: a frame may end before one that was appended earlier.
    let oldest = Infinity;
    for (const entry of this.#entries) if (entry.kind === "run" && entry.run.next < oldest) oldest = entry.run.next;
    return oldest;
  }

  /** What ends from now on is left by the end of the client: `leftovers` gets it, too. */
  closing(leftovers: Leftovers): void {
    this.#leftovers = leftovers;
  }

  /** Takes in frames of the log, before they are removed from it. */
  addRun(run: LiveRun, state: UndeliveredState, error: Error | undefined): void {
    this.#leftovers?.addRun(run, state, error);
    if (!this.wanted) return;
    const last = this.#entries.last();
    // Frames evicted one by one lie side by side: one entry for all of them.
    if (last?.kind === "run" && last.run.extend(run, state, error)) return;
    this.#entries.push({ kind: "run", run: new EndedRun(run, state, error) });
    this.#schedule();
  }

  /** Takes in one frame that is not in the log; `time` is when it was accepted, ms. */
  addFrame(frame: Uint8Array, time: number, state: UndeliveredState, error: Error | undefined): void {
    if (this.#isKept) this.#add(endedMessage(decodeFrame(frame, 0), state, error, this.#runtime.now() - time));
  }

  /** Takes in the frame that was encoded behind `used` of `slab` and did not come into the log. */
  addOffered(slab: Slab, time: number, state: UndeliveredState): void {
    if (this.#isKept) this.#add(endedMessage(slab.decode(slab.used), state, undefined, this.#runtime.now() - time));
  }

  get #isKept(): boolean {
    return this.wanted || this.#leftovers !== undefined;
  }

  #add(message: EndedMessage): void {
    this.#leftovers?.addMessage(message);
    if (!this.wanted) return;
    this.#entries.push({ kind: "message", message });
    this.#schedule();
  }

  /** Resolves when everything was handed back and the listener is done with it, or after `timeoutMs`. */
  async done(timeoutMs: number): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.#runtime.timer(timeoutMs, resolve);
    });
    await Promise.race([this.#allDone(), late]);
    timer?.cancel();
  }

  async #allDone(): Promise<void> {
    if (this.#entries.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    while (this.#listening.size > 0) await Promise.all(this.#listening);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#runtime.nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    // One batch a turn would let a fast producer under "drop-oldest" outrun the listener, and memory grow without a bound.
    const until = this.#runtime.now() + TURN_MS;
    do this.#call(this.#batch());
    while (this.#entries.length > 0 && this.#runtime.now() < until);
    if (this.#entries.length > 0) {
      this.#schedule();
      return;
    }
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #batch(): EndedMessage[] {
    const batch: EndedMessage[] = [];
    for (let entry = this.#entries.peek(); entry !== undefined && batch.length < BATCH; entry = this.#entries.peek()) {
      if (entry.kind === "message") {
        batch.push(entry.message);
        this.#entries.shift();
        continue;
      }
      batch.push(entry.run.take(this.#log, this.#ageAt));
      if (entry.run.isDone) this.#entries.shift();
    }
    return batch;
  }

  #call(batch: readonly EndedMessage[]): void {
    try {
      const result = this.#handlers.undelivered?.(batch);
      if (result === undefined) return;
      const listening = Promise.resolve(result)
        .catch((error: unknown) => this.#handlers.undeliveredFailed(error))
        .finally(() => this.#listening.delete(listening));
      this.#listening.add(listening);
    } catch (error) {
      this.#handlers.undeliveredFailed(error);
    }
  }
}
