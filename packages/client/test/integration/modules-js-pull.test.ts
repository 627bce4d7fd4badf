/** The official pull consumers on a Holdfast connection, through outages: what is asked for, and what comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { seededRandom } from "../../src/testing/index.ts";
import { cutAt, Publisher, seedOf } from "./modules-js-cuts.ts";
import { atEachLevel, Gate, type JsLine, type JsOutage, openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, statusOf, until } from "./peers-harness.ts";

test("a pull consumer with max_messages 10 never has more than 10 outstanding after its link was cut", limit, (t) =>
  atEachLevel(t, (js) => atMostTen(js, "rst")),
);

test("a pull consumer with max_messages 10 never has more than 10 outstanding after the server was restarted", limit, (t) =>
  atEachLevel(t, (js) => atMostTen(js, "restart")),
);

test("a pull consumer with max_messages 10 never has more than 10 outstanding after a black hole", limit, (t) =>
  atEachLevel(t, (js) => atMostTen(js, "hole")),
);

/**
 * The module asks for the next messages when its reader takes the last ones. Here that happens while the server is away: none of these
 * pulls may reach it later, beside the one of 10 with which the module begins anew.
 */
async function atMostTen(js: JsLine, outage: JsOutage): Promise<void> {
  await js.addWorker();
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  const messages = await consumer.consume({ max_messages: 10, expires: 5_000 });
  const seen: number[] = [];
  const gate = new Gate();
  const reading = (async () => {
    for await (const message of messages) {
      seen.push(message.seq);
      message.ack();
      await gate.opened;
    }
  })();
  await js.store(1, 10);
  await until("what came before the outage", () => messages.getReceived() === 10);
  const before = js.wire.last;
  await js.through(outage, async () => {
    gate.open();
    await until("all of that is read", () => seen.length === 10);
    if (outage !== "hole") await js.forgotten();
  });
  const { num_waiting } = await js.workerWhen("a pull waits", (info) => info.num_waiting > 0);
  if (outage !== "hole") assert.equal(num_waiting, 1);
  await js.nc.flush();
  const anew = js.wire.sent(".CONSUMER.MSG.NEXT.").filter(({ connection }) => connection > before);
  const { expired, inDoubt } = js.nc.outbound.counts();
  assert.deepEqual(
    anew.map(({ text }) => JSON.parse(text).batch),
    [10],
    "one pull, made anew",
  );
  // The test would prove nothing if there had been no pulls to lose.
  assert.ok(expired + inDoubt >= 2, `expired ${expired}, in doubt ${inDoubt}`);
  await js.store(11, 60);
  await until("all of it", () => seen.length >= 60);
  await messages.close();
  await reading;

  assert.deepEqual(seen, numbers(1, 60).map(Number));
  assert.equal(js.wire.mostOutstanding(), 10);
  assertIdentity(js.nc);
}

test("a quick flap, which the server does not see, leaves one pull made anew and nothing delivered twice", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    const seen: number[] = [];
    const consumer = await js.js.consumers.get("EVENTS", "worker");
    const messages = await consumer.consume({
      max_messages: 10,
      expires: 5_000,
      callback: (message) => {
        seen.push(message.seq);
        message.ack();
      },
    });
    for (let round = 0; round < 5; round++) {
      await js.store(round * 10 + 1, round * 10 + 10);
      await until("what was stored", () => seen.length === round * 10 + 10);
      await js.nc.flush();
      const before = js.wire.last;
      await js.line.flap();
      await until("a pull on the new connection", () =>
        js.wire.sent(".CONSUMER.MSG.NEXT.").some(({ connection }) => connection > before),
      );
    }
    await messages.close();
    assert.deepEqual(seen, numbers(1, 50).map(Number));
    assert.equal(js.wire.mostOutstanding(), 10);
  }),
);

test(
  "nc.reconnect() under a consume() that is read: every message is taken and acknowledged, and nothing is in doubt",
  limit,
  (t) =>
    atEachLevel(t, async (js) => {
      // What the server sent on the connection that was left comes again.
      await js.addWorker({ ack_wait: 1e9 });
      const seen: number[] = [];
      const consumer = await js.js.consumers.get("EVENTS", "worker");
      const messages = await consumer.consume({ max_messages: 10, expires: 5_000 });
      const reading = (async () => {
        for await (const message of messages) {
          seen.push(message.seq);
          message.ack();
        }
      })();
      const publisher = new Publisher(js);
      for (let move = 0; move < 5; move++) {
        const before = seen.length;
        await until("some more", () => seen.length > before + 20);
        const back = statusOf(js.nc, "reconnect");
        await js.nc.reconnect();
        await back;
      }
      await publisher.stop();
      await until("all of it", () => new Set(seen).size === publisher.stored);
      await js.workerWhen("all acknowledged", (info) => info.ack_floor.stream_seq === publisher.stored);
      await messages.close();
      await reading;
      assert.equal(js.nc.outbound.counts().inDoubt, 0);
      assertIdentity(js.nc);
    }),
);

test("a worker through cuts at random places takes every message, and in the end all are acknowledged", limit, async (t) => {
  const seed = seedOf(t);
  await atEachLevel(t, async (js, delivery) => {
    const random = seededRandom(seed + delivery.length);
    // What a cut swallows, or its acknowledgement, comes again.
    await js.addWorker({ ack_wait: 1e9 });
    const seen = new Set<number>();
    const consumer = await jetstream(js.nc, { timeout: 1_000 }).consumers.get("EVENTS", "worker");
    const messages = await consumer.consume({ max_messages: 10, expires: 1_000 });
    const reading = (async () => {
      for await (const message of messages) {
        seen.add(message.seq);
        message.ack();
      }
    })();
    const publisher = new Publisher(js);
    for (let cut = 0; cut < 5; cut++) await cutAt(js, random);
    await publisher.stop();
    await until("all of it", () => seen.size === publisher.stored, 40_000);
    await js.workerWhen("all acknowledged", (info) => info.ack_floor.stream_seq === publisher.stored);
    await messages.close();
    await reading;
    assertIdentity(js.nc);
  });
});

test("fetch() that waits through a cut gets what is stored afterwards, once", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  const messages = await consumer.fetch({ max_messages: 10, expires: 10_000 });
  const reading = (async () => {
    const seen: number[] = [];
    for await (const message of messages) {
      seen.push(message.seq);
      message.ack();
    }
    return seen;
  })();
  await js.nc.flush();
  await js.through("rst", () => js.forgotten());
  await js.store(1, 30);
  assert.deepEqual(await reading, numbers(1, 10).map(Number));
  await js.workerWhen("ten taken, and acknowledged", (info) => info.num_ack_pending === 0 && info.num_pending === 20);
});

test("fetch() called while the link is cut gets its messages after the reconnect", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  await js.store(1, 30);
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  let fetched: Promise<number[]> | undefined;
  await js.through("rst", () => {
    fetched = (async () => {
      const seen: number[] = [];
      for await (const message of await consumer.fetch({ max_messages: 10, expires: 10_000 })) seen.push(message.seq);
      return seen;
    })();
  });
  assert.deepEqual(await fetched, numbers(1, 10).map(Number));
  // Its pull of the time while down was not held: one pull was sent, the one after the reconnect.
  assert.equal(js.wire.sent(".CONSUMER.MSG.NEXT.").length, 1);
  assert.equal((await js.worker()).num_ack_pending, 10);
});

test("next() that waits through a restart of the server gets the message stored afterwards", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  const next = consumer.next({ expires: 15_000 });
  await js.nc.flush();
  await js.through("restart");
  await js.workerWhen("a pull waits", (info) => info.num_waiting === 1);
  await js.store(1, 3);
  const message = await next;
  assert.equal(message?.seq, 1);
  assert.equal(await message?.ackAck(), true);
  assert.equal((await js.worker()).ack_floor.stream_seq, 1);
});
