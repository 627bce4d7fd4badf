import assert from "node:assert/strict";
import { ClosedConnectionError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import type { Undelivered } from "../../src/options.ts";
import type { Counts } from "../../src/outbound/counts.ts";
import type { Actions } from "./schedule-actions.ts";
import { limitInForce } from "./schedule-admission.ts";
import { idOf } from "./schedule-messages.ts";
import type { Run } from "./schedule-run.ts";

/** What must hold behind each step, and in the end. */
export class Checks {
  readonly #run: Run;
  readonly #nc: HoldfastConnection;

  constructor(run: Run, nc: HoldfastConnection) {
    this.#run = run;
    this.#nc = nc;
  }

  /** Nothing is due now: what is counted, handed back, read and settled must agree. */
  check(): void {
    const run = this.#run;
    const { attached, problems } = run;
    const counts = this.#nc.outbound.counts();
    run.checkIdentity();
    run.ledger.check(counts, run.listens);
    run.requests.check(attached);
    // What is called in the delay of the backlog goes behind it.
    const isLate = attached !== undefined && run.clock.now() - attached.watch.openedAt > 2 * run.options.outbound.backlogDelay;
    const isRead = attached?.peer.received === attached?.handedOver;
    const idle = !this.#nc.isClosed() && this.#nc.outbound.held.messages === 0 && isRead && isLate;
    run.subscriptions.check(attached, idle);
    run.flushes.check(run.listens);
    run.confirms.check(run.listens);
    run.pressure.check(this.#nc);
    run.moves.check(run.on?.watch);
    const { limit, usable } = this.#nc.outbound;
    const expected = limitInForce(run.options.outbound, usable);
    if (limit.messages !== expected.messages || limit.bytes !== expected.bytes)
      problems.push(`the limit is ${JSON.stringify(limit)}, not ${JSON.stringify(expected)}`);
    if (attached !== undefined) {
      attached.settled();
      if (attached.missesPongs) problems.push(`a PING on connection ${attached.index} was not answered`);
    }
    if (run.listens) this.#checkFates(counts);
    this.#checkWindow();
    run.report();
  }

  /** What the client says is in flight, held, sent again and how old it is, against what was handed over and what arrived. */
  #checkFates({ inFlight, buffered, resent }: Counts): void {
    const run = this.#run;
    const { fates } = run.ledger;
    const watch = run.on?.watch;
    const expected = fates.inFlight(watch);
    if (inFlight !== expected) run.problems.push(`${inFlight} are in flight, by what was handed over ${expected}`);
    if (inFlight + buffered !== fates.live.size) run.problems.push(`${inFlight + buffered} are held, not ${fates.live.size}`);
    const most = fates.resent + fates.begunAgain + (watch?.begun === undefined ? 0 : 1);
    if (resent < fates.resent - fates.takenBackAgain || resent > most)
      run.problems.push(`resent is ${resent}, and ${fates.resent} were handed over again`);
    const skipped = watch === undefined ? undefined : fates.skipped(watch);
    if (skipped !== undefined)
      run.problems.push(`message ${skipped.content.id} (${skipped.fate}) waits, and a later one was handed over`);
    this.#checkAges();
  }

  /** With nothing in flight one frame of any length may go, with what lies before it since the last noted boundary. */
  #checkWindow(): void {
    const watch = this.#run.on?.watch;
    if (watch === undefined) return;
    const open = watch.sizes.slice(watch.confirmed);
    const bytes = open.reduce((sum, size) => sum + size, 0);
    const most = Math.max(this.#run.options.outbound.maxInFlight, Math.max(...open) + BOUNDARY_BYTES);
    if (bytes > most) this.#run.problems.push(`${bytes} bytes are in flight`);
  }

  /** Nothing that may expire is older than its `maxAge`; `oldestAge` is the age of the oldest. */
  #checkAges(): void {
    const run = this.#run;
    const now = run.clock.now();
    let oldest = 0;
    for (const { time, maxAge, fate, isRequest, content } of run.ledger.fates.live) {
      const age = now - time;
      oldest = Math.max(oldest, age);
      if (isRequest || fate === "inFlight" || content.id === run.on?.watch.begun) continue;
      if (age > maxAge + SLACK) run.problems.push(`message ${content.id} is ${fate} and ${age} ms old, its maxAge is ${maxAge}`);
    }
    const { oldestAge } = this.#nc.outbound;
    if (Math.abs(oldestAge - oldest) > 1) run.problems.push(`oldestAge is ${oldestAge}, the oldest is ${oldest} ms old`);
  }

  /** What `undelivered()` gave is what ended since `close()` was called: the last that were handed back. */
  leftovers(given: readonly Undelivered[]): void {
    const run = this.#run;
    if (!run.listens) return;
    const { backs } = run.ledger;
    const ids = given.map(({ subject, data }) => idOf(subject, data));
    const last = given.length === 0 ? [] : backs.slice(-given.length).map(({ content }) => content.id);
    assert.deepEqual(ids, last, "undelivered() is not what was handed back last");
    const missing = backs.slice(0, backs.length - given.length).find(({ state, purged }) => state === "abandoned" && !purged);
    if (missing !== undefined)
      run.problems.push(`message ${missing.content.id} was abandoned, and undelivered() did not give it`);
  }

  /** The client is closed: every message has had its one end, every promise is settled, nothing is left behind. */
  account(promises: Actions["promises"]): void {
    const run = this.#run;
    const nc = this.#nc;
    const counts = nc.outbound.counts();
    run.ledger.finish(counts, run.listens);
    run.flushes.check(run.listens);
    run.confirms.check(run.listens);
    run.pressure.check(nc);
    assert.deepEqual(
      [run.flushes.pending, run.requests.pending, run.subscriptions.open, run.confirms.pending, run.pressure.pending],
      [0, 0, 0, 0, 0],
      "flushes, requests, subscriptions, confirmations, waiting for room left",
    );
    for (const { what, outcome, mayReject } of promises) {
      assert.ok(outcome.settled, `${what} is not settled`);
      if (outcome.error !== undefined && !mayReject(outcome.error)) throw outcome.error;
    }
    const { outMsgs, outBytes } = nc.stats();
    const bytes = Number.isNaN(run.ledger.bytes) ? outBytes : run.ledger.bytes;
    assert.deepEqual([outMsgs, outBytes], [run.ledger.accepted, bytes], "stats()");
    assert.throws(() => nc.publish("m.1"), ClosedConnectionError);
    run.report();
  }
}

/** A buffered message expires between `maxAge` and this much later, ms. */
const SLACK = 20;
/** Chunks end at frame boundaries at least so many bytes apart. */
const BOUNDARY_BYTES = 16 * 1024;
