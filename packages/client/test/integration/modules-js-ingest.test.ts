/** The official fast ingest on a Holdfast connection: a batch without atomicity, whose messages belong to the connection all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startFastIngest } from "@nats-io/jetstream/internal";
import { atEachLevel, type JsLine, type JsOutage } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, until } from "./peers-harness.ts";

const batched = { needs: "2.14.0", stream: { allow_batched: true } } as const;

test("a fast ingest batch on a calm link is stored whole and in order, and its end says how many", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const batch = await begin(js);
      for (const number of numbers(2, 49)) await batch.add("events", number);
      const { batchSeq } = await batch.ping();
      assert.equal(batchSeq, 49);
      const { count } = await batch.last("events", "50");
      assert.equal(count, 50);
      assert.deepEqual(await js.stored(), numbers(1, 50));
      const other = await begin(js);
      await other.add("events", "2");
      assert.equal((await other.end()).count, 2);
      assert.equal(js.nc.outbound.counts().expired, 0);
    },
    batched,
  ),
);

test("a fast ingest batch that a cut interrupts ends at the gap: what is stored has none, and nothing goes twice", limit, (t) =>
  atEachLevel(t, (js) => interrupted(js, "rst"), batched),
);

test(
  "a fast ingest batch that a black hole interrupts ends at the gap: what is stored has none, and nothing goes twice",
  limit,
  (t) => atEachLevel(t, (js) => interrupted(js, "hole"), batched),
);

test(
  "a fast ingest batch that a restart of the server interrupts ends: what is stored has no gap, and a new batch works",
  limit,
  (t) => atEachLevel(t, (js) => interrupted(js, "restart"), batched),
);

async function interrupted(js: JsLine, outage: JsOutage): Promise<void> {
  const batch = await begin(js);
  for (const number of numbers(2, 8)) await batch.add("events", number);
  await batch.ping();
  await js.nc.flush();
  await js.through(outage, async () => {
    await batch.add("events", "9");
  });
  const ended = batch.done().then(
    ({ count }) => count,
    (error: Error) => error,
  );
  await batch.add("events", "10").catch(() => {});
  // The server refuses what comes behind the gap, or after a restart does not know the batch any more.
  const end = await ended;
  if (outage === "restart") assert.ok(end instanceof Error);
  else assert.equal(end, 8);
  await assert.rejects(batch.last("events", "11"), /batch closed/);
  assert.deepEqual(await js.stored(), numbers(1, 8));
  const replies = js.wire.sent("events").map(({ reply }) => reply);
  assert.equal(new Set(replies).size, replies.length);
  assert.deepEqual(
    js.wire.sent("events").filter(({ text }) => text === "9"),
    [],
  );

  const next = await begin(js);
  assert.equal((await next.last("events", "2")).count, 2);
  assertIdentity(js.nc);
}

test("a fast ingest batch that allows gaps goes on after a cut, and tells of the gap", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const batch = await begin(js, true);
      const gaps: unknown[] = [];
      const reading = (async () => {
        for await (const gap of batch.gaps()) gaps.push(gap);
      })();
      await batch.add("events", "2");
      await batch.ping();
      await js.nc.flush();
      await js.through("rst", async () => {
        await batch.add("events", "3");
      });
      await batch.add("events", "4");
      await batch.last("events", "5");
      await reading;
      assert.deepEqual(await js.stored(), ["1", "2", "4", "5"]);
      assert.deepEqual(gaps, [{ lastSeq: 3, seq: 4 }]);
      assert.equal(js.nc.outbound.counts().expired, 1);
    },
    batched,
  ),
);

test("a fast ingest add() and ping() that wait at the cut reject at their timeout", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      const batch = await begin(js);
      batch.done().catch(() => {});
      await js.nc.flush();
      js.line.proxy.toServer.hold();
      const waiting: Promise<unknown>[] = [];
      for (const number of numbers(2, 12)) waiting.push(batch.add("events", number, { timeout: 800 }));
      waiting.push(batch.ping(800));
      const settled = Promise.allSettled(waiting);
      await until("all is handed over", () => js.nc.outbound.counts().buffered === 0);
      await js.line.down();
      js.line.proxy.toServer.forward();
      await js.line.up();
      const results = (await settled).map(({ status }) => status);
      assert.ok(results.includes("rejected"));
      assert.equal(results.at(-1), "rejected");
      await js.nc.flush();
      assert.deepEqual(await js.stored(), ["1"]);
      assert.deepEqual(
        js.wire.sent("events").map(({ text }) => text),
        ["1"],
      );
    },
    batched,
  ),
);

/** The module does not export its name. */
type FastIngest = Awaited<ReturnType<typeof startFastIngest>>;

function begin(js: JsLine, allowGaps = false): Promise<FastIngest> {
  return startFastIngest(js.nc, "events", "1", { allowGaps, ackInterval: 5 });
}
