/** What the official `consume()` tells of a server that does not answer, and how consumers end while there is none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConsumerMessages, type JsMsg, jetstream } from "@nats-io/jetstream";
import { atEachLevel, openJs } from "./modules-js-harness.ts";
import { limit, numbers, statusOf, until } from "./peers-harness.ts";

/** Keeps the types of what a consumer tells. */
function tellings(messages: ConsumerMessages): string[] {
  const told: string[] = [];
  void (async () => {
    for await (const { type } of messages.status()) told.push(type);
  })();
  return told;
}

test(
  "consume() sees heartbeats, tells of missed ones while the server is frozen, and goes on when it is not",
  limit,
  async (t) => {
    const js = await openJs(t, { client: { stallTimeout: 30_000 } });
    if (js === undefined) return;
    await js.addWorker();
    const { messages, taken } = await js.take(0, { expires: 1_000 });
    const told = tellings(messages);
    await until("a heartbeat", () => told.includes("heartbeat"));
    await js.line.server.freeze();
    await until("some are missed", () => told.includes("heartbeats_missed"));
    js.line.server.thaw();
    await js.store(1, 10);
    await until("what was stored afterwards", () => taken.length >= 10);
    assert.deepEqual(
      taken.map(({ seq }) => seq),
      numbers(1, 10).map(Number),
    );
    await messages.close();
  },
);

test("a consume() that only waits finds a black hole by its missed heartbeats, and goes on behind it", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    // The module asks for the consumer's figures when heartbeats are missed: into the hole, and it waits for the answer so long.
    const consumer = await jetstream(js.nc, { timeout: 1_000 }).consumers.get("EVENTS", "worker");
    const seen = new Set<number>();
    const callback = (message: JsMsg): void => void seen.add(message.seq);
    const messages = await consumer.consume({ max_messages: 10, expires: 1_000, callback });
    const told = tellings(messages);
    await until("a heartbeat", () => told.includes("heartbeat"));
    await js.nc.flush();
    const back = statusOf(js.nc, "reconnect");
    for (const { toServer, toClient } of js.line.proxy.connections) {
      toServer.swallow();
      toClient.swallow();
    }
    // Nobody but the consumer asks for anything.
    await back;
    assert.ok(told.includes("heartbeats_missed"));
    await js.store(1, 10);
    await until("what was stored afterwards", () => seen.size === 10, 40_000);
    await messages.close();
  }),
);

test("close() of a consumer while the link is cut ends it at once: with a callback, with a reader, and fetch()", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    await js.store(1, 3);
    const consumer = await js.js.consumers.get("EVENTS", "worker");
    const { messages: called } = await js.take(3);
    const read = await consumer.consume({ max_messages: 10 });
    const fetched = await consumer.fetch({ max_messages: 10, expires: 60_000 });
    const reading = [drainOf(read), drainOf(fetched)];
    await js.through("rst", async () => {
      await Promise.all([called.close(), read.close(), fetched.close()]);
      await Promise.all(reading);
    });
    const before = js.wire.sent(".CONSUMER.").length;
    await js.nc.flush();
    await js.store(4, 10);
    assert.equal(js.wire.sent(".CONSUMER.").length, before);
    await js.forgotten();
  }),
);

test("close() of the connection while the link is cut ends consume(), fetch() and next()", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    const consumer = await js.js.consumers.get("EVENTS", "worker");
    const { messages: called } = await js.take(0);
    const read = await consumer.consume({ max_messages: 10 });
    const fetched = await consumer.fetch({ max_messages: 10, expires: 60_000 });
    const next = consumer.next({ expires: 60_000 });
    const ends = [called.closed(), drainOf(read), drainOf(fetched), next.catch(() => null)];
    await js.line.down();
    await js.nc.close();
    await Promise.all(ends);
  }),
);

test("drain() while a consumer reads: what it had taken is acknowledged before the connection closes", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    await js.store(1, 20);
    const { taken } = await js.take(20);
    for (const message of taken) message.ack();
    await js.nc.drain();
    await js.workerWhen("all acknowledged", (info) => info.num_ack_pending === 0 && info.ack_floor.stream_seq === 20);
  }),
);

test("fetch() whose time passes while the link is cut ends, and leaves nothing on the server", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  const messages = await consumer.fetch({ max_messages: 10, expires: 1_000 });
  const reading = drainOf(messages);
  await js.nc.flush();
  await js.through("rst", () => js.forgotten());
  assert.deepEqual(await reading, []);
  await js.store(1, 1);
  assert.equal((await js.worker()).num_ack_pending, 0);
});

/** Reads to the end, however that comes. */
async function drainOf(messages: ConsumerMessages): Promise<number[]> {
  const seen: number[] = [];
  try {
    for await (const message of messages) seen.push(message.seq);
  } catch {
    // The end by an error is an end.
  }
  return seen;
}
