import assert from "node:assert/strict";
import { ClosedConnectionError, RequestError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { limitInForce } from "./schedule-admission.ts";
import { isForbidden } from "./schedule-ledger.ts";
import { contentOf, type Wanted } from "./schedule-messages.ts";
import { Outcome } from "./schedule-outcome.ts";
import { Run } from "./schedule-run.ts";
import type { Ending, Schedule, Step } from "./schedule-steps.ts";

/** Plays a schedule; throws at the first thing that is not as it should be. */
export async function play({ setup, dials, steps, ending }: Schedule): Promise<void> {
  const run = new Run(setup, dials);
  const nc = await run.open();
  if (nc === undefined) return run.end();
  const game = new Game(run, nc);
  for (const step of steps) {
    if (game.over) break;
    await game.do(step);
  }
  await game.finish(ending);
}

/** The steps of a schedule, with the checks behind each. */
class Game {
  readonly #run: Run;
  readonly #nc: HoldfastConnection;
  readonly #closed: Outcome<unknown>;
  /** Everything that must have settled in the end, with what it may reject with. */
  readonly #promises: {
    readonly what: string;
    readonly outcome: Outcome<unknown>;
    readonly mayReject: (error: unknown) => boolean;
  }[] = [];
  #downSince: number | undefined;
  /** Connections before this one are accounted for. */
  #ended = 0;

  constructor(run: Run, nc: HoldfastConnection) {
    this.#run = run;
    this.#nc = nc;
    this.#closed = new Outcome(nc.closed());
  }

  /** Whether the client is closed, and has handed everything back. */
  get over(): boolean {
    return this.#closed.settled;
  }

  async do(step: Step): Promise<void> {
    this.#act(step);
    await this.#advance(step.do === "advance" ? step.ms : 0);
  }

  /** Ends the client, and accounts for everything. */
  async finish(ending: Ending): Promise<void> {
    const { server } = this.#run;
    if (this.#nc.isClosed() || this.#nc.isDraining()) await this.#drainInTime(100_000);
    else if (ending === "drain") await this.#drainInTime(0);
    else if (ending === "drainLate") await this.#drainInTime(1000);
    else if (ending === "heal") await this.#heal();
    else await this.#closeAsItIs(ending === "closeSlowly");
    this.#run.end();
    server.readAll();
    this.#account();
  }

  /** The server behaves from now on: everything ends by itself. */
  async #heal(): Promise<void> {
    const nc = this.#nc;
    this.#run.server.heal();
    const { messages } = nc.outbound.held;
    const atRest = (): boolean => nc.outbound.held.messages === 0 && this.#run.attached !== undefined;
    await this.#until(() => this.over || atRest(), `${messages} messages stay held`, 100_000);
    const flushed = new Outcome(nc.flush());
    await this.#until(() => this.over || flushed.settled, "the last flush did not settle", 100_000);
    if (flushed.error !== undefined && !this.over) throw flushed.error;
    await this.#endInPeace();
  }

  /** Drains, unless that or `close()` was called before; the server heals after `ms`. */
  async #drainInTime(ms: number): Promise<void> {
    const { abandoned } = this.#nc.outbound.counts();
    const isOurs = !this.#nc.isClosed() && !this.#nc.isDraining();
    if (isOurs) this.#drain(ms === 0 ? 60_000 : 300);
    if (isOurs) await this.#advance(ms);
    this.#run.server.heal();
    await this.#until(() => this.over, "closed() did not settle", 100_000);
    const gaveUp = this.#closed.value !== undefined;
    if (isOurs && ms === 0 && !gaveUp) assert.equal(this.#nc.outbound.counts().abandoned, abandoned, "drain() gave up what it could have sent");
  }

  async #closeAsItIs(slowly: boolean): Promise<void> {
    const { current } = this.#run.server;
    this.#close();
    const read = (): void => current?.read(700);
    await this.#until(() => this.over, "close() took too long", 3 * this.#run.options.closeTimeout + 500, slowly ? read : undefined);
  }

  /** With a server that behaves, `close()` and `drain()` send everything: also what was published in the same turn. */
  async #endInPeace(): Promise<void> {
    const before = this.#nc.outbound.counts();
    const survives = this.#run.attached?.willBeCut === false;
    if (!this.over && before.accepted % 2 === 0) this.#act({ do: "burst", count: 30, size: 900 });
    if (!this.over && before.accepted % 3 === 0) this.#drain();
    else this.#close();
    await this.#until(() => this.over, "closed() did not settle", 500);
    const { closeTimeout } = this.#run.options;
    const { accepted, confirmed, dropped } = this.#nc.outbound.counts();
    const sent = confirmed - before.confirmed + dropped - before.dropped;
    if (closeTimeout > 0 && survives) assert.equal(sent, accepted - before.accepted, "not everything was sent before the end");
  }

  #act(step: Step): void {
    const run = this.#run;
    const nc = this.#nc;
    const { server, subscriptions, requests, clock } = run;
    const { current } = server;
    switch (step.do) {
      case "publish":
        return this.#publish(step);
      case "burst":
        for (let i = 0; i < step.count; i++) this.#publish({ size: (step.size * (i + 7)) % 1500 });
        return;
      case "mixture":
        for (const each of mixture(step)) this.#act(each);
        return;
      case "request": {
        const id = run.next();
        const content = contentOf({ id, size: step.size, cls: step.batch ? "batch" : "plain" });
        return requests.ask(nc, step, { ...content, reply: null }, run.next(), run.on);
      }
      case "subscribe":
        return subscriptions.subscribe(nc, step);
      case "unsubscribe":
        return subscriptions.unsubscribe(step.which, step.max);
      case "drainSubscription":
        return subscriptions.drain(step.which);
      case "deliver":
        if (current !== undefined) subscriptions.deliver(current, step);
        return;
      case "reply":
        if (current !== undefined) requests.answerDue(current);
        return;
      case "flush":
        return run.flushes.flush(nc, run.next());
      case "rtt":
        return this.#promise(
          "rtt()",
          nc.rtt(),
          (error) => error instanceof RequestError || error instanceof ClosedConnectionError,
        );
      case "serverPing":
        return current?.ping();
      case "reconnect":
        return this.#promise("reconnect()", nc.reconnect(), isForbidden);
      case "close":
        return this.#close();
      case "drain":
        return this.#drain();
      case "read": {
        const earlier = server.connections.find((connection) => connection !== current && connection.peer.waiting > 0);
        (step.earlier ? earlier : current)?.read(step.bytes);
        return;
      }
      case "mode":
        return current?.mode(step.reading, step.pongs);
      case "pong":
        return current?.pong(step.count);
      case "info":
        run.announced.push(step.info);
        return current?.inform(step.info);
      case "complain":
        if (current === undefined || current.stage !== "open") return;
        if (step.about === "request") return requests.complain(current);
        current.send("-ERR 'Stale Connection'\r\n");
        return current.cut("fin");
      case "cut":
        return current?.cut(step.how);
      case "cutAt":
        if (current?.stage === "open") current.cutAt(step.bytes, step.how);
        return;
      case "advance":
        return;
      case "block":
        return clock.block(step.ms);
    }
  }

  #publish(wanted: Omit<Wanted, "id">): void {
    const content = contentOf({ ...wanted, id: this.#run.next() });
    const { subject, reply, headers, payload } = content;
    const options = { ...(reply === "" || reply === null ? {} : { reply }), ...(headers === undefined ? {} : { headers }) };
    this.#run.offer(content, (nc) => nc.publish(subject, payload, options));
  }

  #close(): void {
    this.#run.subscriptions.endAll();
    this.#promise("close()", this.#nc.close(), () => false);
  }

  #drain(timeout = 300): void {
    const isFirst = !this.#nc.isClosed() && !this.#nc.isDraining();
    if (isFirst) this.#run.subscriptions.endAll();
    this.#promise("drain()", this.#nc.drain({ timeout }), (error) => !isFirst && isForbidden(error));
  }

  #promise(what: string, promise: Promise<unknown>, mayReject: (error: unknown) => boolean): void {
    this.#promises.push({ what, outcome: new Outcome(promise), mayReject });
  }

  async #advance(ms: number): Promise<void> {
    await this.#run.clock.advanceAsync(ms);
    this.#check();
  }

  /** Lets time pass until `done`, at most `ms`. */
  async #until(done: () => boolean, otherwise: string, ms: number, meanwhile?: () => void): Promise<void> {
    const end = this.#run.clock.now() + ms;
    await this.#advance(0);
    for (let pause = 25; !done(); pause = Math.min(500, pause * 2)) {
      assert.ok(this.#run.clock.now() < end, `${otherwise} within ${ms} ms: ${JSON.stringify(this.#nc.outbound.counts())}`);
      meanwhile?.();
      await this.#advance(pause);
    }
  }

  /** Nothing is due now: what is counted, handed back, read and settled must agree. */
  #check(): void {
    const run = this.#run;
    const { attached, problems } = run;
    const counts = this.#nc.outbound.counts();
    run.checkIdentity();
    run.ledger.check(counts, run.listens);
    run.requests.check(attached);
    const idle = !this.#nc.isClosed() && this.#nc.outbound.held.messages === 0 && attached?.peer.received === attached?.handedOver;
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
      if (connection === undefined || connection.stage !== "open") continue;
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
  #account(): void {
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
    for (const { what, outcome, mayReject } of this.#promises) {
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

/** The steps that a mixture stands for; every third one is of requests only. */
function* mixture({ count, salt }: Extract<Step, { do: "mixture" }>): IterableIterator<Step> {
  for (let i = 0; i < count; i++) {
    const drawn = (salt * 31 + i * i * 17 + i * 7) % 97;
    const size = drawn % 13 === 0 ? 20_000 : (drawn * 29) % 2500;
    const timeout = drawn % 3 === 0 ? 1 + drawn : 3000;
    if (drawn % 9 === 0) yield { do: "flush" };
    else if (drawn % 4 === 0 || salt % 3 === 0) yield { do: "request", size, timeout, how: "mux", batch: false, answer: "never" };
    else yield { do: "publish", size, text: drawn % 2 === 0, headers: drawn % 5 === 0, reply: false, cls: drawn % 11 === 0 ? "next" : "plain" };
  }
}
