import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ClosedConnectionError,
  InvalidArgumentError,
  InvalidOperationError,
  InvalidSubjectError,
  type Msg,
  TimeoutError,
} from "@nats-io/nats-core";
import { Bed, collect, statusOf } from "./harness.ts";

const bed = new Bed();

test("delivers to a callback, with no error", async (t) => {
  const nc = await bed.connect(t);
  const got: string[] = [];
  const sub = nc.subscribe("a.>", {
    callback: (error, msg) => {
      got.push(`${error} ${msg.subject} ${msg.string()}`);
    },
  });
  nc.publish("a.b", "1");
  nc.publish("a.c.d", "2");
  await nc.flush();
  assert.deepEqual(got, ["null a.b 1", "null a.c.d 2"]);
  assert.deepEqual([sub.getSubject(), sub.getReceived(), sub.getProcessed(), sub.getPending()], ["a.>", 2, 2, 0]);
});

test("delivers to an iterator, and ends it by its count", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a", { max: 3 });
  for (let n = 0; n < 5; n++) nc.publish("a", String(n));
  const got = await collect(sub);
  assert.deepEqual(
    got.map((msg) => msg.string()),
    ["0", "1", "2"],
  );
  assert.equal(await sub.closed, undefined);
  assert.deepEqual([sub.isClosed(), sub.getMax(), sub.getReceived()], [true, 3, 3]);
});

test("a queue group shares the messages", async (t) => {
  const nc = await bed.connect(t);
  let got = 0;
  const count = (): void => {
    got++;
  };
  for (let n = 0; n < 3; n++) nc.subscribe("q", { queue: "workers", callback: count });
  for (let n = 0; n < 20; n++) nc.publish("q");
  await nc.flush();
  assert.equal(got, 20);
});

test("unsubscribe() ends the reader behind what has arrived, and closed waits for it", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a");
  for (let n = 0; n < 3; n++) nc.publish("a");
  await nc.flush();
  sub.unsubscribe();
  assert.equal(sub.isClosed(), false);
  assert.equal(sub.getPending(), 3);
  assert.equal((await collect(sub)).length, 3);
  await sub.closed;
  assert.equal(sub.isClosed(), true);
});

test("unsubscribe(max) counts from the beginning, also across a reconnect", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a");
  for (let n = 0; n < 3; n++) nc.publish("a", String(n));
  await nc.flush();
  const back = statusOf(nc, "reconnect");
  await nc.reconnect();
  await back;
  sub.unsubscribe(5);
  for (let n = 3; n < 9; n++) nc.publish("a", String(n));
  const got = await collect(sub);
  assert.deepEqual(
    got.map((msg) => msg.string()),
    ["0", "1", "2", "3", "4"],
  );
});

test("leaving the loop unsubscribes", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a");
  nc.publish("a");
  nc.publish("a");
  for await (const _ of sub) break;
  assert.equal(await sub.closed, undefined);
  assert.equal(sub.isClosed(), true);
  await assert.rejects(sub[Symbol.asyncIterator]().next(), InvalidOperationError);
});

test("drain() delivers what is on its way, then ends", async (t) => {
  const nc = await bed.connect(t);
  const other = await bed.connect(t);
  const got: Msg[] = [];
  const sub = nc.subscribe("a", {
    callback: (_error, msg) => {
      got.push(msg);
    },
  });
  await nc.flush();
  for (let n = 0; n < 1000; n++) other.publish("a");
  await other.flush();
  const drained = sub.drain();
  assert.equal(sub.isDraining(), true);
  await drained;
  assert.equal(got.length, 1000);
  assert.equal(sub.isClosed(), true);
  assert.equal(sub.isDraining(), true);
  await assert.rejects(sub.drain(), new InvalidOperationError("subscription is already closed"));
  other.publish("a");
  await other.flush();
  await nc.flush();
  assert.equal(got.length, 1000);
});

test("drain() twice is one drain, and ends when the connection is lost", async (t) => {
  const nc = await bed.connect(t, { reconnectTimeWait: 60_000 });
  const sub = nc.subscribe("a", { callback: () => {} });
  await nc.flush();
  await bed.server.freeze();
  const drained = sub.drain();
  assert.equal(sub.drain(), drained);
  const lost = statusOf(nc, "disconnect");
  await bed.server.kill();
  await lost;
  await drained;
  assert.equal(sub.isClosed(), true);
  await bed.server.restart();
});

test("drain() without a connection ends at once, and is not subscribed anew", async (t) => {
  const nc = await bed.connect(t, { reconnectTimeWait: 100 });
  const sub = nc.subscribe("a", { callback: () => {} });
  const lost = statusOf(nc, "disconnect");
  const back = statusOf(nc, "reconnect");
  await nc.reconnect();
  await lost;
  await sub.drain();
  assert.equal(sub.isClosed(), true);
  await back;
  nc.publish("a");
  await nc.flush();
  assert.equal(sub.getReceived(), 0);
});

test("a timeout ends the subscription with TimeoutError, unless a message comes", async (t) => {
  const nc = await bed.connect(t);
  const kept = nc.subscribe("a", { timeout: 500, callback: () => {} });
  nc.publish("a");
  await nc.flush();
  const errors: (Error | null)[] = [];
  const called = nc.subscribe("b", {
    timeout: 20,
    callback: (error) => {
      errors.push(error);
    },
  });
  const read = nc.subscribe("c", { timeout: 20 });
  await assert.rejects(collect(read), TimeoutError);
  assert.ok((await read.closed) instanceof TimeoutError);
  assert.ok((await called.closed) instanceof TimeoutError);
  assert.ok(errors[0] instanceof TimeoutError);
  assert.match(errors[0]?.stack ?? "", /subscription\.test/);
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(kept.isClosed(), false);
});

test("a callback that throws or rejects is reported, and harms nothing", async (t) => {
  const nc = await bed.connect(t);
  const first = statusOf(nc, "error");
  let calls = 0;
  nc.subscribe("a", {
    callback: () => {
      calls++;
      throw new Error("thrown");
    },
  });
  nc.publish("a");
  assert.equal((await first).error.message, "thrown");
  const second = statusOf(nc, "error");
  nc.subscribe("b", { callback: () => Promise.reject(new Error("rejected")) });
  nc.publish("b");
  assert.equal((await second).error.message, "rejected");
  nc.publish("a");
  await nc.flush();
  assert.equal(calls, 2);
});

test("a slow reader is announced once for each time it falls behind", async (t) => {
  const nc = await bed.connect(t);
  const slow = statusOf(nc, "slowConsumer");
  const sub = nc.subscribe("a", { slow: 3 });
  for (let n = 0; n < 10; n++) nc.publish("a");
  const status = await slow;
  assert.equal(status.sub, sub);
  assert.equal(status.pending, 4);
});

test("an iterator and a callback exclude each other", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a", { callback: () => {} });
  const expected = new InvalidOperationError("iterator cannot be used when a callback is registered");
  await assert.rejects(collect(sub), expected);
  assert.equal(sub.isClosed(), false);
});

test("await using drains the subscription", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a", { callback: () => {} });
  await sub[Symbol.asyncDispose]();
  await sub[Symbol.asyncDispose]();
  assert.deepEqual([sub.isDraining(), sub.isClosed()], [true, true]);
});

test("refuses what cannot be subscribed to, with nats-core's errors", async (t) => {
  const nc = await bed.connect(t);
  assert.throws(() => nc.subscribe(""), InvalidSubjectError);
  assert.throws(() => nc.subscribe("a b"), InvalidSubjectError);
  assert.throws(() => nc.subscribe("a", { queue: "two words" }), InvalidArgumentError);
  assert.throws(() => nc.subscribe("a", { max: -1 }), /'max' must be a whole number from 0, got -1/);
  assert.throws(() => nc.subscribe("a", { timeout: Number.NaN }), InvalidArgumentError);
  assert.throws(() => nc.subscribe("a", { max: 1.5 }), InvalidArgumentError);
  assert.throws(() => nc.subscribe("a".repeat(5000)), /maxControlLine allows 4096/);
});

test("after close nothing can be subscribed to or drained", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a", { callback: () => {} });
  await nc.close();
  assert.equal(sub.isClosed(), true);
  assert.equal(await sub.closed, undefined);
  await assert.rejects(sub.drain(), ClosedConnectionError);
  await sub[Symbol.asyncDispose]();
  sub.unsubscribe();
  assert.throws(() => nc.subscribe("b"), ClosedConnectionError);
});
