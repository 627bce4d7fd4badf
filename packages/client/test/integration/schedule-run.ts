import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { open } from "../../src/client/open.ts";
import type { Undelivered } from "../../src/options.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import type { Timer } from "../../src/runtime.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import { Flushes } from "./schedule-flushes.ts";
import { Ledger } from "./schedule-ledger.ts";
import { type Content, contentOf } from "./schedule-messages.ts";
import { Outcome } from "./schedule-outcome.ts";
import { Requests } from "./schedule-requests.ts";
import { ScheduledServer } from "./schedule-server.ts";
import { type Announced, goodDial, type Schedule, type Setup } from "./schedule-steps.ts";
import { Subscriptions } from "./schedule-subscriptions.ts";

/** A client on a virtual clock and its server, with everything that keeps account of them. */
export class Run {
  readonly clock: VirtualClock;
  readonly server: ScheduledServer;
  readonly ledger: Ledger;
  readonly announced: Announced[] = [];
  readonly options: ReturnType<typeof resolveOptions>;
  readonly setup: Setup;
  readonly problems: string[] = [];
  readonly subscriptions: Subscriptions;
  readonly requests: Requests;
  readonly flushes: Flushes;
  nc: HoldfastConnection | undefined;
  #calls = 0;
  /** With `closeTimeout: 0` nobody waits for the listener. */
  readonly #listening: Timer[] = [];

  constructor(setup: Setup, scripts: Schedule["dials"]) {
    const dials = setup.first === "good" ? [goodDial, ...scripts] : scripts;
    const fail = (what: string): void => {
      this.problems.push(what);
    };
    this.setup = setup;
    this.clock = new VirtualClock({ seed: setup.seed });
    this.options = resolveOptions({
      ...setup.options,
      retryOnFailedConnect: setup.first === "early",
      ...(setup.listener === "none" ? {} : { onUndelivered: (batch: readonly Undelivered[]) => this.#undelivered(batch) }),
    });
    const { outbound } = this.options;
    const admission = { options: outbound, maxAge: outbound.reconnectBuffer.maxAge, announced: this.announced };
    this.ledger = new Ledger(admission, fail);
    this.announced.push(...dials.flatMap(({ info, account }) => (account === null ? [info] : [info, account])));
    this.requests = new Requests(this.ledger, this.clock, () => this.#whereNow(), fail);
    this.flushes = new Flushes(this.ledger, fail);
    this.subscriptions = new Subscriptions({
      next: () => this.next(),
      respond: (msg, id) => this.#respond(msg, id),
      fail,
    });
    this.server = new ScheduledServer(dials, this.clock, {
      fail,
      opened: (connection) => {
        connection.confirmedBefore = this.nc?.outbound.counts().confirmed ?? 0;
      },
      message: (frame, connection) => {
        const entry = this.ledger.read(frame, connection);
        if (entry === undefined) return;
        this.subscriptions.checkAt(connection, entry.content.id, entry.seq);
        if (entry.isRequest) this.requests.read(entry, frame.args[1] ?? "", connection);
      },
    });
  }

  get listens(): boolean {
    return this.setup.listener !== "none";
  }

  /** The connection that the client uses: both ends think it is there. */
  get attached(): ServerConnection | undefined {
    const { current } = this.server;
    const isUp = this.nc?.outbound.usable === true && current?.isOpen === true && current.alive && current.peer.ended === null;
    return isUp ? current : undefined;
  }

  /** The connection on which the client would publish now. */
  get on(): ServerConnection | undefined {
    return this.nc?.outbound.usable === true ? this.server.current : undefined;
  }

  /** The number of the next call. */
  next(): number {
    return this.#calls++;
  }

  /** The client once `connect()` resolved; undefined when it rejected. */
  async open(): Promise<HoldfastConnection | undefined> {
    const opening = new Outcome(open(this.options, { transport: this.server.transport, runtime: this.clock, log: () => {} }));
    for (let rounds = 0; rounds < 100 && !opening.settled; rounds++) await this.clock.advanceAsync(rounds * 100);
    assert.ok(opening.settled, "connect() neither resolved nor rejected");
    this.nc = opening.value;
    return this.nc;
  }

  offer(content: Content, call: (nc: HoldfastConnection) => boolean | undefined): void {
    const { nc } = this;
    if (nc === undefined) return;
    this.ledger.offer(nc, { content, seq: this.next(), isRequest: false, on: this.on, now: this.clock.now() }, () => call(nc));
  }

  /** Holds at any instant, also from inside of a listener. */
  checkIdentity(): void {
    if (this.nc === undefined) return;
    const counts = this.nc.outbound.counts();
    const { accepted, refused: _, resent, ...states } = counts;
    const sum = Object.values(states).reduce((total, n) => total + n, 0);
    if (sum !== accepted || resent !== 0) this.problems.push(`the identity does not hold: ${JSON.stringify(counts)}`);
    for (const [state, n] of Object.entries(states)) if (!(n >= 0)) this.problems.push(`${state} is ${n}`);
    const { messages, bytes } = this.nc.outbound.held;
    if (messages !== counts.inFlight + counts.buffered) this.problems.push(`held ${messages}: ${JSON.stringify(counts)}`);
    if (!(bytes >= 0) || bytes > 0 !== messages > 0) this.problems.push(`held ${bytes} bytes in ${messages} messages`);
  }

  /** Throws when anything went wrong so far. */
  report(): void {
    assert.deepEqual(this.problems.slice(0, 5), [], `at ${this.clock.now()} ms`);
  }

  /** Nothing is left behind. */
  end(): void {
    this.server.stop();
    for (const timer of this.#listening) timer.cancel();
    assert.deepEqual(this.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 }, "left behind on the clock");
    this.report();
  }

  #respond(msg: Msg, id: number): void {
    this.offer({ ...contentOf({ id, size: id % 300 }) }, () => {
      msg.respond(contentOf({ id, size: id % 300 }).payload);
      return undefined;
    });
  }

  #undelivered(batch: readonly Undelivered[]): void | Promise<void> {
    if (batch.length === 0 || batch.length > 256) this.problems.push(`handed back ${batch.length} at once`);
    for (const message of batch) this.ledger.back(message, this.clock.now());
    this.checkIdentity();
    if (this.setup.listener === "throws") throw new Error("the listener throws");
    if (this.setup.listener === "async") return new Promise((resolve) => this.#listening.push(this.clock.timer(3, resolve)));
  }

  #whereNow(): { connection: number; byte: number } {
    const { current } = this.server;
    return { connection: current?.index ?? -1, byte: current?.handedOver ?? 0 };
  }
}
