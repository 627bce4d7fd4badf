import { ClosedConnectionError } from "@nats-io/nats-core";
import { LazySet } from "../bytes/lazy-set.ts";
import type { Amount } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { OutboundEvent } from "./events.ts";
import type { Limits } from "./limits.ts";
import { checkPatience, limitWait, type Patience } from "./patience.ts";

/** From the first sign that too much is held until there is room again. */
interface Episode {
  /** Whether `high` was reported. */
  isHigh: boolean;
  /** Whether `full` was reported. */
  isFull: boolean;
  /** Publishes refused so far. */
  refused: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Takes its listener off the signal. */
  readonly stop: () => void;
}

/**
 * Tells producers when to slow down, and when to go on. An episode begins when more than 70 % of the limit is held, or when a limit
 * refused or dropped a message, however little is held: a frame that does not fit has to wait, too. It ends at the first easing that
 * leaves less than 50 %; with `reconnectBuffer: false` only on a usable connection, because without one nothing is accepted.
 */
export class Backpressure {
  readonly #limits: Limits;
  readonly #held: () => Amount;
  readonly #event: (event: OutboundEvent) => void;
  readonly #runtime: Runtime;
  #episode: Episode | undefined;
  /** Refused since the last `full`. */
  #refused = 0;
  #usable = false;
  /** In order of calls. Undefined once nothing can be written any more. */
  #waiting: LazySet<Waiter> | undefined = new LazySet();

  /** @param held what is held now; called in an episode only */
  constructor(limits: Limits, held: () => Amount, event: (event: OutboundEvent) => void, runtime: Runtime) {
    this.#limits = limits;
    this.#held = held;
    this.#event = event;
    this.#runtime = runtime;
  }

  /** How many wait in `writable()`. */
  get waiting(): number {
    return this.#waiting?.size ?? 0;
  }

  /** A message was taken in, and this is held now. True: `publish()` returns true. Called for every publish. */
  taken(messages: number, bytes: number): boolean {
    if (!this.#limits.isHigh(messages, bytes)) return true;
    const episode = this.#begun();
    if (!episode.isHigh) {
      episode.isHigh = true;
      this.#event({ type: "high", held: { messages, bytes }, limit: this.#limits.mark });
    }
    return false;
  }

  /** A limit refused a message (`refused`), or the overflow policy dropped one. */
  full(refused: boolean, usable: boolean): void {
    this.#usable = usable;
    const episode = this.#begun();
    if (refused) {
      episode.refused++;
      this.#refused++;
    }
    if (episode.isFull) return;
    episode.isFull = true;
    this.#event({ type: "full", held: this.#held(), limit: this.#limits.inForce(usable), refused: this.#refused });
    this.#refused = 0;
  }

  /** Something ended, or usability changed. */
  eased(usable: boolean): void {
    this.#usable = usable;
    if (!this.#limits.isOpen(usable)) return;
    if (this.#episode !== undefined) {
      const held = this.#held();
      if (!this.#limits.isLow(held.messages, held.bytes)) return;
      const { refused } = this.#episode;
      this.#episode = undefined;
      this.#event({ type: "low", held, refused });
    }
    if (this.#waiting !== undefined && this.#waiting.size > 0) this.#release(this.#waiting);
  }

  /**
   * Resolves when there is room: at once outside of an episode.
   * @throws InvalidArgumentError for a `signal` that is none; it also rejects with `signal.reason`, and with `ClosedConnectionError` at the end
   */
  writable(usable: boolean, signal?: AbortSignal): Promise<void> {
    this.#usable = usable;
    const waiting = this.#waiting;
    if (waiting === undefined) return Promise.reject(new ClosedConnectionError());
    const patience = signal === undefined ? {} : { signal };
    return new Promise((resolve, reject) => {
      checkPatience(patience);
      if (signal?.aborted) return reject(signal.reason);
      if (this.#episode === undefined && this.#limits.isOpen(usable)) return resolve();
      this.#add(waiting, patience, resolve, reject);
      // A frame larger than all of `maxQueued` was refused, and nothing is held whose end would ease. Not at once, because a loop that
      // tries again for ever would let nothing else run.
      if (usable && this.#held().messages === 0) this.#runtime.nextTurn(() => this.eased(this.#usable));
    });
  }

  /** No message will be accepted any more. */
  end(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const waiter of waiting) {
      waiter.stop();
      waiter.reject(new ClosedConnectionError());
    }
  }

  #begun(): Episode {
    this.#episode ??= { isHigh: false, isFull: false, refused: 0 };
    return this.#episode;
  }

  #add(waiting: LazySet<Waiter>, patience: Patience, resolve: () => void, reject: (reason: unknown) => void): void {
    const stop = limitWait(patience, this.#runtime, (reason) => {
      waiting.delete(waiter);
      reject(reason);
    });
    const waiter: Waiter = { resolve, reject, stop };
    waiting.add(waiter);
  }

  #release(waiting: LazySet<Waiter>): void {
    for (const waiter of waiting) {
      waiter.stop();
      waiter.resolve();
    }
    waiting.clear();
  }
}
