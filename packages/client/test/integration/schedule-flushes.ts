import { ClosedConnectionError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { FlushError, type UndeliveredState } from "../../src/errors.ts";
import type { Ledger } from "./schedule-ledger.ts";

/** One `flush()`: which messages it speaks of, and how it ended. */
interface Flush {
  readonly seq: number;
  /** How many messages had been handed back, or were about to be, at the call. */
  readonly backs: number;
  /** Undefined until settled; null: resolved. */
  outcome: unknown;
}

/** All flushes: each must settle, with counts of the messages that were held at its call and of no others. */
export class Flushes {
  readonly #ledger: Ledger;
  readonly #fail: (what: string) => void;
  /** Those that have not been judged. */
  #waiting: Flush[] = [];

  constructor(ledger: Ledger, fail: (what: string) => void) {
    this.#ledger = ledger;
    this.#fail = fail;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  flush(nc: HoldfastConnection, seq: number): void {
    const { inDoubt, rejected, dropped, expired, undeliverable, abandoned } = nc.outbound.counts();
    const backs = inDoubt + rejected + dropped + expired + undeliverable + abandoned;
    const flush: Flush = { seq, backs, outcome: undefined };
    this.#waiting.push(flush);
    nc.flush().then(
      () => {
        flush.outcome = null;
      },
      (error: unknown) => {
        flush.outcome = error;
      },
    );
  }

  /** When nothing is due: judges what has settled. */
  check(listens: boolean): void {
    const settled = this.#waiting.filter((flush) => flush.outcome !== undefined);
    this.#waiting = this.#waiting.filter((flush) => flush.outcome === undefined);
    for (const flush of settled) if (listens) this.#judge(flush);
  }

  #judge({ seq, backs, outcome }: Flush): void {
    const lost: Record<UndeliveredState, number> = {
      rejected: 0,
      inDoubt: 0,
      dropped: 0,
      expired: 0,
      undeliverable: 0,
      abandoned: 0,
    };
    // What ends after a flush settled was published after its call.
    for (const id of this.#ledger.backs.slice(backs)) {
      const entry = this.#ledger.entries.get(id);
      if (entry?.state !== undefined && entry.seq < seq) lost[entry.state]++;
    }
    const total = Object.values(lost).reduce((sum, n) => sum + n, 0);
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
      if (isCovered && entry.readOn === undefined)
        this.#fail(`flush ${seq} resolved before message ${entry.content.id} was read`);
    }
  }
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => a.localeCompare(b));
}
