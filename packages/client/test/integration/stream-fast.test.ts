/** `publishToStream()` in mode "fast": acknowledged many at a time, and through outages nothing is lost or stored twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FastPublisher, JetStreamApiError, publishToStream, StreamPublishError } from "../../src/index.ts";
import { seededRandom } from "../../src/testing/index.ts";
import { seedOf } from "./modules-js-cuts.ts";
import { atEachLevel, type JsOutage, openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, pause, until } from "./peers-harness.ts";

const batched = { needs: "2.14.0", stream: { allow_batched: true } } as const;

test("messages are stored in order, with few acknowledgements, and flush() waits for the last", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const events = publishToStream(js.nc, { mode: "fast", ackInterval: 100 });
      const stored = await publish(events, 1, 2_050);
      await events.flush();
      assert.equal(events.outstanding, 0);
      await Promise.all(stored);
      assert.deepEqual(await js.stored(), numbers(1, 2_050));
      const answers = js.wire.messages.filter(({ toServer, subject }) => !toServer && subject.endsWith(".$FI"));
      assert.ok(answers.length < 100, `${answers.length} answers`);
      await events.close();
      assertIdentity(js.nc);
    },
    batched,
  ),
);

test("the last messages are acknowledged soon, also when nobody waits and nothing follows", limit, async (t) => {
  const js = await openJs(t, batched);
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "fast" });
  await events.publish("events", "1");
  await pause(300);
  await Promise.all([events.publish("events", "2"), events.publish("events.3", "3")]);
  assert.deepEqual(await js.stored(), ["1", "2", "3"]);
});

for (const outage of ["rst", "restart", "hole"] as const satisfies readonly JsOutage[]) {
  test(`messages outstanding at an outage (${outage}), and published in it, are stored once, in order`, limit, (t) =>
    atEachLevel(
      t,
      async (js) => {
        const events = publishToStream(js.nc, { mode: "fast", ackInterval: 50, dedupe: true });
        const stored = await publish(events, 1, 1_020);
        await js.through(outage, async () => {
          stored.push(...(await publish(events, 1_021, 1_200)));
        });
        stored.push(...(await publish(events, 1_201, 1_500)));
        await Promise.all(stored);
        assert.deepEqual(await js.stored(), numbers(1, 1_500));
        assertIdentity(js.nc);
      },
      batched,
    ),
  );
}

for (const outage of ["rst", "hole"] as const satisfies readonly JsOutage[]) {
  test(`without ids the server tells after a reconnect (${outage}) what it stored: nothing is sent twice`, limit, (t) =>
    atEachLevel(
      t,
      async (js) => {
        const events = publishToStream(js.nc, { mode: "fast", ackInterval: 50 });
        await Promise.all(await publish(events, 1, 1_000));
        const stored = await publish(events, 1_001, 1_020);
        await js.through(outage, async () => {
          stored.push(...(await publish(events, 1_021, 1_100)));
        });
        const results = await Promise.allSettled(stored);
        // The batch may have ended, or not begun, in the very moment of the cut: then what was sent in it is in doubt.
        for (const [index, result] of results.entries()) {
          if (result.status === "fulfilled") continue;
          assert.ok(index < 20);
          assert.equal((result.reason as StreamPublishError).state, "inDoubt");
        }
        const sure = numbers(1_001, 1_100).filter((_, index) => results[index]?.status === "fulfilled");
        const texts = await js.stored();
        assert.equal(new Set(texts).size, texts.length);
        const doubtful = new Set(numbers(1_001, 1_100).filter((number) => !sure.includes(number)));
        assert.deepEqual(
          texts.filter((text) => !doubtful.has(text)),
          [...numbers(1, 1_000), ...sure],
        );
      },
      batched,
    ),
  );
}

test(
  "without ids a restart of the server leaves what was not acknowledged in doubt; the rest is stored once",
  limit,
  async (t) => {
    const js = await openJs(t, batched);
    if (js === undefined) return;
    const events = publishToStream(js.nc, { mode: "fast", ackInterval: 50 });
    await Promise.all(await publish(events, 1, 100));
    // The batch is over, so the next messages go at once.
    await until("it has ended", () => js.wire.messages.some(({ toServer, text }) => !toServer && text.includes('"count":100')));
    await js.nc.flush();
    js.line.proxy.toClient.hold();
    const doubtful = await publish(events, 101, 110);
    const results = Promise.allSettled(doubtful);
    while ((await js.manager.streams.info("EVENTS")).state.messages < 110);
    const back = js.through("restart");
    await pause(50);
    js.line.proxy.toClient.forward();
    await back;
    for (const result of await results) {
      assert.ok(result.status === "rejected" && result.reason instanceof StreamPublishError);
      assert.equal(result.reason.state, "inDoubt");
    }
    await Promise.all(await publish(events, 111, 120));
    assert.deepEqual(await js.stored(), numbers(1, 120));
  },
);

test("cut at random places, all is stored once, in order", limit, async (t) => {
  const seed = seedOf(t);
  await atEachLevel(
    t,
    async (js, delivery) => {
      const random = seededRandom(seed + delivery.length);
      const events = publishToStream(js.nc, { mode: "fast", ackInterval: 20, maxOutstanding: 400, dedupe: true });
      const stored: Promise<void>[] = [];
      for (let number = 1; number <= 4_000; number++) {
        const [connection] = js.line.proxy.connections;
        if (number % 200 === 0 && connection !== undefined) {
          const flow = random() < 0.7 ? connection.toServer : connection.toClient;
          flow.cutAfter(flow.forwarded + 1 + Math.floor(random() * 5_000));
        }
        await events.ready();
        stored.push(events.publish("events", String(number)));
      }
      await Promise.all(stored);
      assert.deepEqual(await js.stored(), numbers(1, 4_000));
      assertIdentity(js.nc);
    },
    batched,
  );
});

test("a message that the stream refuses rejects, and the others are stored in order", limit, async (t) => {
  const js = await openJs(t, { ...batched, stream: { ...batched.stream, max_msg_size: 100 } });
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "fast", ackInterval: 10 });
  const bad = new Set([1, 2, 17, 40]);
  const results = await Promise.allSettled(
    numbers(1, 40).map((number) => {
      if (number === "30") return events.publish("events", "30", { expect: { lastSequence: 9_999 } });
      return events.publish("events", bad.has(Number(number)) ? "x".repeat(200) : number);
    }),
  );
  bad.add(30);
  for (const [index, result] of results.entries()) {
    assert.equal(result.status, bad.has(index + 1) ? "rejected" : "fulfilled", `${index + 1}`);
    if (result.status === "rejected")
      assert.ok(result.reason instanceof JetStreamApiError && result.reason.state === "notStored");
  }
  assert.deepEqual(
    await js.stored(),
    numbers(1, 40).filter((number) => !bad.has(Number(number))),
  );
});

test("a stream without allow_batched refuses every message with JetStream's error", limit, async (t) => {
  const js = await openJs(t, { needs: "2.14.0" });
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "fast" });
  for (const result of await Promise.allSettled(numbers(1, 3).map((number) => events.publish("events", number)))) {
    assert.ok(result.status === "rejected" && result.reason instanceof JetStreamApiError);
    assert.deepEqual([result.reason.code, result.reason.state], [10205, "notStored"]);
  }
  assert.deepEqual(await js.stored(), []);
});

test("messages wait for a stream that is made later, and are stored in order", limit, async (t) => {
  const js = await openJs(t, { needs: "2.14.0" });
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "fast" });
  const stored = numbers(1, 100).map((number) => events.publish("later", number));
  await pause(300);
  await js.manager.streams.add({ name: "LATER", subjects: ["later"], allow_batched: true });
  await Promise.all(stored);
  assert.equal((await js.manager.streams.info("LATER")).state.messages, 100);
});

test("a batch that the server has forgotten while nothing was published is followed by another", limit, async (t) => {
  const js = await openJs(t, {
    ...batched,
    server: { jetStream: true, config: "jetstream { limits { batch { timeout: 200ms } } }" },
  });
  if (js === undefined) return;
  const events = publishToStream(js.nc, { mode: "fast" });
  await Promise.all(await publish(events, 1, 3));
  await pause(600);
  await Promise.all(await publish(events, 4, 6));
  assert.deepEqual(await js.stored(), numbers(1, 6));
});

async function publish(events: FastPublisher, from: number, to: number): Promise<Promise<void>[]> {
  const stored: Promise<void>[] = [];
  for (const number of numbers(from, to)) {
    await events.ready();
    stored.push(events.publish("events", number));
  }
  return stored;
}
