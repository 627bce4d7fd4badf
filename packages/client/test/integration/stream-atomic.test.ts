/** `publishToStream()` in mode "atomic": a batch is stored whole or not at all, and once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchAck, type BatchMessage, JetStreamApiError, publishToStream } from "../../src/index.ts";
import { seededRandom } from "../../src/testing/index.ts";
import { seedOf } from "./modules-js-cuts.ts";
import { atEachLevel, type JsOutage, openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, pause } from "./peers-harness.ts";

const atomic = { needs: "2.15.0", stream: { allow_atomic: true } } as const;

test("batches are stored whole and in order, and acknowledged as by the official module", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const events = publishToStream(js.nc, { mode: "atomic" });
      const acks = await Promise.all([events.publish(batch(1, 3)), events.publish(batch(4, 4)), events.publish(batch(5, 1_004))]);
      assert.deepEqual(
        acks.map(({ stream, seq, count, duplicate }) => ({ stream, seq, count, duplicate })),
        [3, 4, 1_004].map((seq, index) => ({ stream: "EVENTS", seq, count: [3, 1, 1_000][index], duplicate: false })),
      );
      const theirs = await js.js.startBatch("events", "a");
      const ack = await theirs.commit("events", "b");
      assert.deepEqual(
        Object.keys(acks[0] ?? {})
          .filter((key) => key !== "duplicate")
          .sort(),
        Object.keys(ack).sort(),
      );
      assert.deepEqual((await js.stored()).slice(0, 10), numbers(1, 10));
      await events.close();
      assertIdentity(js.nc);
    },
    atomic,
  ),
);

for (const outage of ["rst", "restart", "hole"] as const satisfies readonly JsOutage[]) {
  test(`batches outstanding at an outage (${outage}), and published in it, are stored once and whole`, limit, (t) =>
    atEachLevel(
      t,
      async (js) => {
        const events = publishToStream(js.nc, { mode: "atomic" });
        const acks: Promise<BatchAck>[] = [];
        for (let first = 1; first <= 200; first += 50) acks.push(events.publish(batch(first, first + 49)));
        await js.through(outage, () => {
          for (let first = 201; first <= 300; first += 50) acks.push(events.publish(batch(first, first + 49)));
        });
        for (const [index, { seq, count }] of (await Promise.all(acks)).entries()) {
          assert.deepEqual([seq, count], [(index + 1) * 50, 50]);
        }
        assert.deepEqual(await js.stored(), numbers(1, 300));
        assertIdentity(js.nc);
      },
      atomic,
    ),
  );
}

test("a commit whose acknowledgement is lost is found by its id: a duplicate, stored once", limit, async (t) => {
  const js = await openJs(t, atomic);
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "atomic" });
  js.line.proxy.toClient.hold();
  const ack = events.publish(batch(1, 5));
  while ((await js.manager.streams.info("EVENTS")).state.messages < 5);
  await js.line.down();
  js.line.proxy.toClient.forward();
  await js.line.up();
  assert.deepEqual(await ack, { stream: "EVENTS", seq: 5, duplicate: true, batch: "", count: 5 });
  assert.deepEqual(await js.stored(), numbers(1, 5));
});

test("without ids a commit whose acknowledgement is lost is in doubt, and not sent again", limit, async (t) => {
  const js = await openJs(t, atomic);
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "atomic", dedupe: false });
  js.line.proxy.toClient.hold();
  const ack = events.publish(batch(1, 5)).catch((error: unknown) => error);
  while ((await js.manager.streams.info("EVENTS")).state.messages < 5);
  await js.line.down();
  js.line.proxy.toClient.forward();
  await js.line.up();
  assert.equal(((await ack) as { state?: string }).state, "inDoubt");
  assert.deepEqual(await js.stored(), numbers(1, 5));
});

test("a batch of which one message is refused stores nothing, and rejects with JetStream's error", limit, async (t) => {
  const js = await openJs(t, atomic);
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "atomic" });
  const messages = batch(1, 5);
  messages[0] = { subject: "events", payload: "1", options: { expect: { lastSequence: 7 } } };
  await assert.rejects(events.publish(messages), { name: "JetStreamApiError", code: 10071, state: "notStored" });
  await assert.rejects(events.publish([]), { name: "InvalidArgumentError" });
  await assert.rejects(events.publish(batch(1, 1_001)), { name: "JetStreamApiError", code: 10199 });
  const known = batch(6, 8);
  known[1] = { subject: "events", payload: "7", options: { msgID: "seven" } };
  assert.equal((await events.publish(known)).seq, 3);
  await assert.rejects(events.publish(known), { name: "JetStreamApiError", code: 10201, state: "notStored" });
  assert.deepEqual(await js.stored(), ["6", "7", "8"]);
});

test("a stream without allow_atomic refuses every batch with JetStream's error", limit, async (t) => {
  const js = await openJs(t, { needs: "2.12.0" });
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "atomic" });
  const error = await events.publish(batch(1, 3)).catch((reason: unknown) => reason);
  assert.ok(error instanceof JetStreamApiError);
  assert.deepEqual([error.code, error.state], [10174, "notStored"]);
  await pause(50);
  assert.deepEqual(await js.stored(), []);
});

test("batches cut at random places are each stored once and whole, in order", limit, async (t) => {
  const seed = seedOf(t);
  await atEachLevel(
    t,
    async (js, delivery) => {
      const random = seededRandom(seed + delivery.length);
      const events = publishToStream(js.nc, { mode: "atomic", maxOutstanding: 4 });
      const acks: Promise<BatchAck>[] = [];
      for (let first = 1; first <= 1_000; first += 20) {
        const [connection] = js.line.proxy.connections;
        if (connection !== undefined && random() < 0.4) {
          // A batch is some 2 600 bytes to the server, and 200 from it.
          const flow = random() < 0.6 ? connection.toServer : connection.toClient;
          flow.cutAfter(flow.forwarded + 1 + Math.floor(random() * (flow === connection.toServer ? 5_000 : 400)));
        }
        await events.ready();
        acks.push(events.publish(batch(first, first + 19)));
      }
      for (const [index, { seq }] of (await Promise.all(acks)).entries()) assert.equal(seq, (index + 1) * 20);
      assert.deepEqual(await js.stored(), numbers(1, 1_000));
      assertIdentity(js.nc);
    },
    atomic,
  );
});

function batch(from: number, to: number): BatchMessage[] {
  return numbers(from, to).map((number) => ({ subject: "events", payload: number }));
}
