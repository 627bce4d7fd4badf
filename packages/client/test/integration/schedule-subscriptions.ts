import type { Msg, Subscription, SubscriptionOptions } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import type { Entry } from "./schedule-entry.ts";
import { isForbidden } from "./schedule-ledger.ts";
import type { Step } from "./schedule-steps.ts";

/** A message that the server sent to a subscription. */
interface Sent {
  readonly connection: ServerConnection;
  readonly n: number;
}

/** One subscription as its user sees it. */
interface Followed {
  readonly sub: Subscription;
  readonly sid: number;
  /** When it was made, and by which call it ended: the numbers of these calls. */
  readonly from: number;
  to: number;
  /** The same, if that call was `unsubscribe()`: its UNSUB goes at its place. */
  quit: number | undefined;
  max: number;
  readonly received: number[];
  /** What was sent to it and should have arrived. */
  owed: Sent[];
  closed: boolean;
}

/** What subscriptions need of the run. */
export interface SubscriptionEvents {
  /** The number of the next call. */
  next(): number;
  /** A message with a reply subject was received: the answer is message `id`. */
  respond(msg: Msg, id: number): void;
  fail(what: string): void;
}

/** All subscriptions of the user: what each server was told of them, and what they received. */
export class Subscriptions {
  readonly #events: SubscriptionEvents;
  readonly #all: Followed[] = [];
  #sent = 0;

  constructor(events: SubscriptionEvents) {
    this.#events = events;
  }

  /** How many have not come to their end. */
  get open(): number {
    return this.#all.filter((followed) => !followed.closed).length;
  }

  subscribe(nc: HoldfastConnection, step: Extract<Step, { do: "subscribe" }>): void {
    const from = this.#events.next();
    const options: SubscriptionOptions = {
      ...(step.max > 0 ? { max: step.max } : {}),
      ...(step.queue ? { queue: "q" } : {}),
      ...(step.timeout > 0 ? { timeout: step.timeout } : {}),
    };
    try {
      const callback = (error: Error | null, msg: Msg): void => {
        if (error === null) this.#received(followed, msg);
      };
      const sub = nc.subscribe(`s.${from}`, step.iterate ? options : { ...options, callback });
      const max = step.max > 0 ? step.max : Infinity;
      const ends = { to: Infinity, quit: undefined, closed: false };
      const followed: Followed = { sub, sid: sub.getID(), from, ...ends, max, received: [], owed: [] };
      this.#all.push(followed);
      sub.closed.then(
        () => this.#ended(followed),
        () => this.#events.fail(`closed of s.${from} rejected`),
      );
      if (step.iterate) this.#iterate(followed);
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
  }

  unsubscribe(which: number, wanted: number): void {
    const followed = this.#pick(which);
    if (followed === undefined) return;
    // A count that is raised may come too late: the server has ended the subscription by then, as with every client.
    const max = wanted === 0 ? 0 : Math.min(wanted, followed.max);
    const call = this.#events.next();
    if (max > 0) followed.max = max;
    else if (followed.to === Infinity && followed.max === Infinity) followed.quit = call;
    if (max === 0 || followed.received.length >= max) followed.to = Math.min(followed.to, call);
    followed.sub.unsubscribe(max > 0 ? max : undefined);
  }

  drain(which: number): void {
    const followed = this.#pick(which);
    if (followed === undefined) return;
    followed.to = Math.min(followed.to, this.#events.next());
    followed.sub.drain().catch((error: unknown) => this.#events.fail(`drain of s.${followed.from}: ${error}`));
  }

  /** `nc.drain()` or `nc.close()` ends all of them. */
  endAll(): void {
    const call = this.#events.next();
    for (const followed of this.#all) followed.to = Math.min(followed.to, call);
  }

  /** The server sends `count` messages to one of the subscriptions it knows. */
  deliver(connection: ServerConnection, step: Extract<Step, { do: "deliver" }>): void {
    const known = this.#all.filter((followed) => connection.sids.left(followed.sid) > 0);
    const followed = known[step.which % Math.max(1, known.length)];
    if (followed === undefined) return;
    for (let i = 0; i < step.count; i++) {
      const n = this.#sent++;
      const reply = step.reply ? `m.${this.#events.next()}` : "";
      const sent = connection.deliver(followed.sid, `s.${followed.from}`, reply, `${n} `.padEnd(step.size, "."));
      if (sent) followed.owed.push({ connection, n });
    }
  }

  /** The server reads a message of call `seq`: every subscription called before it and still wanted must be there, and none that ended before it. */
  checkAt(connection: ServerConnection, { content: { id }, seq, on }: Entry): void {
    for (const { from, to, quit, sid } of this.#all) {
      if (from > seq) continue;
      if (quit !== undefined && seq < quit && on === connection && connection.sids.ended(sid))
        this.#events.fail(`message ${id} was read on connection ${connection.index} behind the later UNSUB of s.${from}`);
      if (to === Infinity && !connection.sids.seen(sid)) {
        this.#events.fail(`message ${id} was read on connection ${connection.index} before the SUB of s.${from}`);
      }
      if (to < seq && connection.sids.left(sid) > 0) {
        this.#events.fail(`message ${id} was read on connection ${connection.index} before the UNSUB of s.${from}`);
      }
    }
  }

  /**
   * When nothing is due: what was sent on the connection that is attached has arrived; and when nothing waits in the log (`idle`), the
   * server has every subscription, with what is left of its count.
   */
  check(attached: ServerConnection | undefined, idle: boolean): void {
    if (attached !== undefined && idle) this.#compare(attached);
    for (const followed of this.#all) {
      const { sub, owed, received, to, from } = followed;
      if (attached !== undefined && to === Infinity && received.length < followed.max) {
        const missing = owed.find((sent) => sent.connection === attached && !received.includes(sent.n));
        if (missing !== undefined) this.#events.fail(`s.${from} did not receive message ${missing.n}`);
      }
      followed.owed = [];
      if (sub.getReceived() < received.length)
        this.#events.fail(`s.${from}: getReceived() is ${sub.getReceived()} of ${received.length}`);
    }
  }

  #compare(attached: ServerConnection): void {
    for (const { sid, from, to, max, received } of this.#all) {
      const left = to < Infinity ? 0 : max - received.length;
      const leftThere = attached.sids.left(sid);
      if (left !== leftThere) this.#events.fail(`s.${from} expects ${left} more, the server of ${attached.index} ${leftThere}`);
    }
  }

  #pick(which: number): Followed | undefined {
    const open = this.#all.filter(({ sub, closed }) => !closed && !sub.isDraining());
    return open[which % Math.max(1, open.length)];
  }

  #received(followed: Followed, msg: Msg): void {
    const { received, from, max } = followed;
    const n = Number.parseInt(msg.string(), 10);
    const last = received.at(-1) ?? -1;
    received.push(n);
    if (msg.subject !== `s.${from}`) this.#events.fail(`s.${from} received a message to ${msg.subject}`);
    if (n <= last) this.#events.fail(`s.${from} received ${n} behind ${last}`);
    if (received.length > max) this.#events.fail(`s.${from} received ${received.length} of ${max}`);
    // The call at which it ends by its count: everything published from now on is behind its UNSUB.
    if (received.length >= max) followed.to = Math.min(followed.to, this.#events.next());
    const reply = msg.reply ?? "";
    if (reply !== "") this.#events.respond(msg, Number(reply.slice(2)));
  }

  #ended(followed: Followed): void {
    followed.closed = true;
    followed.to = Math.min(followed.to, this.#events.next());
  }

  #iterate(followed: Followed): void {
    const read = async (): Promise<void> => {
      for await (const msg of followed.sub) this.#received(followed, msg);
    };
    // A timeout is thrown to the reader.
    read().catch((error: unknown) => {
      if (!(error instanceof Error) || error.name !== "TimeoutError") this.#events.fail(`s.${followed.from} threw ${error}`);
    });
  }
}
