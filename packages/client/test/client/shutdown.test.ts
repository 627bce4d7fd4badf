import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedConnectionError, ConnectionError, DrainingConnectionError } from "@nats-io/nats-core";
import type { Undelivered } from "../../src/index.ts";
import { startFakeServer } from "../../src/testing/index.ts";
import { Bed, collect, connected, statusOf } from "./harness.ts";

const bed = new Bed();

test("close() sends what was published before it", async (t) => {
  const nc = await bed.connect(t);
  const other = await bed.connect(t);
  const sub = other.subscribe("a", { max: 1000 });
  await other.flush();
  for (let n = 0; n < 1000; n++) nc.publish("a", "x".repeat(1000));
  await nc.close();
  assert.equal((await collect(sub)).length, 1000);
  const { accepted, confirmed } = nc.outbound.counts();
  assert.deepEqual([accepted, confirmed], [1000, 1000]);
});

test("close() ends subscriptions and refuses everything at once", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a", { callback: () => {} });
  const closing = nc.close();
  assert.deepEqual([nc.isClosed(), sub.isClosed(), nc.info], [true, true, undefined]);
  assert.throws(() => nc.publish("a"), ClosedConnectionError);
  assert.throws(() => nc.subscribe("a"), ClosedConnectionError);
  await assert.rejects(nc.flush(), ClosedConnectionError);
  await assert.rejects(nc.rtt(), ClosedConnectionError);
  await assert.rejects(nc.drain(), ClosedConnectionError);
  await assert.rejects(nc.reconnect(), ClosedConnectionError);
  await Promise.all([closing, nc.close()]);
  assert.equal(await nc.closed(), undefined);
  await nc.close();
});

test("close() while down closes at once and hands back what was held, before closed() resolves", async (t) => {
  const handedBack: Undelivered[] = [];
  const nc = await bed.connect(t, {
    reconnectTimeWait: 60_000,
    onUndelivered: async (batch) => {
      await new Promise((resolve) => setImmediate(resolve));
      handedBack.push(...batch);
    },
  });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  for (let n = 0; n < 300; n++) nc.publish("a", String(n));
  await nc.close();
  assert.deepEqual(
    handedBack.map(({ data, state }) => `${state} ${new TextDecoder().decode(data)}`),
    Array.from({ length: 300 }, (_, n) => `abandoned ${n}`),
  );
  assert.equal(nc.outbound.counts().abandoned, 300);
  await bed.server.restart();
});

test("close() takes no longer than closeTimeout when the server does not answer", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const nc = await connected(t, { servers: server.url, closeTimeout: 100 });
  server.connections[0]?.holdPongs();
  nc.publish("a");
  const start = performance.now();
  await nc.close();
  // Twice: for the PONG, and for the peer's FIN.
  assert.ok(performance.now() - start < 2000);
  assert.equal(nc.outbound.counts().inDoubt, 1);
});

test("the last status is close, and then the iteration ends", async (t) => {
  const nc = await bed.connect(t);
  const reading = collect(nc.status());
  await nc.close();
  assert.deepEqual((await reading).at(-1), { type: "close" });
  assert.deepEqual(await collect(nc.status()), []);
});

test("drain() lets subscriptions finish, with publishing allowed meanwhile", async (t) => {
  const nc = await bed.connect(t);
  const other = await bed.connect(t);
  const answers = other.subscribe("answers", { callback: () => {} });
  nc.subscribe("a", {
    callback: (_error, msg) => {
      nc.publish("answers", msg.data);
    },
  });
  await Promise.all([nc.flush(), other.flush()]);
  for (let n = 0; n < 500; n++) other.publish("a", String(n));
  await other.flush();
  const drained = nc.drain();
  assert.equal(nc.isDraining(), true);
  assert.throws(() => nc.subscribe("b"), DrainingConnectionError);
  await assert.rejects(nc.request("b"), DrainingConnectionError);
  await assert.rejects(nc.drain(), DrainingConnectionError);
  await assert.rejects(nc.reconnect(), DrainingConnectionError);
  nc.publish("still", "allowed");
  await drained;
  await other.flush();
  assert.equal(answers.getReceived(), 500);
  assert.deepEqual([nc.isClosed(), nc.isDraining()], [true, true]);
  await assert.rejects(nc.drain(), ClosedConnectionError);
});

test("drain() while down waits for the server and sends what is held", async (t) => {
  const nc = await bed.connect(t);
  nc.subscribe("a", { callback: () => {} });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  nc.publish("a");
  const drained = nc.drain();
  await bed.server.restart();
  await drained;
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("drain() while down ends at its timeout, never a zombie", async (t) => {
  const nc = await bed.connect(t, { reconnectTimeWait: 60_000 });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  nc.publish("a");
  await nc.drain({ timeout: 50 });
  assert.equal(await nc.closed(), undefined);
  assert.equal(nc.outbound.counts().abandoned, 1);
  await bed.server.restart();
});

test("close() during drain() ends it", async (t) => {
  const nc = await bed.connect(t, { reconnectTimeWait: 60_000 });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  nc.publish("a");
  const drained = nc.drain({ timeout: 60_000 });
  await nc.close();
  await drained;
  assert.equal(nc.isDraining(), true);
  await bed.server.restart();
});

test("drain() refuses a timeout that is none", async (t) => {
  const nc = await bed.connect(t);
  await assert.rejects(nc.drain({ timeout: Number.NaN }), /'timeout' must be a finite number from 0, got NaN/);
  assert.equal(nc.isDraining(), false);
});

test("giving up hands everything back, then closed() resolves with the error", async (t) => {
  const handedBack: Undelivered[] = [];
  const nc = await bed.connect(t, {
    maxReconnectAttempts: 2,
    onUndelivered: (batch) => {
      handedBack.push(...batch);
    },
  });
  const sub = nc.subscribe("a", { callback: () => {} });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  nc.publish("a", "held");
  const outcome = assert.rejects(nc.request("b", "", { timeout: 60_000 }), /connection closed/);
  const error = await nc.closed();
  assert.ok(error instanceof ConnectionError, String(error));
  assert.deepEqual(
    handedBack.map(({ subject, state }) => `${subject} ${state}`),
    ["a abandoned", "b abandoned"],
  );
  assert.deepEqual([nc.isClosed(), sub.isClosed()], [true, true]);
  await outcome;
  await nc.close();
  await bed.server.restart();
});

test("connect() rejects when no server is there, and leaves nothing behind", async (t) => {
  await assert.rejects(connected(t, { servers: "127.0.0.1:1" }), ConnectionError);
});

test("after close no timer and no socket is left", async (t) => {
  const nc = await bed.connect(t, { closeTimeout: 60_000 });
  nc.subscribe("a", { timeout: 60_000, callback: () => {} });
  nc.subscribe("b", { timeout: 60_000 });
  const outcome = assert.rejects(nc.request("a", "", { timeout: 60_000 }), /connection closed/);
  await nc.requestMany("a", "", { maxWait: 60_000 });
  await nc.requestMany("a", "", { maxWait: 60_000, noMux: true });
  await nc.flush();
  await nc.close();
  await outcome;
  assert.deepEqual(handles(), []);
});

test("await using drains the connection", async (t) => {
  const nc = await bed.connect(t);
  nc.publish("a");
  await Promise.all([nc[Symbol.asyncDispose](), nc[Symbol.asyncDispose]()]);
  assert.deepEqual([nc.isDraining(), nc.isClosed(), nc.outbound.counts().confirmed], [true, true, 1]);
  await nc[Symbol.asyncDispose]();
});

/** What of this process a connection could leave behind. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name.startsWith("TCP"));
}
