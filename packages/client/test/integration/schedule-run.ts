import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { open } from "../../src/client/open.ts";
import type { Undelivered } from "../../src/options.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import type { Timer } from "../../src/runtime.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { isHigh } from "./schedule-admission.ts";
import { Confirms } from "./schedule-confirms.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import { Flushes } from "./schedule-flushes.ts";
import { Ledger, type Outcome as Taken } from "./schedule-ledger.ts";
import { type Content, contentOf } from "./schedule-messages.ts";
import { Moves } from "./schedule-moves.ts";
import { Outcome } from "./schedule-outcome.ts";
import { Poison } from "./schedule-poison.ts";
import { Pressure } from "./schedule-pressure.ts";
import { Requests } from "./schedule-requests.ts";
import { SecretLimit } from "./schedule-secret.ts";
import { ScheduledServer } from "./schedule-server.ts";
import { type Announced, goodDial, type Schedule, type Setup } from "./schedule-steps.ts";
import { Subscriptions } from "./schedule-subscriptions.ts";
import type { Watch } from "./schedule-watch.ts";

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
  readonly confirms: Confirms;
  readonly pressure: Pressure;
  readonly moves: Moves;
  readonly poison: Poison;
  readonly secret: SecretLimit | undefined;
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
    const now = (): number => this.clock.now();
    const isOver = (): boolean => this.nc?.isClosed() === true;
    this.ledger = new Ledger({ options: outbound, announced: this.announced, now, isOver, fail });
    const { entries, fates } = this.ledger;
    this.announced.push(...dials.flatMap(({ info, account }) => (account === null ? [info] : [info, account])));
    this.requests = new Requests(
      this.ledger,
      this.clock,
      () => this.#whereNow(),
      { failsSent: this.options.failRequestsOnDisconnect, listens: this.listens },
      fail,
    );
    this.flushes = new Flushes(this.ledger, this.clock, fail);
    this.confirms = new Confirms(entries, fail);
    this.pressure = new Pressure(outbound, fail);
    this.moves = new Moves({ options: this.options, clock: this.clock, isClosing: isOver, fail });
    this.poison = new Poison(entries, fates.live, fail);
    this.secret = setup.secret === null ? undefined : new SecretLimit(setup.secret);
    this.subscriptions = new Subscriptions({
      next: () => this.next(),
      respond: (msg, id) => this.#respond(msg, id),
      fail,
    });
    this.server = new ScheduledServer(dials, this.secret, this.clock, {
      fail,
      message: (frame, connection) => {
        const entry = this.ledger.read(frame, connection);
        if (entry === undefined) return;
        this.subscriptions.checkAt(connection, entry);
        if (entry.isRequest) this.requests.read(entry, frame.args[1] ?? "", connection);
      },
      handed: (watch, id) => {
        fates.handed(watch, id);
        // Without a listener nobody knows when a culprit has ended.
        if (this.listens) this.poison.handed(watch);
        if (this.listens) this.moves.handed(watch);
      },
      told: (watch, line) => this.#told(watch, line),
      left: (watch) => {
        this.moves.left(watch);
        this.poison.left(watch);
        fates.left(watch);
      },
    });
  }

  get listens(): boolean {
    return this.setup.listener !== "none";
  }

  /** The connection that the client's log has; also one that has stalled. */
  get on(): ServerConnection | undefined {
    const { current } = this.server;
    if (current === undefined) return undefined;
    if (this.nc?.outbound.usable === true) current.watch.isUp = true;
    const { isUp, left, pongs, waitsSince } = current.watch;
    // With a chunk of SUBs outstanding behind the handshake nobody outside can tell: it may be.
    const mayBeUp = isUp || (pongs > 1 && waitsSince !== undefined);
    return mayBeUp && left === undefined ? current : undefined;
  }

  /** The same, if both ends think it is there. */
  get attached(): ServerConnection | undefined {
    const { on } = this;
    return on?.isOpen === true && on.alive && on.peer.ended === null ? on : undefined;
  }

  /** No server of this schedule takes it, and none has said so. */
  isTooMuch({ block, bytes }: Content): boolean {
    return this.secret?.isBroken(block.length + bytes.length) === true;
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
    if (this.nc === undefined) return undefined;
    this.pressure.follow(this.nc);
    // What answers to it asks for comes to an inbox of ours.
    if (!this.nc.isClosed()) this.nc.subscribe("_INBOX.own.*", { callback: () => {} });
    return this.nc;
  }

  offer(content: Content, call: (nc: HoldfastConnection) => boolean | undefined): Taken {
    const { nc } = this;
    if (nc === undefined) return "forbidden";
    const offer = { content, seq: this.next(), isRequest: false, on: this.on, now: this.clock.now() };
    return this.ledger.offer(nc, offer, () => {
      const result = call(nc);
      if (result === false && isHigh(this.options.outbound, nc.outbound.held)) this.pressure.warned();
      return result;
    });
  }

  /** Holds at any instant, also from inside of a listener. */
  checkIdentity(): void {
    if (this.nc === undefined) return;
    const counts = this.nc.outbound.counts();
    const { accepted, refused: _, resent, ...states } = counts;
    const sum = Object.values(states).reduce((total, n) => total + n, 0);
    if (sum !== accepted || !(resent >= 0)) this.problems.push(`the identity does not hold: ${JSON.stringify(counts)}`);
    for (const [state, n] of Object.entries(states)) if (!(n >= 0)) this.problems.push(`${state} is ${n}`);
    const { messages, bytes } = this.nc.outbound.held;
    if (messages !== counts.inFlight + counts.buffered) this.problems.push(`held ${messages}: ${JSON.stringify(counts)}`);
    if (!(bytes >= 0) || bytes > 0 !== messages > 0) this.problems.push(`held ${bytes} bytes in ${messages} messages`);
  }

  /** Throws when anything went wrong so far. */
  report(): void {
    if (this.problems.length === 0) return;
    assert.deepEqual(this.problems.slice(0, 5), [], `at ${this.clock.now()} ms`);
  }

  /** Nothing is left behind. */
  end(): void {
    this.server.stop();
    this.flushes.stop();
    for (const timer of this.#listening) timer.cancel();
    assert.deepEqual(this.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 }, "left behind on the clock");
    this.report();
  }

  #respond(msg: Msg, id: number): void {
    this.offer({ ...contentOf({ id, size: id % 300 }), reserved: true }, () => {
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

  #told(watch: Watch, line: string): void {
    if (line === "PONG") this.moves.pong(watch);
    this.ledger.fates.told(watch, line);
    if (line === "PONG" && watch.pongs === 2) this.moves.opened(watch, this.ledger.fates.live);
    if (line === "PONG") this.poison.pong(watch);
    else if (/^-ERR '(?:maximum (?:payload|control)|parser|unknown protocol)/i.test(line)) this.poison.fatal(watch);
  }

  #whereNow(): { connection: number; byte: number } {
    const { current } = this.server;
    return { connection: current?.index ?? -1, byte: current?.handedOver ?? 0 };
  }
}
