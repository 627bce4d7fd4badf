/** Messages that cannot be sent: they are refused in the call, nothing of them is accepted, and the connection lives on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ClosedConnectionError,
  DrainingConnectionError,
  headers,
  InvalidArgumentError,
  InvalidSubjectError,
} from "@nats-io/nats-core";
import { type HoldfastConnection, ReconnectBufferFullError, type Undelivered } from "../../src/index.ts";
import { startFakeServer } from "../../src/testing/index.ts";
import { afterwards, limit, observe, open, openLine, recordStatuses, startServer, statusOf, textOf } from "./peers-harness.ts";

const maxPayload = 4_096;

/** `nc.publish()` as JavaScript would call it. */
function publishAnything(nc: HoldfastConnection, ...args: unknown[]): unknown {
  return Reflect.apply(nc.publish, nc, args);
}

function withHeader(value: string): { headers: ReturnType<typeof headers> } {
  const made = headers();
  made.set("Name", value);
  return { headers: made };
}

test(
  "a payload over the server's max_payload is refused at once, alone or with its headers, and the rest goes",
  limit,
  async (t) => {
    const line = await openLine(t, { server: { config: { max_payload: maxPayload } } });
    const statuses = recordStatuses(line.nc);
    const seen = await observe(t, line.server, "foo");
    const block = "NATS/1.0\r\nName: x\r\n\r\n".length;
    line.nc.publish("foo", "first");
    for (const publish of [
      () => line.nc.publish("foo", "x".repeat(maxPayload + 1)),
      () => line.nc.publish("foo", new Uint8Array(maxPayload + 1)),
      () => line.nc.publish("foo", new Uint8Array(200_000_000)),
      // Counted in bytes: 2 049 characters, 4 098 bytes.
      () => line.nc.publish("foo", "é".repeat(maxPayload / 2 + 1)),
      () => line.nc.publish("foo", new Uint8Array(maxPayload - block + 1), withHeader("x")),
    ]) {
      assert.throws(publish, (error) => error instanceof InvalidArgumentError && /'payload'.*max_payload/.test(error.message));
    }
    line.nc.publish("foo", "é".repeat(maxPayload / 2));
    line.nc.publish("foo", new Uint8Array(maxPayload - block), withHeader("x"));
    line.nc.publish("foo", "last");
    await line.nc.flush();
    await seen.settled();

    assert.deepEqual(
      seen.messages.map(({ data }) => data.length),
      [5, maxPayload, maxPayload - block, 4],
    );
    const { accepted, refused, confirmed } = line.nc.outbound.counts();
    assert.deepEqual({ accepted, refused, confirmed }, { accepted: 4, refused: 5, confirmed: 4 });
    assert.deepEqual(statuses, []);
  },
);

test(
  "a server that takes less than the last one gets what it takes; the rest is handed back as undeliverable",
  limit,
  async (t) => {
    const line = await openLine(t);
    const smaller = await startServer(t, { config: { max_payload: maxPayload } });
    const seen = await observe(t, smaller, "foo");
    await line.down();
    for (const size of [10, maxPayload, maxPayload + 1, 20, 100_000, 30]) line.nc.publish("foo", new Uint8Array(size));
    line.nc.setServers([smaller.url]);
    await line.nc.flush().catch(() => {});
    await seen.settled();
    await line.nc.close();

    assert.deepEqual(
      seen.messages.map(({ data }) => data.length),
      [10, maxPayload, 20, 30],
    );
    assert.deepEqual(
      line.undelivered.map(({ state, data }) => [state, data.length]),
      [
        ["undeliverable", maxPayload + 1],
        ["undeliverable", 100_000],
      ],
    );
    assert.match(line.undelivered[0]?.error?.message ?? "", /max_payload/);
  },
);

test("a control line over maxControlLine is refused at once, to the byte the server counts", limit, async (t) => {
  const line = await openLine(t, { client: { maxControlLine: 512 }, server: { config: { max_control_line: 512 } } });
  const statuses = recordStatuses(line.nc);
  // `PUB <subject> 0`: the server leaves out the verb and its blank.
  const longest = "s".repeat(512 - " 0".length);
  line.nc.publish(longest);
  await line.nc.flush();
  for (const publish of [
    () => line.nc.publish(`${longest}s`),
    () => line.nc.publish(longest, "0123456789"),
    () => line.nc.publish("s".repeat(300), "", { reply: "r".repeat(300) }),
  ]) {
    assert.throws(
      publish,
      (error) => error instanceof InvalidArgumentError && /control line of \d+ bytes.*512/.test(error.message),
    );
  }
  await line.nc.flush();
  const { accepted, refused, confirmed } = line.nc.outbound.counts();
  assert.deepEqual({ accepted, refused, confirmed }, { accepted: 1, refused: 3, confirmed: 1 });
  assert.deepEqual(statuses, []);
});

test("a message larger than the whole limit is refused at once while the limit applies, and only then", limit, async (t) => {
  for (const whenFull of ["error", "drop-oldest", "drop-newest"] as const) {
    const line = await openLine(t, { client: { reconnectBuffer: { maxBytes: 1_000, whenFull } } });
    const seen = await observe(t, line.server, "foo");
    line.nc.publish("foo", "x".repeat(2_000));
    await line.nc.flush();
    await line.down();
    line.nc.publish("foo", "small");
    assert.throws(
      () => line.nc.publish("foo", "x".repeat(2_000)),
      (error) => {
        assert.ok(error instanceof ReconnectBufferFullError, String(error));
        assert.match(error.message, /larger than all that reconnectBuffer allows \(1000 bytes\)/);
        return true;
      },
    );
    assert.equal(line.nc.outbound.held.messages, 1);
    await line.up();
    await line.nc.flush();
    await seen.settled();
    assert.deepEqual(
      seen.messages.map(({ data }) => data.length),
      [2_000, 5],
    );
    assert.equal(line.nc.outbound.counts().refused, 1);
  }
});

test(
  "subjects, replies, payloads and headers that cannot be are refused, up and down, and nothing is accepted",
  limit,
  async (t) => {
    const line = await openLine(t);
    const wrong: readonly (readonly [args: readonly unknown[], type: new (...args: never[]) => Error])[] = [
      [[""], InvalidSubjectError],
      [[undefined], InvalidSubjectError],
      [[42], InvalidSubjectError],
      [["a b"], InvalidSubjectError],
      [["a\tb"], InvalidSubjectError],
      [["a\r\nPUB b 0\r\n\r\n"], InvalidSubjectError],
      [["a.*.b"], InvalidSubjectError],
      [["a.>"], InvalidSubjectError],
      [["a", "x", { reply: "b c" }], InvalidSubjectError],
      [["a", "x", { reply: "b\r\n" }], InvalidSubjectError],
      [["a", 42], TypeError],
      [["a", null], TypeError],
      [["a", { x: 1 }], TypeError],
      [["a", ["x"]], TypeError],
      [["a", new ArrayBuffer(8)], TypeError],
      [["a", "x", { headers: { Name: "x" } }], InvalidArgumentError],
      [["a", "x", { headers: "Name: x" }], InvalidArgumentError],
    ];
    for (const isDown of [false, true]) {
      if (isDown) await line.down();
      for (const [args, type] of wrong) assert.throws(() => publishAnything(line.nc, ...args), type, JSON.stringify(args));
    }
    assert.deepEqual(line.nc.outbound.held, { messages: 0, bytes: 0 });
    assert.equal(line.nc.outbound.counts().accepted, 0);
    await line.up();
    await line.nc.flush();
  },
);

test(
  "headers to a server that has none are refused; those accepted before are handed back as undeliverable",
  limit,
  async (t) => {
    const fake = await startFakeServer();
    afterwards(t, () => fake.stop());
    const undelivered: Undelivered[] = [];
    const nc = await open(t, { servers: fake.url, onUndelivered: (batch) => void undelivered.push(...batch) });
    const down = statusOf(nc, "disconnect");
    fake.refuse();
    for (const connection of fake.connections) connection.reset();
    await down;
    nc.publish("a", "with", withHeader("x"));
    nc.publish("a", "without");
    fake.info = { headers: false };
    await fake.accept();
    await nc.flush().catch(() => {});
    assert.throws(() => nc.publish("a", "x", withHeader("x")), /'headers' are not available on this server/);
    await nc.close();
    assert.deepEqual(
      undelivered.map((message) => [message.state, textOf(message), message.headers?.get("Name")]),
      [["undeliverable", "with", "x"]],
    );
    const { confirmed, undeliverable, refused } = nc.outbound.counts();
    assert.deepEqual({ confirmed, undeliverable, refused }, { confirmed: 1, undeliverable: 1, refused: 1 });
  },
);

test("publish() after close() throws nats-core's ClosedConnectionError, also while close() is under way", limit, async (t) => {
  const line = await openLine(t);
  const closing = line.nc.close();
  assert.throws(() => line.nc.publish("foo", "x"), ClosedConnectionError);
  await closing;
  assert.throws(() => line.nc.publish("foo", "x"), ClosedConnectionError);
  await assert.rejects(line.nc.flush(), ClosedConnectionError);
  await line.nc.close();
  assert.equal(line.nc.outbound.counts().accepted, 0);
});

test(
  "publish() while drain() sends what is held throws nats-core's DrainingConnectionError, and what is held goes",
  limit,
  async (t) => {
    const line = await openLine(t);
    const seen = await observe(t, line.server, "foo");
    line.proxy.toClient.hold();
    line.nc.publish("foo", "held");
    const draining = line.nc.drain();
    // No subscriptions: they are drained in no time, and what follows waits for a PONG that is held.
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.throws(() => line.nc.publish("foo", "late"), DrainingConnectionError);
    line.proxy.toClient.forward();
    await draining;
    assert.throws(() => line.nc.publish("foo", "later"), ClosedConnectionError);
    await seen.settled();
    assert.deepEqual(seen.texts, ["held"]);
  },
);
