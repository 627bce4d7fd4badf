import type { ResolvedOptions } from "../../src/options.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { Entry } from "./schedule-entry.ts";
import type { Watch } from "./schedule-watch.ts";

/** What the rules about leaving a connection need to know. */
export interface MoveParts {
  readonly options: ResolvedOptions;
  readonly clock: VirtualClock;
  readonly isClosing: () => boolean;
  readonly fail: (what: string) => void;
}

/**
 * When the client may end a connection by itself, and when it must. It may leave one with messages in flight only when nobody answers: by the
 * stall rule, by the heartbeat, or at `close()`. A planned move waits for the PONG.
 */
export class Moves {
  /** Milliseconds for which the event loop was blocked. */
  blocked = 0;
  readonly #parts: MoveParts;
  /** When a move was asked for; undefined when none was since the last connection. */
  #asked: number | undefined;
  /** How often the limit was doubled. */
  #doubled = 0;
  #longestTrip = 0;
  /** Connections that began with something to send. */
  readonly #backlogs = new WeakSet<Watch>();

  constructor(parts: MoveParts) {
    this.#parts = parts;
  }

  /** `reconnect()`, or an INFO in lame duck mode. */
  asked(): void {
    this.#asked ??= this.#parts.clock.now();
  }

  /** The handshake is over, and there is something to send, beside what may end in this moment. */
  opened(watch: Watch, live: ReadonlySet<Entry>): void {
    const now = this.#parts.clock.now();
    for (const { isRequest, time, maxAge } of live) if (!isRequest && now - time < maxAge) this.#backlogs.add(watch);
  }

  /** A message goes out: not before the delay of the backlog, unless there is a hurry. */
  handed(watch: Watch): void {
    const { outbound } = this.#parts.options;
    const waited = this.#parts.clock.now() - watch.openedAt;
    if (this.#backlogs.has(watch) && waited < outbound.backlogDelay && !this.#parts.isClosing())
      this.#parts.fail(`the backlog goes after ${waited} ms`);
  }

  /** A PONG has come. */
  pong(watch: Watch): void {
    const sent = watch.pingTimes[watch.pongs - 1] ?? 0;
    if (watch.pongs > 2) this.#longestTrip = Math.max(this.#longestTrip, this.#parts.clock.now() - sent);
    if (watch.proven) this.#doubled = 0;
  }

  left(watch: Watch): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (watch.left?.by === "peer" || !watch.isUp) return;
    const open = watch.handed.length - watch.confirmed + (watch.begun === undefined ? 0 : 1);
    if (!watch.proven) this.#doubled = Math.min(4, this.#doubled + 1);
    if (open === 0 || this.#parts.isClosing()) return;
    if (this.#isStalled(watch) || this.#isStale(watch) || this.#isLate(asked)) return;
    this.#parts.fail(
      `connection ${watch.index} was left with ${open} messages in flight, ${this.#silence(watch, false)} ms after its last sign of life`,
    );
  }

  /** When nothing is due: one on which nobody answers has been left in time. */
  check(watch: Watch | undefined): void {
    const { stallTimeout } = this.#parts.options.outbound;
    if (watch === undefined || watch.left !== undefined || !watch.isUp || stallTimeout === 0) return;
    const bytes = watch.sizes.slice(watch.confirmed).reduce((sum, size) => sum + size, 0);
    const frame = watch.begun === undefined ? 0 : LONGEST_FRAME;
    const limit = 2 ** this.#doubled * (Math.max(stallTimeout, 2 * this.#longestTrip) + (bytes + frame) / BYTES_A_MS);
    const silence = this.#silence(watch, true);
    if (silence > limit + this.blocked + SLACK_MS)
      this.#parts.fail(`connection ${watch.index} is still used after ${silence} ms of silence, the limit is ${limit}`);
  }

  /**
   * How long something that should have an answer has had no sign of life, ms. Other bytes than a PONG count only for so long. `isLenient`:
   * at least so long by the client's own clock; else at most.
   */
  #silence({ lastPong, lastTaken, arrivals, pings, pongs, pingTimes, waitsSince }: Watch, isLenient: boolean): number {
    const ping = pings.length > pongs ? pingTimes[pongs] : undefined;
    const from = Math.min(ping ?? Infinity, waitsSince ?? Infinity);
    if (from === Infinity) return 0;
    const deafAfter = 5 * this.#parts.options.outbound.stallTimeout;
    // By the client's ticks it may be later, and from an earlier beginning.
    const until = isLenient ? Math.max(lastPong, from) + deafAfter + SLACK_MS + this.blocked : lastPong + deafAfter - TICK_MS;
    const heard = arrivals.findLast((time) => time <= until) ?? 0;
    return this.#parts.clock.now() - Math.max(lastPong, lastTaken, heard, from);
  }

  #isStalled(watch: Watch): boolean {
    const { stallTimeout } = this.#parts.options.outbound;
    return stallTimeout > 0 && this.#silence(watch, false) >= stallTimeout;
  }

  /** The heartbeat wants the PONGs of its own PINGs, which may wait long for their turn: nothing here knows when it asked. */
  #isStale({ pingTimes, pongs, openedAt, waitsSince }: Watch): boolean {
    const waits = pingTimes.length > pongs || waitsSince !== undefined;
    return waits && this.#parts.clock.now() - openedAt >= 2.9 * this.#parts.options.pingInterval;
  }

  /** A planned move without a PONG; the stall rule would end it, if it were on. */
  #isLate(asked: number | undefined): boolean {
    const { outbound, closeTimeout } = this.#parts.options;
    return outbound.stallTimeout === 0 && asked !== undefined && this.#parts.clock.now() - asked >= closeTimeout;
  }
}

/** What came since the last tick of the stall clock does not count when a tick finds that it is too late. */
const TICK_MS = 500;
/** Two ticks, and a little. */
const SLACK_MS = 1100;
const LONGEST_FRAME = 310_000;
/** 1 Mbit/s. */
const BYTES_A_MS = 125;
