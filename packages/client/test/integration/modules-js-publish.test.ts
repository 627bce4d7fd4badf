/** What the official `js.publish()` promises beside storing: expectations and deduplication, through outages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JetStreamApiError, PubAck } from "@nats-io/jetstream";
import { atEachLevel, openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers } from "./peers-harness.ts";

test("js.publish() held while down keeps its expectations: met ones are stored, others refused by the stream", limit, (t) =>
  atEachLevel(t, async (js) => {
    const first = await js.js.publish("events", "1", { msgID: "a", expect: { streamName: "EVENTS", lastSequence: 0 } });
    assert.deepEqual([first.seq, first.duplicate, first.stream], [1, false, "EVENTS"]);
    const timeout = 20_000;
    let asked: Promise<PubAck>[] = [];
    await js.through("rst", () => {
      asked = [
        js.js.publish("events", "2", { timeout, msgID: "b", expect: { lastSequence: 1, lastMsgID: "a" } }),
        js.js.publish("events", "3", { timeout, expect: { lastSequence: 1 } }),
        js.js.publish("events", "4", { timeout, expect: { lastMsgID: "a" } }),
        js.js.publish("events", "5", { timeout, expect: { streamName: "OTHERS" } }),
        js.js.publish("events.of", "6", { timeout, expect: { lastSubjectSequence: 0 } }),
        js.js.publish("events.of", "7", { timeout, expect: { lastSubjectSequence: 0 } }),
      ];
    });
    const results = await Promise.allSettled(asked);
    assert.deepEqual(
      results.map((result) => (result.status === "fulfilled" ? result.value.seq : (result.reason as JetStreamApiError).code)),
      [2, 10071, 10070, 10060, 3, 10071],
    );
    assert.deepEqual(await js.stored(), ["1", "2", "6"]);
    assertIdentity(js.nc);
  }),
);

test(
  "js.publish() in flight at the cut is not sent again at-least-once either: it rejects at its timeout, in doubt",
  limit,
  async (t) => {
    const js = await openJs(t, { client: { delivery: "at-least-once" } });
    if (js === undefined) return;
    js.line.proxy.toServer.hold();
    const rejected = assert.rejects(js.js.publish("events", "once", { timeout: 1_000 }), /timeout/i);
    await js.line.down();
    js.line.proxy.toServer.forward();
    await js.line.up();
    await rejected;
    await js.nc.flush();
    assert.deepEqual(js.wire.sent("events"), []);
    assert.deepEqual(await js.stored(), []);
    assert.equal(js.nc.outbound.counts().inDoubt, 1);
  },
);

test("js.publish() retried through cuts with one msgID is stored once, and says when it is a duplicate", limit, (t) =>
  atEachLevel(t, async (js) => {
    const acks: PubAck[] = [];
    for (const number of numbers(1, 5)) {
      // The stream stores it; only its acknowledgement is lost.
      js.line.proxy.toClient.hold();
      const publishing = js.js.publish("events", number, { msgID: number, timeout: 400, retries: 30 });
      while ((await js.manager.streams.info("EVENTS")).state.messages < Number(number));
      await js.line.down();
      js.line.proxy.toClient.forward();
      await js.line.up();
      acks.push(await publishing);
    }
    assert.deepEqual(
      acks.map(({ seq, duplicate }) => [seq, duplicate]),
      numbers(1, 5).map((number) => [Number(number), true]),
    );
    assert.deepEqual(await js.stored(), numbers(1, 5));
  }),
);

test("core publishes with msgId auto that an outage sends again are stored once", limit, async (t) => {
  const js = await openJs(t, { client: { delivery: "at-least-once" } });
  if (js === undefined) return;
  js.line.proxy.toClient.hold();
  for (const number of numbers(1, 50)) js.nc.publish("events", number, { msgId: "auto" });
  while ((await js.manager.streams.info("EVENTS")).state.messages < 50);
  await js.line.down();
  js.line.proxy.toClient.forward();
  await js.line.up();
  await js.nc.flush();
  assert.ok(js.nc.outbound.counts().resent > 0);
  assert.deepEqual(await js.stored(), numbers(1, 50));
});
