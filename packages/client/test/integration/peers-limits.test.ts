/** The limits of the reconnect buffer on a real server. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import { type HoldfastOptions, ReconnectBufferFullError } from "../../src/index.ts";
import { assertIdentity, limit, numbers, observe, open, openLine, pause, startServer, textOf, until } from "./peers-harness.ts";

/** `PUB foo 4`, its line end, the payload, its line end. */
const FRAME = "PUB foo 4\r\nfood\r\n".length;

test("two messages fit a buffer of their exact size, and the third is refused", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 2 * FRAME } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  line.nc.publish("foo", "food");
  line.nc.publish("foo", "feed");
  assert.throws(
    () => line.nc.publish("foo", "fool"),
    (error) => {
      assert.ok(error instanceof ReconnectBufferFullError);
      assert.deepEqual(error.limit, { messages: Infinity, bytes: 2 * FRAME });
      assert.deepEqual(error.held, { messages: 2, bytes: 2 * FRAME });
      assert.deepEqual(error.asked, { messages: 1, bytes: FRAME });
      return true;
    },
  );
  await line.up();
  await line.nc.flush();
  await seen.settled();

  assert.deepEqual(seen.texts, ["food", "feed"]);
  assert.equal(line.nc.outbound.counts().accepted, 2);
  assert.equal(line.nc.outbound.counts().refused, 1);
});

test("the last message does not overshoot: one byte less than two frames holds one", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 2 * FRAME - 1 } });
  await line.down();
  line.nc.publish("foo", "food");
  assert.throws(() => line.nc.publish("foo", "feed"), ReconnectBufferFullError);
  assert.deepEqual(line.nc.outbound.held, { messages: 1, bytes: FRAME });
});

test("four times 512 bytes are full by the fifth message of 512", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 4 * 512, reconnectTimeWait: 480_000 } });
  await line.down();
  let accepted = 0;
  assert.throws(() => {
    for (; accepted < 20; accepted++) line.nc.publish("test", new Uint8Array(512));
  }, ReconnectBufferFullError);
  assert.equal(accepted, 3);
});

test("a message larger than the whole buffer is refused at once, and smaller ones still fit", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 1024 } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  assert.throws(() => line.nc.publish("foo", "x".repeat(1024)), /larger than all that reconnectBuffer allows \(1024 bytes\)/);
  line.nc.publish("foo", "small");
  await line.up();
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, ["small"]);
});

test("reconnectBuffer as a number, an object or nothing is the limit in force, while down only", limit, async (t) => {
  const server = await startServer(t);
  const cases: [HoldfastOptions, { messages: number; bytes: number }][] = [
    [{}, { messages: Infinity, bytes: 8 * 1024 * 1024 }],
    [{ reconnectBuffer: 32 }, { messages: Infinity, bytes: 32 }],
    [{ reconnectBuffer: { maxMessages: 7 } }, { messages: 7, bytes: 8 * 1024 * 1024 }],
    [{ reconnectBuffer: { maxBytes: 99, maxMessages: 7 } }, { messages: 7, bytes: 99 }],
    [{ reconnectBuffer: false }, { messages: 0, bytes: 0 }],
  ];
  const clients = await Promise.all(cases.map(([options]) => open(t, { servers: server.url, ...options })));
  for (const nc of clients) assert.deepEqual(nc.outbound.limit, { messages: Infinity, bytes: Infinity });
  await server.terminate();
  await until("all are down", () => clients.every((nc) => !nc.outbound.usable));
  assert.deepEqual(
    clients.map((nc) => nc.outbound.limit),
    cases.map(([, expected]) => expected),
  );
});

test("a reconnectBuffer of 0, -1 or NaN is an error of connect() that names the option", limit, async (t) => {
  const server = await startServer(t);
  for (const reconnectBuffer of [0, -1, Number.NaN]) {
    await assert.rejects(open(t, { servers: server.url, reconnectBuffer }), (error) => {
      assert.ok(error instanceof InvalidArgumentError);
      assert.match(error.message, /reconnectBuffer/);
      assert.ok(error.message.includes(String(reconnectBuffer)), error.message);
      return true;
    });
  }
  await assert.rejects(open(t, { servers: server.url, reconnectBuffer: 0 }), /false/);
});

test("reconnectBuffer false refuses each publish while down, and nothing of it is delivered later", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: false } });
  const seen = await observe(t, line.server, "foo");
  line.nc.publish("foo", "before");
  await line.nc.flush();
  await line.down();
  for (const number of numbers(1, 5)) {
    assert.throws(() => line.nc.publish("foo", number), /reconnectBuffer is false/);
  }
  assert.deepEqual(line.nc.outbound.held, { messages: 0, bytes: 0 });
  await line.up();
  line.nc.publish("foo", "after");
  await line.nc.flush();
  await seen.settled();

  assert.deepEqual(seen.texts, ["before", "after"]);
  assert.equal(line.nc.outbound.counts().refused, 5);
});

test("a limit on messages holds as many, whatever their size", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: { maxMessages: 3 } } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  for (const number of numbers(1, 3)) line.nc.publish("foo", number);
  assert.throws(() => line.nc.publish("foo", "4"), ReconnectBufferFullError);
  await line.up();
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, ["1", "2", "3"]);
});

test("drop-newest takes the messages beyond the limit, drops them and hands them back", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: { maxMessages: 2, whenFull: "drop-newest" } } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  line.nc.publish("foo", "1");
  line.nc.publish("foo", "2");
  assert.equal(line.nc.publish("foo", "3"), false);
  assert.equal(line.nc.publish("foo", "4"), false);
  await line.up();
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();

  assert.deepEqual(seen.texts, ["1", "2"]);
  assert.deepEqual(
    line.undelivered.map((message) => [textOf(message), message.state]),
    [
      ["3", "dropped"],
      ["4", "dropped"],
    ],
  );
});

test("drop-oldest keeps the newest messages in order and hands the oldest back", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: { maxMessages: 3, whenFull: "drop-oldest" } } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  for (const number of numbers(1, 10)) line.nc.publish("foo", number);
  await line.up();
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();

  assert.deepEqual(seen.texts, ["8", "9", "10"]);
  assert.deepEqual(line.undelivered.map(textOf), numbers(1, 7));
  assertIdentity(line.nc);
});

test("a message older than maxAge expires while down, is handed back and never arrives", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: { maxAge: 1_000 } } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  line.nc.publish("foo", "stale");
  await until("it has expired", () => line.undelivered.length === 1);
  line.nc.publish("foo", "fresh");
  await line.up();
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();

  assert.deepEqual(seen.texts, ["fresh"]);
  assert.equal(line.undelivered[0]?.state, "expired");
  assert.ok((line.undelivered[0]?.ageMs ?? 0) >= 1_000);
});

test("without maxAge a message waits for the server as long as it takes", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  await line.down();
  line.nc.publish("foo", "patient");
  await pause(1_500);
  await line.up();
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, ["patient"]);
});

test("on a healthy connection the reconnect buffer limits nothing: a burst of 1 MiB passes one of 1 KiB", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 1024 } });
  const seen = await observe(t, line.server, "foo");
  for (const number of numbers(1, 1024)) line.nc.publish("foo", number.padStart(1024));
  assert.ok(line.nc.outbound.held.bytes > 1024 * 1024);
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(
    seen.texts.map((text) => text.trim()),
    numbers(1, 1024),
  );
});

test("a burst that the cut finds beyond the limit is kept: only new messages are refused", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 1024 } });
  const seen = await observe(t, line.server, "foo");
  // Nothing comes back, so only the window goes out: the rest is still held at the cut.
  line.proxy.toClient.hold();
  for (const number of numbers(1, 1024)) line.nc.publish("foo", number.padStart(1024));
  await line.down();
  line.proxy.toClient.forward();
  assert.ok(line.nc.outbound.held.bytes > 512 * 1024);
  assert.throws(() => line.nc.publish("foo", "more"), ReconnectBufferFullError);
  await line.up();
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();

  const inDoubt = line.undelivered.map((message) => textOf(message).trim());
  const arrived = seen.texts.map((text) => text.trim());
  assert.deepEqual(
    [...new Set([...inDoubt, ...arrived])].map(Number).sort((a, b) => a - b),
    numbers(1, 1024).map(Number),
  );
  assert.equal(new Set(arrived).size, arrived.length);
  assert.ok(line.undelivered.every((message) => message.state === "inDoubt"));
  assert.ok(inDoubt.length < 100, `${inDoubt.length} in doubt`);
});

test("maxQueued bounds what a link that takes nothing leaves behind, without an error of the connection", limit, async (t) => {
  const line = await openLine(t, { client: { maxQueued: 256 * 1024, pingInterval: 60_000 } });
  const seen = await observe(t, line.server, "foo");
  line.proxy.toServer.hold();
  let accepted = 0;
  assert.throws(() => {
    for (;;) {
      line.nc.publish("foo", "x".repeat(1024));
      accepted++;
    }
  }, /maxQueued is full/);
  assert.ok(line.nc.outbound.held.bytes <= 256 * 1024);
  line.proxy.toServer.forward();
  await line.nc.flush();
  await seen.settled();
  assert.equal(seen.messages.length, accepted);
});

test("publish() says false above 70 percent of the limit and true below", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 100 * FRAME } });
  await line.down();
  const answers = numbers(1, 100).map(() => line.nc.publish("foo", "food"));
  assert.equal(answers.indexOf(false), 70);
  assert.equal(answers.lastIndexOf(true), 69);
});

test(
  "a message too large for the server that comes back is handed back, and the others arrive on the same connection",
  limit,
  async (t) => {
    const line = await openLine(t);
    const seen = await observe(t, line.server, "foo");
    await line.down();
    line.nc.publish("foo", "1");
    line.nc.publish("foo", "x".repeat(5000));
    line.nc.publish("foo", "2");
    await line.server.reload({ max_payload: 1024 });
    await line.up();
    await line.nc.flush().catch(() => {});
    await seen.settled();
    await line.handedBack();

    assert.deepEqual(seen.texts, ["1", "2"]);
    assert.deepEqual(
      line.undelivered.map((message) => [message.data.length, message.state]),
      [[5000, "undeliverable"]],
    );
    assert.equal(line.proxy.accepted, 2);
  },
);
