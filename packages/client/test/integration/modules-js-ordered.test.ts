/** The official ordered consumers on a Holdfast connection: no gap and no duplicate, wherever the link is cut. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type JetStreamClient, type JsMsg, jetstream } from "@nats-io/jetstream";
import { seededRandom } from "../../src/testing/index.ts";
import { cutAt, Publisher, seedOf } from "./modules-js-cuts.ts";
import { atEachLevel, type JsLine, type JsOutage } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, pause, until } from "./peers-harness.ts";

/** Starts an ordered consumer of the stream, and returns what stops it. */
type Start = (js: JetStreamClient, take: (message: JsMsg) => void) => Promise<() => Promise<unknown>>;

const pull: Start = async (js, take) => {
  const consumer = await js.consumers.get("EVENTS");
  const messages = await consumer.consume({ max_messages: 200, expires: 2_000, callback: take });
  return () => messages.close();
};

const push: Start = async (js, take) => {
  const messages = await (await js.consumers.getPushConsumer("EVENTS")).consume({ callback: take });
  return () => messages.close();
};

test("an ordered pull consumer has neither gap nor duplicate through cuts at random places", limit, (t) => cutAnywhere(t, pull));

test("an ordered push consumer has neither gap nor duplicate through cuts at random places", limit, (t) => cutAnywhere(t, push));

const CUTS = 5;

async function cutAnywhere(t: TestContext, start: Start): Promise<void> {
  const seed = seedOf(t);
  await atEachLevel(t, async (js, delivery) => {
    const random = seededRandom(seed + delivery.length);
    const seen: number[] = [];
    // A request of the module that the cut has swallowed is made again after its timeout.
    const stop = await start(jetstream(js.nc, { timeout: 1_000 }), (message) => void seen.push(message.seq));
    const publisher = new Publisher(js);
    for (let cut = 0; cut < CUTS; cut++) await cutAt(js, random);
    await publisher.stop();
    // Messages behind the last one show a gap to a consumer that only reads.
    const behind = new Publisher(js);
    await until("what was stored before the last cut", () => (seen.at(-1) ?? 0) > publisher.stored, 40_000);
    await behind.stop();
    await until("all of it", () => seen.at(-1) === publisher.stored + behind.stored, 40_000);
    await stop();
    assert.deepEqual(seen, numbers(1, publisher.stored + behind.stored).map(Number));
    assertIdentity(js.nc);
  });
}

test("an ordered push consumer goes on after its link was cut, without gap or duplicate", limit, (t) =>
  atEachLevel(t, (js) => orderedThrough(js, push, "rst")),
);

test("an ordered push consumer goes on after a black hole, without gap or duplicate", limit, (t) =>
  atEachLevel(t, (js) => orderedThrough(js, push, "hole")),
);

test("an ordered pull consumer goes on after a black hole, without gap or duplicate", limit, (t) =>
  atEachLevel(t, (js) => orderedThrough(js, pull, "hole")),
);

/** 50 messages before the outage, 50 in it and 50 after it. */
async function orderedThrough(js: JsLine, start: Start, outage: JsOutage): Promise<void> {
  const seen: number[] = [];
  const stop = await start(jetstream(js.nc, { timeout: 1_000 }), (message) => void seen.push(message.seq));
  await js.store(1, 50);
  await until("what came before the outage", () => seen.length === 50);
  await js.through(outage, () => js.store(51, 100));
  await js.store(101, 150);
  await until("all of it", () => seen.at(-1) === 150, 40_000);
  await stop();
  assert.deepEqual(seen, numbers(1, 150).map(Number));
}

test("fetch() of an ordered consumer goes on where it was after its link was cut", limit, (t) =>
  atEachLevel(t, (js) => fetchThrough(js, "rst")),
);

test("fetch() of an ordered consumer goes on where it was after the server was restarted, which has forgotten it", limit, (t) =>
  atEachLevel(t, (js) => fetchThrough(js, "restart")),
);

/** A fetch() may fail for want of its consumer; the next one makes that anew. */
async function fetchThrough(js: JsLine, outage: JsOutage): Promise<void> {
  await js.store(1, 30);
  const consumer = await js.js.consumers.get("EVENTS");
  const seen: number[] = [];
  const fetch = async (): Promise<void> => {
    const messages = await consumer.fetch({ max_messages: 10, expires: 1_000 });
    for await (const message of messages) seen.push(message.seq);
  };
  await fetch();
  assert.equal(seen.length, 10);
  await js.through(outage);
  for (let attempt = 0; attempt < 10 && seen.length < 30; attempt++) await fetch().catch(() => {});
  assert.deepEqual(seen, numbers(1, 30).map(Number));
}

test("an ordered consumer that is closed while the link is cut ends at once, and asks for nothing afterwards", limit, (t) =>
  atEachLevel(t, async (js) => {
    for (const start of [pull, push]) {
      const seen: number[] = [];
      const stop = await start(js.js, (message) => void seen.push(message.seq));
      await js.through("rst", stop);
      const before = js.wire.sent("$JS.API.CONSUMER.").length;
      await js.store(1, 20);
      await js.nc.flush();
      await pause(50);
      assert.deepEqual(seen, []);
      assert.equal(js.wire.sent("$JS.API.CONSUMER.").length, before);
      await js.manager.streams.purge("EVENTS");
    }
  }),
);
