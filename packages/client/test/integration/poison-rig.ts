/** Messages of which a server will not take some, published without a pause, and what must have become of them all. */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery, HoldfastConnection, Undelivered } from "../../src/index.ts";
import { allHandedBack, assertIdentity, until } from "./peers-harness.ts";

/** The most connections that finding one poison frame may cost. */
export const EXTRA_CONNECTIONS = 6;

/** While one frame goes at a time, such a publisher is faster. */
export const ROOM: number = 512 * 1024 * 1024;

/** Subjects of everything that is published begin with this. */
export const ROOT = "p";

/** One publisher. Messages are known by number, 0 up, in the order in which they were accepted. */
export class PoisonPublisher {
  /** To be given to `onUndelivered`. */
  readonly undelivered: Undelivered[] = [];
  /** The numbers of the messages that the server will not take. */
  readonly poison: Set<number> = new Set();
  /** The numbers of the requests: at no level are they sent again. */
  readonly requests: Set<number> = new Set();
  #published = 0;
  #flowing: Promise<void> | undefined;
  #stopped = false;

  /** One message with a payload of at least this many bytes. */
  publish(nc: HoldfastConnection, bytes: number = 100, subject: string = `${ROOT}.small`): void {
    nc.publish(subject, `${this.#published} `.padEnd(bytes, "."));
    this.#published += 1;
  }

  burst(nc: HoldfastConnection, count: number): void {
    for (let sent = 0; sent < count; sent++) this.publish(nc);
  }

  /** One that the server will not take. */
  publishPoison(nc: HoldfastConnection, bytes: number, subject?: string): void {
    this.poison.add(this.#published);
    this.publish(nc, bytes, subject);
  }

  /** A request, whose answer nobody waits for. */
  request(nc: HoldfastConnection, bytes: number = 100): void {
    this.requests.add(this.#published);
    nc.request(`${ROOT}.request`, `${this.#published} `.padEnd(bytes, "."), { timeout: 60_000 }).catch(() => {});
    this.#published += 1;
  }

  requestPoison(nc: HoldfastConnection, bytes: number): void {
    this.poison.add(this.#published);
    this.request(nc, bytes);
  }

  /** From now on publishes one message in each turn of the event loop, until `settle()`. */
  flow(nc: HoldfastConnection): void {
    this.#flowing = (async () => {
      for (; !this.#stopped; await nextTurn()) this.publish(nc);
    })();
    // `settle()` tells.
    this.#flowing.catch(() => {});
  }

  /** Stops the flow when the poison is found. Resolves when everything has ended and is handed back where it is to be. */
  async settle(nc: HoldfastConnection): Promise<void> {
    await until("all poison is handed back", () => {
      const back = new Set(this.undelivered.map(({ data }) => numberOf(data)));
      return [...this.poison].every((number) => back.has(number));
    });
    this.#stopped = true;
    await this.#flowing;
    while (nc.outbound.held.messages > 0) await nc.flush().catch(() => {});
    await allHandedBack(nc, this.undelivered);
    assertIdentity(nc);
    assert.equal(nc.outbound.counts().accepted, this.#published);
  }

  /** `arrived`: the numbers of what the server took, in its order, copies too. */
  judge(delivery: Delivery, arrived: readonly number[]): void {
    const back = new Map(this.undelivered.map((message) => [numberOf(message.data), message.state]));
    assert.equal(back.size, this.undelivered.length, "a message was handed back twice");
    for (const number of this.poison) assert.ok(back.has(number), `poison message ${number} was not handed back`);
    const first = [...new Set(arrived)];
    assert.deepEqual(first.filter((number) => this.poison.has(number)).slice(0, 5), [], "a poison message arrived");
    assert.deepEqual(
      first,
      [...first].sort((a, b) => a - b),
    );
    const all = Array.from({ length: this.#published }, (_, number) => number);
    const came = new Set(first);
    assert.deepEqual(all.filter((number) => !came.has(number) && !back.has(number)).slice(0, 5), [], "lost");
    if (delivery === "at-most-once") {
      assert.equal(first.length, arrived.length, "a message arrived twice");
      this.#judgeInDoubt([...back.keys()].sort((a, b) => a - b));
    } else {
      const aside = [...back.keys()].filter((number) => !this.requests.has(number));
      const expected = [...this.poison].filter((number) => !this.requests.has(number));
      assert.deepEqual(aside.sort(), expected.sort(), "only poison is set aside");
      assert.deepEqual(
        arrived.filter((number, index) => this.requests.has(number) && arrived.indexOf(number) !== index),
        [],
        "a request was sent again",
      );
    }
    for (const [number, state] of back) {
      const allowed = this.poison.has(number) ? ["rejected", "inDoubt", "undeliverable"] : ["inDoubt"];
      assert.ok(allowed.includes(state), `message ${number} ended ${state}`);
    }
  }

  /** At-most-once: each run of messages that were handed back was in flight together with a poison message. */
  #judgeInDoubt(numbers: readonly number[]): void {
    let hasPoison = true;
    let last = Number.NaN;
    for (const number of [...numbers, Infinity]) {
      if (number !== last + 1) {
        assert.ok(hasPoison, `what ended with message ${last} was not in flight with a poison message`);
        hasPoison = false;
      }
      hasPoison ||= this.poison.has(number);
      last = number;
    }
  }
}

/** The number of a message. */
export function numberOf(payload: Uint8Array | string): number {
  return Number.parseInt(typeof payload === "string" ? payload : Buffer.from(payload).toString("latin1"), 10);
}
