/** A full reconnect buffer, or none at all, never ends a `consume()` of the official module, and never makes an acknowledgement throw. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { JsMsg } from "@nats-io/jetstream";
import { ReconnectBufferFullError, type ReconnectBufferOptions } from "../../src/index.ts";
import { type JsLine, type JsOutage, openJs } from "./modules-js-harness.ts";
import { ackedSeq } from "./modules-js-wire.ts";
import { assertIdentity, limit, numbers, pause, statusOf, until } from "./peers-harness.ts";

type Buffer = false | ReconnectBufferOptions;

const tiny = (whenFull: "error" | "drop-newest" | "drop-oldest"): Buffer => ({ maxMessages: 3, whenFull });

test("a full buffer does not end consume(): what was acknowledged while down is acknowledged, and the rest comes", limit, (t) =>
  fullThrough(t, tiny("error"), "rst"),
);

test("a full buffer does not end consume() when the server is restarted", limit, (t) => fullThrough(t, tiny("error"), "restart"));

test("a full buffer does not end consume() in a black hole", limit, (t) => fullThrough(t, tiny("error"), "hole"));

test(
  "reconnectBuffer false does not end consume(): what was acknowledged while down is acknowledged, and the rest comes",
  limit,
  (t) => fullThrough(t, false, "rst"),
);

test("reconnectBuffer false does not end consume() when the server is restarted", limit, (t) => fullThrough(t, false, "restart"));

test("a full buffer that drops the newest does not end consume()", limit, (t) => fullThrough(t, tiny("drop-newest"), "rst"));

/** Ten messages wait for their acknowledgement when the server goes away, and the user's publishes fill the buffer before it is given. */
async function fullThrough(t: TestContext, reconnectBuffer: Buffer, outage: JsOutage): Promise<void> {
  const js = await openJs(t, {
    client: { delivery: "at-least-once", reconnectBuffer },
  });
  if (js === undefined) return;
  await js.addWorker();
  await js.store(1, 10);
  const { messages, taken } = await js.take(10, { max_messages: 10 });
  let ended = false;
  void messages.closed().then(() => {
    ended = true;
  });
  await js.through(outage, async () => {
    await until("nothing more is taken", () => isFull(js, reconnectBuffer));
    for (const message of taken.splice(0)) message.ack();
  });
  await js.workerWhen("what was acknowledged while down", (info) => info.num_ack_pending === 0);
  await js.store(11, 30);
  await until("all that was stored afterwards", () => taken.length >= 20);
  assert.deepEqual(seqs(taken), numbers(11, 30).map(Number));
  for (const message of taken) message.ack();
  await js.workerWhen("all acknowledged", (info) => info.ack_floor.stream_seq === 30);
  assert.equal(ended, false);
  await messages.close();
  assertIdentity(js.nc);
}

/** Publishes until that is refused or dropped. */
function isFull(js: JsLine, reconnectBuffer: Buffer): boolean {
  const { dropped } = js.nc.outbound.counts();
  try {
    for (let number = 0; number < 10; number++) js.nc.publish("orders", String(number));
  } catch (error) {
    assert.ok(error instanceof ReconnectBufferFullError);
    return true;
  }
  return typeof reconnectBuffer === "object" && js.nc.outbound.counts().dropped > dropped;
}

test(
  "a full buffer that drops the oldest does not end consume(): an evicted acknowledgement is handed back, and its message comes again",
  limit,
  async (t) => {
    const js = await openJs(t, { client: { reconnectBuffer: tiny("drop-oldest") } });
    if (js === undefined) return;
    await js.addWorker({ ack_wait: 1e9 });
    await js.store(1, 2);
    const { messages, taken } = await js.take(2);
    await js.through("rst", () => {
      for (const message of taken) message.ack();
      for (let number = 0; number < 10; number++) js.nc.publish("orders", String(number));
    });
    await until("they come again", () => taken.length === 4);
    for (const message of taken.slice(2)) message.ack();
    await js.workerWhen("all acknowledged", (info) => info.ack_floor.stream_seq === 2);
    await messages.close();
    await js.line.handedBack();
    assert.deepEqual(
      js.line.undelivered
        .filter(({ state, subject }) => state === "dropped" && subject !== "orders")
        .map((m) => ackedSeq(m.subject)),
      [1, 2],
    );
  },
);

test("a consume() that is begun, read and stopped while the buffer is full throws nothing", limit, async (t) => {
  const js = await openJs(t, { client: { reconnectBuffer: tiny("error") } });
  if (js === undefined) return;
  await js.addWorker();
  await js.store(1, 5);
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  const seen: number[] = [];
  const rejections: unknown[] = [];
  await js.through("rst", async () => {
    await until("nothing more is taken", () => isFull(js, tiny("error")));
    const stopped = await consumer.consume({ max_messages: 10, callback: () => {} });
    await stopped.close();
    const messages = await consumer.consume({ max_messages: 10, expires: 5_000 });
    const reading = (async () => {
      for await (const message of messages) {
        seen.push(message.seq);
        message.ack();
        if (seen.length === 5) break;
      }
    })();
    reading.catch((error) => rejections.push(error));
    await pause(20);
  });
  await until("all of it", () => seen.length === 5);
  await js.workerWhen("all acknowledged", (info) => info.ack_floor.stream_seq === 5);
  assert.deepEqual(rejections, []);
});

test(
  "on a connection that has stalled and is full, consume() is not ended, nor does ack() throw, before it is left",
  limit,
  async (t) => {
    const js = await openJs(t, { client: { reconnectBuffer: tiny("error"), stallTimeout: 2_000 } });
    if (js === undefined) return;
    await js.addWorker();
    await js.store(1, 10);
    const { messages, taken } = await js.take(10);
    let ended = false;
    void messages.closed().then(() => {
      ended = true;
    });
    await js.nc.flush();
    js.line.proxy.toServer.hold();
    js.line.proxy.toClient.hold();
    const noticed = statusOf(js.nc, "disconnect");
    const flushed = js.nc.flush().catch(() => {});
    // It counts as unusable after a second of silence, long before it is left.
    await until("it counts as unusable", () => !js.nc.outbound.usable);
    await until("nothing more is taken", () => isFull(js, tiny("error")));
    for (const message of taken) message.ack();
    for (const message of taken) message.working();
    assert.equal(ended, false);
    await noticed;
    const back = statusOf(js.nc, "reconnect");
    js.line.proxy.toServer.forward();
    js.line.proxy.toClient.forward();
    await back;
    await flushed;
    taken.length = 0;
    await js.store(11, 20);
    await until("what was stored afterwards", () => taken.length >= 10);
    assert.deepEqual(seqs(taken.filter(({ redelivered }) => !redelivered)), numbers(11, 20).map(Number));
    assert.equal(ended, false);
    await messages.close();
    assertIdentity(js.nc);
  },
);

function seqs(messages: readonly JsMsg[]): number[] {
  return messages.map(({ seq }) => seq);
}
