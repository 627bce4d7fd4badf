import assert from "node:assert/strict";
import { ClosedConnectionError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import type { Actions } from "./schedule-actions.ts";
import { limitInForce } from "./schedule-admission.ts";
import type { Run } from "./schedule-run.ts";

/** What must hold behind each step, and in the end. */
export class Checks {
  readonly #run: Run;
  readonly #nc: HoldfastConnection;
  #downSince: number | undefined;
  /** Connections before this one are accounted for. */
  #ended = 0;

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
    const idle =
      !this.#nc.isClosed() && this.#nc.outbound.held.messages === 0 && attached?.peer.received === attached?.handedOver;
    run.subscriptions.check(attached, idle);
    run.flushes.check(run.listens);
    assert.deepEqual(this.#nc.outbound.limit, limitInForce(run.options.outbound, this.#nc.outbound.usable));
    if (attached !== undefined) {
      attached.settled();
      const { acked, confirmedBefore, sizes } = attached;
      if (attached.missesPongs) problems.push(`a PING on connection ${attached.index} was not answered`);
      if (counts.confirmed !== confirmedBefore + acked)
        problems.push(`confirmed ${counts.confirmed}, not ${confirmedBefore} + ${acked}`);
      const unconfirmed = sizes.slice(acked);
      if (unconfirmed.length > counts.inFlight)
        problems.push(`${unconfirmed.length} were read without a PONG, ${counts.inFlight} are in flight`);
      const bytes = unconfirmed.reduce((sum, size) => sum + size, 0);
      const begun = attached.watch.begun - acked;
      if (counts.inFlight !== begun)
        problems.push(`${begun} were handed over and not confirmed, ${counts.inFlight} are in flight`);
      // With nothing in flight one frame of any length may go, with what lies before it since the last noted boundary.
      const most = Math.max(run.options.outbound.maxInFlight, Math.max(...unconfirmed) + BOUNDARY_BYTES);
      if (bytes > most) problems.push(`${bytes} bytes are in flight`);
    }
    if (run.listens) this.#checkEnds();
    this.#checkAges();
    run.report();
  }

  /** Every connection that the client had and has no more. */
  #checkEnds(): void {
    const { server, ledger } = this.#run;
    const { usable } = this.#nc.outbound;
    let next = this.#nc.outbound.counts().confirmed;
    for (let i = server.connections.length - 1; i >= this.#ended; i--) {
      const connection = server.connections[i];
      if (connection === undefined || !connection.isOpen) continue;
      const isOver = !usable || i < server.connections.length - 1;
      if (isOver) ledger.checkEnd(connection, next - connection.confirmedBefore);
      next = connection.confirmedBefore;
    }
    this.#ended = Math.max(this.#ended, server.connections.length - 1);
  }

  /** Without a connection for longer than `maxAge`, only requests and what is younger are still held. */
  #checkAges(): void {
    const run = this.#run;
    const { maxAge } = run.options.outbound.reconnectBuffer;
    const now = run.clock.now();
    this.#downSince = this.#nc.outbound.usable ? undefined : (this.#downSince ?? now);
    if (this.#downSince === undefined || now - this.#downSince <= maxAge + SLACK) return;
    let allowed = 0;
    for (const { time, isRequest } of run.ledger.entries.values()) if (isRequest || now - time <= maxAge + SLACK) allowed++;
    const { buffered } = this.#nc.outbound.counts();
    if (buffered > allowed)
      run.problems.push(`${buffered} are buffered, ${buffered - allowed} of them must be older than maxAge`);
  }

  /** The client is closed: every message has had its one end, every promise is settled, nothing is left behind. */
  account(promises: Actions["promises"]): void {
    const run = this.#run;
    const nc = this.#nc;
    const counts = nc.outbound.counts();
    run.ledger.finish(counts, run.listens);
    run.flushes.check(run.listens);
    assert.deepEqual(
      [run.flushes.pending, run.requests.pending, run.subscriptions.open],
      [0, 0, 0],
      "flushes, requests, subscriptions left",
    );
    for (const { what, outcome, mayReject } of promises) {
      assert.ok(outcome.settled, `${what} is not settled`);
      if (outcome.error !== undefined && !mayReject(outcome.error)) throw outcome.error;
    }
    const { outMsgs, outBytes } = nc.stats();
    assert.deepEqual([outMsgs, outBytes], [run.ledger.accepted, run.ledger.bytes], "stats()");
    assert.throws(() => nc.publish("m.1"), ClosedConnectionError);
    run.report();
  }
}

/** A buffered message expires between `maxAge` and this much later, ms. */
const SLACK = 20;
/** Chunks end at frame boundaries at least so many bytes apart. */
const BOUNDARY_BYTES = 16 * 1024;
