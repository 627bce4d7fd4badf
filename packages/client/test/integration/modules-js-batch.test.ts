/** The official atomic batches on a Holdfast connection: a batch that an outage interrupts stores all of itself or nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch } from "@nats-io/jetstream";
import { seededRandom } from "../../src/testing/index.ts";
import { seedOf } from "./modules-js-cuts.ts";
import { atEachLevel, type JsLine, type JsOutage, openJs, together } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, statusOf } from "./peers-harness.ts";

const atomic = { needs: "2.12.0", stream: { allow_atomic: true } } as const;

test("an atomic batch on a calm link is stored whole, and acknowledged with its count", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const batch = await js.js.startBatch("events", "1");
      batch.add("events", "2");
      await batch.add("events", "3", { ack: true });
      const { count, seq } = await batch.commit("events", "4");
      assert.deepEqual([count, seq], [4, 4]);
      assert.deepEqual(await js.stored(), numbers(1, 4));
      assert.equal(js.nc.outbound.counts().expired, 0);
    },
    atomic,
  ),
);

test("an atomic batch cut in the middle stores nothing half: its commit() is refused, and a new batch works", limit, (t) =>
  atEachLevel(t, (js) => interrupted(js, "rst"), atomic),
);

test(
  "an atomic batch that a restart of the server interrupts stores nothing: its commit() is refused, and a new batch works",
  limit,
  (t) => atEachLevel(t, (js) => interrupted(js, "restart"), atomic),
);

test("an atomic batch that a black hole interrupts stores nothing: its commit() is refused, and a new batch works", limit, (t) =>
  atEachLevel(t, (js) => interrupted(js, "hole"), atomic),
);

/** The first two messages are with the server, the third is added during the outage, the rest behind it. */
async function interrupted(js: JsLine, outage: JsOutage): Promise<void> {
  const batch = await js.js.startBatch("events", "1");
  await batch.add("events", "2", { ack: true });
  await js.nc.flush();
  await js.through(outage, () => assert.equal(batch.add("events", "3"), true));
  batch.add("events", "4");
  await assert.rejects(batch.commit("events", "5", { timeout: 2_000 }), Error);
  assert.deepEqual(await js.stored(), []);
  assert.deepEqual(
    js.wire.sent("events").filter(({ text }) => text === "3"),
    [],
    "it belonged to the connection",
  );
  assert.deepEqual(lostOf(js), ["3"]);

  const { count } = await whole(js, "again");
  assert.equal(count, 20);
  assert.equal((await js.stored()).length, 20);
  assertIdentity(js.nc);
}

function lostOf(js: JsLine): string[] {
  return js.line.undelivered.filter(({ subject }) => subject === "events").map(({ data }) => new TextDecoder().decode(data));
}

async function whole(js: JsLine, name: string, timeout = 5_000): Promise<{ count: number }> {
  const batch = await js.js.startBatch("events", `${name} 1`, { timeout });
  return fill(batch, name, timeout);
}

async function fill(batch: Batch, name: string, timeout = 5_000): Promise<{ count: number }> {
  for (let number = 2; number < 20; number++) {
    const added = batch.add("events", `${name} ${number}`, { ack: number % 7 === 0, timeout });
    if (typeof added === "object") await added;
  }
  return batch.commit("events", `${name} 20`, { timeout });
}

test("atomic batches cut at random places are each stored whole or not at all", limit, async (t) => {
  const seed = seedOf(t);
  await atEachLevel(
    t,
    async (js, delivery) => {
      const random = seededRandom(seed + delivery.length);
      const committed: string[] = [];
      for (let number = 0; number < 6; number++) {
        const [connection] = js.line.proxy.connections;
        const back = statusOf(js.nc, "reconnect");
        const { toServer, toClient } = connection ?? assert.fail("no connection");
        // A batch is some 2 600 bytes to the server, and 300 from it.
        if (random() < 0.7) toServer.cutAfter(toServer.forwarded + 1 + Math.floor(random() * 2_500));
        else toClient.cutAfter(toClient.forwarded + 1 + Math.floor(random() * 250));
        await whole(js, `batch-${number}`, 500).then(
          () => committed.push(`batch-${number}`),
          () => {},
        );
        await connection?.cut();
        await back;
      }
      // Its time is not limited: a busy machine must not spoil the one that has to succeed.
      await whole(js, "last", 20_000);
      const stored = new Map<string, string[]>();
      for (const text of await js.stored()) {
        const [name = "", number = ""] = text.split(" ");
        stored.set(name, [...(stored.get(name) ?? []), number]);
      }
      for (const [name, texts] of stored) assert.deepEqual(texts, numbers(1, 20), name);
      for (const name of [...committed, "last"]) assert.ok(stored.has(name), `${name} was committed`);
      assertIdentity(js.nc);
    },
    atomic,
  );
});

test("commit() in flight at the cut rejects at its timeout, and is not sent again: the batch is stored once", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const batch = await js.js.startBatch("events", "1");
      js.line.proxy.toClient.hold();
      const rejected = assert.rejects(batch.commit("events", "2", { timeout: 1_000 }), /timeout/i);
      // Earlier its answer might come on the next connection.
      while ((await js.manager.streams.info("EVENTS")).state.messages < 2);
      await js.line.down();
      js.line.proxy.toClient.forward();
      await js.line.up();
      await rejected;
      await js.nc.flush();
      assert.equal(js.wire.sent("events").length, 2);
      assert.deepEqual(await js.stored(), ["1", "2"]);
    },
    atomic,
  ),
);

test("startBatch() while the link is cut rejects at its timeout, and nothing of it is sent afterwards", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      let rejected: Promise<void> | undefined;
      await js.through("rst", () => {
        rejected = assert.rejects(js.js.startBatch("events", "1", { timeout: 1_000 }), /timeout/i);
      });
      await js.nc.flush();
      assert.deepEqual(js.wire.sent("events"), []);
      assert.equal(js.nc.outbound.counts().expired, 1);
      await rejected;
      assertIdentity(js.nc);
    },
    atomic,
  ),
);

test("startBatch() while the link is cut, with retries, begins after the reconnect", limit, async (t) => {
  const js = await openJs(t, atomic);
  if (js === undefined) return;
  let starting: Promise<Batch> | undefined;
  await js.through("rst", () => {
    starting = js.js.startBatch("events", "begin 1", { timeout: 2_000, retries: 20 });
  });
  const batch = await starting;
  assert.equal((await fill(batch ?? assert.fail("not started"), "begin")).count, 20);
  assert.equal((await js.stored()).length, 20);
});

test(
  "a batch never throws because of a full buffer, nor with reconnectBuffer false: it is told by its commit()",
  limit,
  async (t) => {
    await together(
      [false as const, { maxMessages: 1 }].map(async (reconnectBuffer) => {
        const js = await openJs(t, { ...atomic, client: { reconnectBuffer } });
        if (js === undefined) return;
        const batch = await js.js.startBatch("events", "1");
        await js.through("rst", () => {
          if (reconnectBuffer !== false) js.nc.publish("orders", "it is full now");
          for (let number = 2; number < 10; number++) assert.equal(batch.add("events", String(number)), true);
        });
        await assert.rejects(batch.commit("events", "10", { timeout: 2_000 }), Error);
        assert.deepEqual(await js.stored(), []);
        assert.equal(js.nc.outbound.counts().expired, 8);
      }),
    );
  },
);
