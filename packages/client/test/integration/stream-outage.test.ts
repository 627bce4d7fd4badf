/** `publishToStream()` through outages: what is acknowledged is stored, what is stored is stored once, and in order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PubAck, publishToStream, StreamPublishError, TimeoutError } from "../../src/index.ts";
import { seededRandom } from "../../src/testing/index.ts";
import { seedOf } from "./modules-js-cuts.ts";
import { atEachLevel, type JsLine, type JsOutage, openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, pause, until } from "./peers-harness.ts";

for (const outage of ["rst", "restart", "hole"] as const satisfies readonly JsOutage[]) {
  test(`messages outstanding at an outage (${outage}), and published in it, are stored once, in order`, limit, (t) =>
    atEachLevel(t, async (js) => {
      const events = publishToStream(js.nc);
      const acks: Promise<PubAck>[] = [];
      const publish = async (from: number, to: number): Promise<void> => {
        for (const number of numbers(from, to)) {
          await events.ready();
          acks.push(events.publish("events", number));
        }
      };
      await publish(1, 500);
      await js.through(outage, async () => {
        const room = Math.min(100, 512 - events.outstanding);
        await publish(501, 500 + room);
      });
      await publish(acks.length + 1, 1_000);
      await Promise.all(acks);
      assert.deepEqual(await js.stored(), numbers(1, 1_000));
      assertIdentity(js.nc);
    }),
  );
}

test("an acknowledgement that is lost with the connection: the message is sent again, and is a duplicate", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  js.line.proxy.toClient.hold();
  const ack = events.publish("events", "1");
  while ((await js.manager.streams.info("EVENTS")).state.messages < 1);
  await js.line.down();
  js.line.proxy.toClient.forward();
  await js.line.up();
  assert.deepEqual(await ack, { stream: "EVENTS", seq: 1, duplicate: true });
  const ids = js.wire.sent("events").map(({ headers }) => /Nats-Msg-Id: (.*)\r\n/.exec(headers)?.[1]);
  assert.equal(ids.length, 2);
  assert.equal(new Set(ids).size, 1);
});

test(
  "an acknowledgement that does not come: the message is sent again after its timeout, and is a duplicate",
  limit,
  async (t) => {
    const js = await openJs(t, { stream: { no_ack: true } });
    if (js === undefined) return;
    const events = publishToStream(js.nc, { timeout: 300 });
    const ack = events.publish("events", "1");
    while ((await js.manager.streams.info("EVENTS")).state.messages < 1);
    await js.manager.streams.update("EVENTS", { no_ack: false });
    assert.deepEqual(await ack, { stream: "EVENTS", seq: 1, duplicate: true });
    assert.ok(js.wire.sent("events").length > 1);
    assert.deepEqual(await js.stored(), ["1"]);
  },
);

test("a message that is never acknowledged ends in doubt after its retries", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  // Somebody gets it, so there are responders.
  js.second.subscribe("silence", { callback: () => {} });
  await js.second.flush();
  const events = publishToStream(js.nc, { timeout: 200, retries: 2 });
  const error = await events.publish("silence", "1", { msgID: "mine" }).catch((reason: unknown) => reason);
  assert.ok(error instanceof StreamPublishError);
  assert.deepEqual([error.state, error.attempts, error.msgID], ["inDoubt", 3, "mine"]);
  assert.ok(error.cause instanceof TimeoutError);
});

test(
  "an expectation that failed only because an earlier copy was stored: the message is a duplicate, not an error",
  limit,
  async (t) => {
    const js = await openJs(t);
    if (js === undefined) return;
    const events = publishToStream(js.nc);
    js.line.proxy.toClient.hold();
    const ack = events.publish("events", "1", { expect: { lastSequence: 0 } });
    while ((await js.manager.streams.info("EVENTS")).state.messages < 1);
    await js.line.down();
    js.line.proxy.toClient.forward();
    await js.line.up();
    assert.deepEqual(await ack, { stream: "EVENTS", seq: 1, duplicate: true });
    assert.deepEqual(await js.stored(), ["1"]);
  },
);

test("an expectation that fails for a copy sent again, of which none was stored, is not stored", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  js.line.proxy.toServer.swallow();
  const ack = events.publish("events", "1", { expect: { lastSequence: 0 } }).catch((reason: unknown) => reason);
  await until("it is handed over", () => js.nc.outbound.counts().buffered === 0);
  await js.line.down();
  js.line.proxy.toServer.forward();
  await js.store(7, 7);
  await js.line.up();
  const error = await ack;
  assert.deepEqual([(error as { code: unknown }).code, (error as StreamPublishError).state], [10071, "notStored"]);
  assert.deepEqual(await js.stored(), ["7"]);
});

test(
  "what may be stored is not sent again once the stream may have forgotten its id; what was never sent is",
  limit,
  async (t) => {
    const js = await openJs(t, { stream: { duplicate_window: 500e6 } });
    if (js === undefined) return;
    const events = publishToStream(js.nc);
    await events.publish("events", "1");
    js.line.proxy.toClient.hold();
    const doubtful = events.publish("events", "2").catch((reason: unknown) => reason);
    while ((await js.manager.streams.info("EVENTS")).state.messages < 2);
    await js.line.down();
    js.line.proxy.toClient.forward();
    const fresh = events.publish("events", "3");
    await pause(700);
    await js.line.up();
    const error = await doubtful;
    assert.ok(error instanceof StreamPublishError);
    assert.equal(error.state, "inDoubt");
    assert.match(error.message, /450 ms/);
    assert.equal((await fresh).seq, 3);
    assert.deepEqual(await js.stored(), ["1", "2", "3"]);
  },
);

test("without ids what may be stored is not sent again, and ends in doubt", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc, { dedupe: false });
  assert.equal((await events.publish("events", "1")).seq, 1);
  js.line.proxy.toClient.hold();
  const doubtful = events.publish("events", "2");
  const named = events.publish("events", "3", { msgID: "3" });
  while ((await js.manager.streams.info("EVENTS")).state.messages < 3);
  await js.line.down();
  js.line.proxy.toClient.forward();
  await js.line.up();
  await assert.rejects(doubtful, { name: "StreamPublishError", state: "inDoubt" });
  assert.deepEqual(await named, { stream: "EVENTS", seq: 3, duplicate: true });
  assert.equal(
    js.wire.messages.some(({ toServer, headers }) => toServer && headers.includes("Nats-Msg-Id: 3")),
    true,
  );
});

test("an outage longer than timeout times retries ends nothing", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc, { timeout: 100, retries: 1 });
  await js.line.down();
  const ack = events.publish("events", "1");
  await pause(1_000);
  await js.line.up();
  assert.equal((await ack).seq, 1);
});

for (const reconnectBuffer of [false, { maxMessages: 1 }, { maxBytes: 100 }] as const) {
  test(`it waits while the connection's buffer is full: ${JSON.stringify(reconnectBuffer)}`, limit, async (t) => {
    const js = await openJs(t, { client: { reconnectBuffer } });
    if (js === undefined) return;
    const events = publishToStream(js.nc);
    await js.line.down();
    if (reconnectBuffer !== false) js.nc.publish("other", "it is full now");
    const acks = numbers(1, 100).map((number) => events.publish("events", number));
    await pause(200);
    await js.line.up();
    await Promise.all(acks);
    assert.deepEqual(await js.stored(), numbers(1, 100));
    assertIdentity(js.nc);
  });
}

test("messages cut at random places are stored once, in order, and where their acknowledgement says", limit, async (t) => {
  const seed = seedOf(t);
  await atEachLevel(t, async (js, delivery) => {
    await throughCuts(js, seededRandom(seed + delivery.length));
  });
});

async function throughCuts(js: JsLine, random: () => number): Promise<void> {
  const events = publishToStream(js.nc, { maxOutstanding: 100 });
  const acks: Promise<PubAck>[] = [];
  for (let number = 1; number <= 3_000; number++) {
    const [connection] = js.line.proxy.connections;
    if (number % 150 === 0 && connection !== undefined) {
      // A message is some 100 bytes to the server, its acknowledgement 90 back.
      const flow = random() < 0.5 ? connection.toServer : connection.toClient;
      flow.cutAfter(flow.forwarded + 1 + Math.floor(random() * 9_000));
    }
    await events.ready();
    acks.push(events.publish("events", String(number)));
  }
  const all = await Promise.all(acks);
  const stored = await js.stored();
  assert.deepEqual(stored, numbers(1, 3_000));
  for (const [index, { seq }] of all.entries()) assert.equal(seq, index + 1);
  assertIdentity(js.nc);
}
