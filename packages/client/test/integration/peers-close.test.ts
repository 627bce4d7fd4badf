/** What `close()` and `drain()` do with what is held, connected or not. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FlushError } from "../../src/index.ts";
import {
  assertIdentity,
  assertNothingLost,
  limit,
  numbers,
  observe,
  openLine,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

test("close() sends what was published just before it: ten messages of 100 kB", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  for (const number of numbers(1, 10)) line.nc.publish("foo", number.padStart(100_000));
  await line.nc.close();
  await seen.settled();

  assert.deepEqual(
    seen.texts.map((text) => text.trim()),
    numbers(1, 10),
  );
  assert.equal(line.nc.outbound.counts().confirmed, 10);
});

test("close() behind a burst of 50 000 small messages loses none of them", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  for (const number of numbers(1, 50_000)) line.nc.publish("foo", number);
  await line.nc.close();
  await seen.settled();
  assert.deepEqual(seen.texts, numbers(1, 50_000));
});

test("close() while down ends at once and hands back what was held, in order", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  await line.down();
  for (const number of numbers(1, 1000)) line.nc.publish("foo", number);
  await line.nc.close();

  assert.deepEqual(line.undelivered.map(textOf), numbers(1, 1000));
  assert.ok(line.undelivered.every((message) => message.state === "abandoned"));
  assert.deepEqual(line.nc.outbound.held, { messages: 0, bytes: 0 });
  assertIdentity(line.nc);
  await seen.settled();
  assert.deepEqual(seen.texts, []);
});

test("close() on a link that brings no answer ends after closeTimeout, and says what is in doubt", limit, async (t) => {
  const line = await openLine(t, { client: { closeTimeout: 200 } });
  line.proxy.toServer.hold();
  for (const number of numbers(1, 10)) line.nc.publish("foo", number);
  await line.nc.close();

  assert.deepEqual(line.undelivered.map(textOf), numbers(1, 10));
  assert.deepEqual(new Set(line.undelivered.map((message) => message.state)), new Set(["inDoubt"]));
});

test("close() releases a flush() that waits for a connection", limit, async (t) => {
  const line = await openLine(t);
  await line.down();
  const empty = assert.rejects(line.nc.flush(), { name: "ClosedConnectionError" });
  line.nc.publish("foo", "held");
  const held = assert.rejects(line.nc.flush(), (error) => error instanceof FlushError && error.counts.abandoned === 1);
  await line.nc.close();
  await Promise.all([empty, held]);
});

test("drain() sends what a publisher wrote just before it, then closes", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  for (const number of numbers(1, 20_000)) line.nc.publish("foo", number);
  await line.nc.drain();
  await seen.settled();
  assert.equal(line.nc.isClosed(), true);
  assert.deepEqual(seen.texts, numbers(1, 20_000));
});

test("drain() lets subscriptions finish and answer before it closes", limit, async (t) => {
  const line = await openLine(t);
  const answers = await observe(t, line.server, "answers");
  line.nc.subscribe("work", { callback: (_error, msg) => void line.nc.publish("answers", msg.data) });
  for (const number of numbers(1, 100)) line.nc.publish("work", number);
  await line.nc.drain();
  await answers.settled();
  assert.deepEqual(answers.texts, numbers(1, 100));
});

test("drain() while down waits for the server, sends what was held, and ends closed", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  line.nc.subscribe("foo", { callback: () => {} });
  await line.down();
  line.nc.publish("foo", "held");
  const drained = line.nc.drain();
  await line.proxy.accept();
  await drained;
  await seen.settled();

  assert.equal(line.nc.isClosed(), true);
  assert.equal(await line.nc.closed(), undefined);
  assert.deepEqual(seen.texts, ["held"]);
  assert.deepEqual(line.undelivered, []);
});

test("drain() while down ends closed at its timeout, and hands back what was held", limit, async (t) => {
  const line = await openLine(t);
  line.nc.subscribe("foo", { callback: () => {} });
  await line.down();
  line.nc.publish("foo", "held");
  await line.nc.drain({ timeout: 100 });

  assert.equal(line.nc.isClosed(), true);
  assert.equal(await line.nc.closed(), undefined);
  assert.deepEqual(
    line.undelivered.map((message) => [textOf(message), message.state]),
    [["held", "abandoned"]],
  );
  assert.throws(() => line.nc.publish("foo", "late"), { name: "ClosedConnectionError" });
});

test("a link cut in the middle of drain() comes back and the rest is sent", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  line.proxy.toClient.hold();
  for (const number of numbers(1, 20_000)) line.nc.publish("foo", number);
  const drained = line.nc.drain();
  await until("the window has arrived", () => seen.messages.length > 0);
  const back = statusOf(line.nc, "reconnect");
  await line.proxy.cut();
  line.proxy.toClient.forward();
  await back;
  await drained;
  await seen.settled();

  assertNothingLost(seen.texts, line.undelivered, numbers(1, 20_000));
});
