import assert from "node:assert/strict";
import { test } from "node:test";
import type { Server } from "@nats-io/nats-core";
import { Chooser, type ChooserOptions } from "../../src/session/chooser.ts";
import { ServerPool } from "../../src/session/pool.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const options: ChooserOptions = {
  reconnectTimeWait: 100,
  reconnectJitter: 0,
  reconnectJitterTLS: 50,
  reconnectDelayHandler: undefined,
  reconnectToServer: undefined,
};

/** A chooser between a and b, whose answers come as text. */
class Choices {
  readonly clock: VirtualClock = new VirtualClock();
  readonly pool: ServerPool = new ServerPool(["a", "b"], { randomize: false, random: () => 0 });
  readonly #chooser: Chooser;

  constructor(changes: Partial<ChooserOptions> = {}) {
    this.#chooser = new Chooser({ ...options, ...changes }, this.pool, this.clock, () => {});
  }

  choose(fresh: boolean, tls: boolean = false): string {
    const choice = this.#chooser.choose({ do: "select", among: "all", fresh }, tls, undefined);
    switch (choice.type) {
      case "chosen":
        return `${choice.server.hostname} in ${choice.delayMs}`;
      case "notDue":
        return `nobody for ${choice.delayMs}`;
      case "exhausted":
        return "nobody";
      case "handlerFailed":
        return choice.error.message;
    }
  }
}

test("servers that were never dialled are chosen at once, one after the other", () => {
  const choices = new Choices();
  assert.deepEqual([choices.choose(true), choices.choose(true)], ["a in 0", "b in 0"]);
});

test("then nobody is due until the waiting time of the first is over", () => {
  const choices = new Choices();
  choices.choose(true);
  choices.clock.advance(30);
  choices.choose(true);
  assert.equal(choices.choose(true), "nobody for 70");
  choices.clock.advance(70);
  assert.equal(choices.choose(false), "a in 0");
});

test("also without a waiting time a server that was dialled is due only after a timer", () => {
  const choices = new Choices({ reconnectDelayHandler: () => 0 });
  choices.choose(true);
  choices.choose(true);
  assert.equal(choices.choose(true), "nobody for 0");
  assert.equal(choices.choose(false), "a in 0");
});

test("the waiting time is drawn once for an attempt, not again when the timer has fired", () => {
  let draws = 0;
  const choices = new Choices({ reconnectDelayHandler: () => ++draws * 10 });
  choices.choose(true);
  choices.choose(true);
  assert.equal(choices.choose(true), "nobody for 30");
  assert.equal(choices.choose(false), "nobody for 30");
  assert.equal(draws, 3);
});

test("under TLS the other jitter is in the waiting time", () => {
  const choices = new Choices();
  choices.choose(true);
  choices.choose(true);
  assert.match(choices.choose(true, true), /^nobody for 1[0-4]\d$|^nobody for 150$/);
});

test("an empty pool has nobody", () => {
  const choices = new Choices();
  for (const { listen } of choices.pool.snapshot()) {
    const server = choices.pool.find(listen);
    assert.ok(server !== undefined);
    choices.pool.failed(server, 1);
  }
  assert.equal(choices.choose(true), "nobody");
});

const b = (pool: readonly Server[]): Server => pool.find((server) => server.hostname === "b") ?? assert.fail();

for (const [delay, expected] of [
  [25.7, "b in 25"],
  [0, "b in 0"],
  [-1, "b in 0"],
  [Number.NaN, "b in 0"],
  [Number.POSITIVE_INFINITY, "b in 0"],
] as const) {
  test(`a handler that wants b in ${delay} ms gets "${expected}", as in nats-core`, () => {
    assert.equal(new Choices({ reconnectToServer: (pool) => ({ server: b(pool), delay }) }).choose(true), expected);
  });
}

test("a server that the handler passed over has had its turn", () => {
  const choices = new Choices({ reconnectToServer: b });
  assert.deepEqual([choices.choose(true), choices.choose(true), choices.choose(true)], ["b in 0", "b in 0", "nobody for 100"]);
});

test("the handler cannot change the pool through what it is given", () => {
  const choices = new Choices({
    reconnectToServer: (pool) => {
      assert.throws(() => Object.assign(pool[0] ?? assert.fail(), { listen: "evil:1" }), TypeError);
      return null;
    },
  });
  assert.equal(choices.choose(true), "a in 0");
});
