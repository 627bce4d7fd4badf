import assert from "node:assert/strict";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import type { Undelivered } from "../../src/options.ts";
import { Actions } from "./schedule-actions.ts";
import { Checks } from "./schedule-checks.ts";
import { Outcome } from "./schedule-outcome.ts";
import { Run } from "./schedule-run.ts";
import type { Ending, Schedule, Step } from "./schedule-steps.ts";

const rejections: unknown[] = [];
process.on("unhandledRejection", (reason) => rejections.push(reason));

/** Plays a schedule; throws at the first thing that is not as it should be. */
export async function play({ setup, dials, steps, ending }: Schedule): Promise<void> {
  // What failed before may have left some.
  rejections.length = 0;
  const run = new Run(setup, dials);
  const nc = await run.open();
  if (nc === undefined) run.end();
  else await new Game(run, nc).play(steps, ending);
  await new Promise((resolve) => setImmediate(resolve));
  if (rejections.length > 0) assert.deepEqual(rejections, [], "unhandled rejections");
}

/** One game: the steps of a schedule, the checks behind each, and its end. */
class Game {
  readonly #run: Run;
  readonly #nc: HoldfastConnection;
  readonly #actions: Actions;
  readonly #checks: Checks;
  readonly #closed: Outcome<unknown>;

  constructor(run: Run, nc: HoldfastConnection) {
    this.#run = run;
    this.#nc = nc;
    this.#actions = new Actions(run, nc);
    this.#checks = new Checks(run, nc);
    this.#closed = new Outcome(nc.closed());
  }

  /** Whether the client is closed, and has handed everything back. */
  get over(): boolean {
    return this.#closed.settled;
  }

  async play(steps: readonly Step[], ending: Ending): Promise<void> {
    for (const step of steps) {
      if (this.over) break;
      if (step.do === "pulse") await this.#pulse(step);
      else this.#actions.do(step);
      await this.#advance(step.do === "advance" ? step.ms : 0);
    }
    await this.#finish(ending);
  }

  async #pulse({ count, ms, what }: Extract<Step, { do: "pulse" }>): Promise<void> {
    for (let i = 0; i < count && !this.over; i++) {
      if (what !== "serverPing") this.#actions.do({ do: "burst", count: 1, size: i });
      if (what !== "publish") this.#actions.do({ do: "serverPing" });
      await this.#advance(ms);
    }
  }

  /** Ends the client, and accounts for everything. */
  async #finish(ending: Ending): Promise<void> {
    const { server } = this.#run;
    if (this.#nc.isClosed() || this.#nc.isDraining()) await this.#drainInTime(100_000);
    else if (ending === "drain") await this.#drainInTime(0);
    else if (ending === "drainLate") await this.#drainInTime(1000);
    else if (ending === "heal") await this.#heal();
    else await this.#closeAsItIs(ending === "closeSlowly");
    const given = await this.#leftovers();
    this.#run.end();
    server.readAll();
    this.#checks.leftovers(given);
    this.#checks.account(this.#actions.promises);
  }

  async #leftovers(): Promise<Undelivered[]> {
    const given: Undelivered[] = [];
    const read = async (): Promise<void> => {
      for await (const message of this.#nc.outbound.undelivered()) given.push(message);
    };
    const reading = new Outcome(read());
    await this.#until(() => reading.settled, "undelivered() did not end", 500);
    if (reading.error !== undefined) throw reading.error;
    return given;
  }

  /** The server behaves from now on: everything ends by itself. */
  async #heal(): Promise<void> {
    const nc = this.#nc;
    const run = this.#run;
    run.server.heal();
    const dials = run.server.connections.length;
    const broken = run.secret?.broken ?? 0;
    const poisonous = [...run.ledger.fates.live].filter(({ content }) => run.isTooMuch(content)).length;
    const { messages } = nc.outbound.held;
    const atRest = (): boolean => nc.outbound.held.messages === 0 && this.#run.attached !== undefined;
    await this.#until(() => this.over || atRest(), `${messages} messages stay held`, 200_000);
    const made = run.server.connections.length - dials;
    const most = CONNECTIONS + CONNECTIONS_A_CULPRIT * Math.max(poisonous, broken > 0 ? 1 : 0);
    if (made > most) throw new Error(`${made} connections were made for ${poisonous} messages that no server takes`);
    const flushed = new Outcome(nc.flush());
    await this.#until(() => this.over || flushed.settled, "the last flush did not settle", 100_000);
    if (flushed.error !== undefined && !nc.isClosed()) throw flushed.error;
    await this.#endInPeace();
  }

  /** Drains, unless that or `close()` was called before; the server heals after `ms`. */
  async #drainInTime(ms: number): Promise<void> {
    const { abandoned } = this.#nc.outbound.counts();
    const isOurs = !this.#nc.isClosed() && !this.#nc.isDraining();
    if (isOurs) this.#actions.drain(ms === 0 ? 60_000 : 300);
    if (isOurs) await this.#advance(ms);
    this.#run.server.heal();
    await this.#until(() => this.over, "closed() did not settle", 100_000);
    const gaveUp = this.#closed.value !== undefined;
    if (isOurs && ms === 0 && !gaveUp)
      assert.equal(this.#nc.outbound.counts().abandoned, abandoned, "drain() gave up what it could have sent");
  }

  async #closeAsItIs(slowly: boolean): Promise<void> {
    const { current } = this.#run.server;
    this.#actions.close();
    const read = (): void => current?.read(this.#run.setup.seed % 10_000);
    await this.#until(
      () => this.over,
      "close() took too long",
      3 * this.#run.options.closeTimeout + 500,
      slowly ? read : undefined,
    );
  }

  /** With a server that behaves, `close()` and `drain()` send everything: also what was published in the same turn. */
  async #endInPeace(): Promise<void> {
    const before = this.#nc.outbound.counts();
    const survives = this.#run.attached?.willBeCut === false;
    if (!this.over && before.accepted % 2 === 0) this.#actions.do({ do: "burst", count: 30, size: 900 });
    if (!this.over && before.accepted % 3 === 0) this.#actions.drain();
    else this.#actions.close();
    const { closeTimeout, reconnectTimeWait, reconnectJitter, outbound } = this.#run.options;
    // Each message that the server takes from nobody costs some connections.
    const aConnection = reconnectTimeWait + reconnectJitter + 2 * outbound.backlogDelay + A_HANDSHAKE;
    const culprits = this.#run.secret === undefined ? 0 : CONNECTIONS_A_CULPRIT * (this.#nc.outbound.held.messages + 1);
    await this.#until(() => this.over, "closed() did not settle", 500 + culprits * aConnection);
    const { accepted, confirmed, dropped } = this.#nc.outbound.counts();
    const sent = confirmed - before.confirmed + dropped - before.dropped;
    if (closeTimeout > 0 && survives && this.#run.secret === undefined)
      assert.equal(sent, accepted - before.accepted, "not everything was sent before the end");
  }

  async #advance(ms: number): Promise<void> {
    await this.#run.clock.advanceAsync(ms);
    this.#checks.check();
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
}

/** A healed server is reached within so many connections, and within so many more for each message that no server takes. */
const CONNECTIONS = 6;
const CONNECTIONS_A_CULPRIT = 8;
/** And what comes with each, ms. */
const A_HANDSHAKE = 50;
