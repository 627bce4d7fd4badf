import type { Runtime, Timer } from "../runtime.ts";

/** A lame duck is left after a random time up to this, ms: its clients must not all come to the next server at once. */
const LAME_DUCK_MS = 5_000;

/** What the timers of planned moves cause. */
export interface MoveEvents {
  /** The lame duck is to be left now. */
  lameDuckDue(): void;
  /** What is in flight was not confirmed within `ms`. */
  overdue(ms: number): void;
}

/** The timers of planned moves. None keeps the process alive: the connection that they are about does. */
export class MoveTimers {
  readonly #patience: number | undefined;
  readonly #runtime: Runtime;
  readonly #events: MoveEvents;
  #lameDuck: Timer | undefined;
  #overdue: Timer | undefined;

  /** `patience`: ms to wait for the last PONG; undefined when the stall rule looks after that. */
  constructor(patience: number | undefined, runtime: Runtime, events: MoveEvents) {
    this.#patience = patience;
    this.#runtime = runtime;
    this.#events = events;
  }

  /** The connection's server is about to shut down. Said again, it changes nothing. */
  lameDuck(): void {
    this.#lameDuck ??= this.#timer(this.#runtime.random() * LAME_DUCK_MS, () => {
      this.#lameDuck = undefined;
      this.#events.lameDuckDue();
    });
  }

  /** The move has begun. */
  begun(): void {
    const ms = this.#patience;
    if (ms !== undefined) this.#overdue = this.#timer(ms, () => this.#events.overdue(ms));
  }

  /** The connection is over. */
  stop(): void {
    this.#lameDuck?.cancel();
    this.#overdue?.cancel();
    this.#lameDuck = undefined;
    this.#overdue = undefined;
  }

  #timer(ms: number, task: () => void): Timer {
    const timer = this.#runtime.timer(ms, task);
    timer.keepAlive(false);
    return timer;
  }
}
