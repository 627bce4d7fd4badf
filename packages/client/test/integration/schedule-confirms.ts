import { PermissionViolationError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { UndeliveredError } from "../../src/errors.ts";
import type { HoldfastPublishOptions } from "../../src/options.ts";
import type { Entry } from "./schedule-entry.ts";
import { isForbidden, isRefusal, type Outcome as Taken } from "./schedule-ledger.ts";
import type { Content } from "./schedule-messages.ts";
import { Outcome } from "./schedule-outcome.ts";

/** One `publishAndConfirm()`. */
interface Confirm {
  readonly id: number;
  readonly taken: Taken;
  readonly outcome: Outcome<void>;
}

/** All of them: each must end exactly as its message does, and not before. */
export class Confirms {
  readonly #entries: ReadonlyMap<number, Entry>;
  readonly #fail: (what: string) => void;
  #waiting: Confirm[] = [];

  constructor(entries: ReadonlyMap<number, Entry>, fail: (what: string) => void) {
    this.#entries = entries;
    this.#fail = fail;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  /** `offer` holds the call against the rules of admission. */
  publish(
    nc: HoldfastConnection,
    content: Content,
    options: HoldfastPublishOptions,
    offer: (call: () => undefined) => Taken,
  ): void {
    let promise: Promise<void> = Promise.resolve();
    const taken = offer(() => {
      promise = nc.outbound.publishAndConfirm(content.subject, content.payload, options);
      return undefined;
    });
    this.#waiting.push({ id: content.id, taken, outcome: new Outcome(promise) });
  }

  /** When nothing is due: what has ended has settled, and nothing else. */
  check(listens: boolean): void {
    const settled = this.#waiting.filter(({ outcome }) => outcome.settled);
    this.#waiting = this.#waiting.filter(({ outcome }) => !outcome.settled);
    for (const { id, taken } of this.#waiting) {
      const entry = this.#entries.get(id);
      const hasEnded = taken !== "accepted" || entry?.fate === "confirmed" || entry?.state !== undefined;
      if (hasEnded) this.#fail(`publishAndConfirm of message ${id} has not settled: ${taken}, ${entry?.fate}, ${entry?.state}`);
    }
    for (const confirm of settled) {
      const problem = this.#judge(confirm, listens);
      if (problem !== null) this.#fail(`publishAndConfirm of message ${confirm.id} ${problem}`);
    }
  }

  #judge({ id, taken, outcome: { error } }: Confirm, listens: boolean): string | null {
    if (taken === "refused") return isRefusal(error) ? null : `was refused, and ended with ${error}`;
    if (taken === "forbidden") return isForbidden(error) ? null : `was not accepted, and ended with ${error}`;
    const entry = this.#entries.get(id);
    if (entry === undefined) return "is of no message";
    if (error === undefined) return entry.fate === "confirmed" && !entry.ambiguous ? null : `resolved: ${entry.fate}`;
    if (error instanceof PermissionViolationError)
      return entry.ambiguous || entry.fate === "rejected" ? null : `rejected with a permission violation: ${entry.fate}`;
    if (!(error instanceof UndeliveredError)) return `rejected with ${error}`;
    if (listens && error.state !== entry.state) return `rejected with ${error.state}, the message ended ${entry.state}`;
    return entry.fate === "confirmed" ? `rejected with ${error.state}, and was confirmed` : null;
  }
}
