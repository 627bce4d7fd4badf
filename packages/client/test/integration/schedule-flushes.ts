import { ClosedConnectionError, TimeoutError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { FlushError, type UndeliveredState } from "../../src/errors.ts";
import type { Timer } from "../../src/runtime.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { Ledger } from "./schedule-ledger.ts";
import type { Step } from "./schedule-steps.ts";

type How = Extract<Step, { do: "flush" }>["how"];

/** One `flush()`: which messages it speaks of, and how it ended. */
interface Flush {
  readonly seq: number;
  /** How many messages had been handed back, or were about to be, at the call. */
  readonly backs: number;
  readonly how: How;
  /** When patience ends, ms. */
  readonly until: number;
  /** Undefined until settled; null: resolved. */
  outcome: unknown;
}

/** All flushes: each must settle, with counts of the messages that were held at its call and of no others. */
export class Flushes {
  readonly #ledger: Ledger;
  readonly #clock: VirtualClock;
  readonly #fail: (what: string) => void;
  readonly #timers = new Set<Timer>();
  /** Those that have not been judged. */
  #waiting: Flush[] = [];

  constructor(ledger: Ledger, clock: VirtualClock, fail: (what: string) => void) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#fail = fail;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  flush(nc: HoldfastConnection, seq: number, how: How): void {
    const { inDoubt, rejected, dropped, expired, undeliverable, abandoned } = nc.outbound.counts();
    const backs = inDoubt + rejected + dropped + expired + undeliverable + abandoned;
    const until = how === "plain" ? Infinity : this.#clock.now() + PATIENCE_MS;
    const flush: Flush = { seq, backs, how, until, outcome: undefined };
    this.#waiting.push(flush);
    this.#start(nc, how).then(
      () => {
        flush.outcome = null;
      },
      (error: unknown) => {
        flush.outcome = error;
      },
    );
  }

  /** Its own timers. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #start(nc: HoldfastConnection, how: How): Promise<void> {
    if (how === "plain") return nc.flush();
    if (how === "timeout") return nc.flush({ timeout: PATIENCE_MS });
    const abort = new AbortController();
    const timer = this.#clock.timer(PATIENCE_MS, () => {
      this.#timers.delete(timer);
      abort.abort(ENOUGH);
    });
    this.#timers.add(timer);
    return nc.flush({ signal: abort.signal });
  }

  /** When nothing is due: judges what has settled. */
  check(listens: boolean): void {
    const settled = this.#waiting.filter((flush) => flush.outcome !== undefined);
    this.#waiting = this.#waiting.filter((flush) => flush.outcome === undefined);
    for (const flush of settled) if (listens) this.#judge(flush);
    for (const { seq, until } of this.#waiting) {
      if (this.#clock.now() > until) this.#fail(`flush ${seq} has not lost its patience`);
    }
  }

  #judge({ seq, backs, how, until, outcome }: Flush): void {
    const hasEnough = how === "timeout" ? outcome instanceof TimeoutError : how === "abort" && outcome === ENOUGH;
    if (hasEnough) {
      if (this.#clock.now() < until) this.#fail(`flush ${seq} lost its patience too early`);
      return;
    }
    const lost: Record<UndeliveredState, number> = {
      rejected: 0,
      inDoubt: 0,
      dropped: 0,
      expired: 0,
      undeliverable: 0,
      abandoned: 0,
    };
    // What ends after a flush settled was published after its call.
    for (const { state, seq: call } of this.#ledger.backs.slice(backs)) {
      if (state !== undefined && call < seq) lost[state]++;
    }
    const total = Object.values(lost).reduce((sum, n) => sum + n, 0) - lost.rejected;
    if (outcome instanceof FlushError) {
      if (JSON.stringify(sorted(outcome.counts)) !== JSON.stringify(sorted(lost)))
        this.#fail(`flush ${seq} rejected with ${JSON.stringify(outcome.counts)}, not ${JSON.stringify(lost)}`);
      return;
    }
    if (total > 0) return this.#fail(`flush ${seq} ended with ${outcome}, and ${JSON.stringify(lost)} were not confirmed`);
    if (outcome instanceof ClosedConnectionError) return;
    if (outcome !== null) return this.#fail(`flush ${seq} rejected with ${outcome}`);
    for (const entry of this.#ledger.entries.values()) {
      const isCovered = entry.seq < seq && entry.state === undefined;
      if (isCovered && entry.reads === 0) this.#fail(`flush ${seq} resolved before message ${entry.content.id} was read`);
    }
  }
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
}

const PATIENCE_MS = 40;
const ENOUGH = new Error("enough");
