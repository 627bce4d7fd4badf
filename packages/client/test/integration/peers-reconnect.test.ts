/** How a connection is lost, looked for, found again and given up. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionError } from "@nats-io/nats-core";
import { freePort, startNatsServer } from "../../src/testing/index.ts";
import {
  afterwards,
  assertIdentity,
  countOf,
  limit,
  numbers,
  open,
  openLine,
  pause,
  recordStatuses,
  startServer,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

test("the events are disconnect, reconnecting at each attempt, and close when the attempts are used up", limit, async (t) => {
  const server = await startServer(t);
  const nc = await open(t, { servers: server.url, maxReconnectAttempts: 10 });
  const statuses = recordStatuses(nc);
  // Without a single PONG the connection itself would count as the first of the failed attempts.
  await nc.flush();
  await server.terminate();
  const error = await nc.closed();

  assert.ok(error instanceof ConnectionError, String(error));
  const types = statuses.map((status) => status.type).filter((type) => type !== "error");
  assert.deepEqual(types, ["disconnect", ...Array(10).fill("reconnecting"), "close"]);
  assert.equal(nc.isClosed(), true);
});

test("giving up after maxReconnectAttempts hands back everything held before closed() resolves", limit, async (t) => {
  const line = await openLine(t, { client: { maxReconnectAttempts: 3, reconnectTimeWait: 50 } });
  await line.down();
  for (const number of numbers(1, 1000)) line.nc.publish("foo", number);
  const error = await line.nc.closed();

  assert.ok(error instanceof Error);
  assert.deepEqual(line.undelivered.map(textOf), numbers(1, 1000));
  assert.deepEqual(new Set(line.undelivered.map((message) => message.state)), new Set(["abandoned"]));
  assert.equal(line.nc.outbound.counts().abandoned, 1000);
  assert.throws(() => line.nc.publish("foo", "late"), { name: "ClosedConnectionError" });
});

test(
  "with reconnect false the first disconnect is the end, without an attempt, and what was held is handed back",
  limit,
  async (t) => {
    const line = await openLine(t, { client: { reconnect: false } });
    const statuses = recordStatuses(line.nc);
    line.proxy.toServer.hold();
    for (const number of numbers(1, 20_000)) line.nc.publish("foo", number);
    await line.proxy.cut();
    await line.nc.closed();

    assert.equal(countOf(statuses, "reconnecting"), 0);
    assert.deepEqual(line.undelivered.map(textOf), numbers(1, 20_000));
    assertIdentity(line.nc);
  },
);

test("by default a client never gives up: it comes back after twenty failed attempts", limit, async (t) => {
  const line = await openLine(t);
  const statuses = recordStatuses(line.nc);
  await line.down();
  await until("twenty attempts", () => countOf(statuses, "reconnecting") >= 20);
  await line.up();
  await line.nc.flush();
  assert.equal(countOf(statuses, "disconnect"), 1);
  assert.equal(countOf(statuses, "reconnect"), 1);
});

test("usable says whether there is a connection, and isClosed() only that it is over for good", limit, async (t) => {
  const server = await startServer(t);
  const nc = await open(t, { servers: server.url });
  const state = (): [boolean, boolean] => [nc.outbound.usable, nc.isClosed()];
  assert.deepEqual(state(), [true, false]);
  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  assert.deepEqual(state(), [false, false]);
  const back = statusOf(nc, "reconnect");
  await server.restart();
  await back;
  assert.deepEqual(state(), [true, false]);
  await nc.close();
  assert.deepEqual(state(), [false, true]);
});

test("a server is left alone for reconnectTimeWait after each dial", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectTimeWait: 200 } });
  line.proxy.onAccept = "reset";
  const dials: number[] = [];
  const listening = (async () => {
    for await (const { type } of line.nc.status()) if (type === "reconnecting") dials.push(performance.now());
  })();
  listening.catch(() => {});
  await line.proxy.cut();
  await until("four dials", () => dials.length >= 4);
  const waits = dials.slice(1).map((time, index) => time - (dials[index] ?? 0));
  assert.ok(
    waits.every((wait) => wait >= 190),
    String(waits),
  );
});

test("reconnectDelayHandler says how long to wait before each dial", limit, async (t) => {
  let asked = 0;
  const line = await openLine(t, {
    client: {
      reconnectTimeWait: 100_000,
      reconnectDelayHandler: () => {
        asked++;
        return 15;
      },
    },
  });
  await line.down();
  const askedBefore = asked;
  await until("asked again", () => asked > askedBefore + 2);
  await line.up();
});

test("waitOnFirstConnect keeps connect() waiting for a server that is not there yet", limit, async (t) => {
  const port = await freePort();
  const connecting = open(t, { servers: `127.0.0.1:${port}`, waitOnFirstConnect: true, maxReconnectAttempts: 10 });
  let connected = false;
  const settled = connecting.then(() => {
    connected = true;
  });
  await pause(300);
  assert.equal(connected, false);
  await startServer(t, { port });
  const nc = await connecting;
  await settled;
  nc.subscribe("echo", { callback: (_error, msg) => void msg.respond(msg.data) });
  assert.equal((await nc.request("echo", "hello", { timeout: 20_000 })).string(), "hello");
});

test(
  "with retryOnFailedConnect what is subscribed and published before the server exists is delivered once it does",
  limit,
  async (t) => {
    const port = await freePort();
    const nc = await open(t, { servers: `127.0.0.1:${port}`, retryOnFailedConnect: true });
    const statuses = recordStatuses(nc);
    assert.equal(nc.outbound.usable, false);
    assert.equal(nc.info, undefined);
    const received: string[] = [];
    nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string()) });
    nc.subscribe("echo", { callback: (_error, msg) => void msg.respond(msg.data) });
    for (const number of numbers(1, 10)) nc.publish("foo", number);
    const answer = nc.request("echo", "early", { timeout: 30_000 });
    await until("an attempt failed", () => countOf(statuses, "reconnecting") > 1);

    const server = await startNatsServer({ port });
    afterwards(t, () => server.stop());
    assert.equal((await answer).string(), "early");
    await nc.flush();
    assert.deepEqual(received, numbers(1, 10));
    assert.equal(countOf(statuses, "disconnect"), 0);
  },
);

test("close() while reconnecting ends at once, and nobody is dialled after it", limit, async (t) => {
  const line = await openLine(t);
  const statuses = recordStatuses(line.nc);
  line.proxy.onAccept = "reset";
  await line.proxy.cut();
  await until("five attempts", () => countOf(statuses, "reconnecting") >= 5);
  await line.nc.close();
  assert.equal(await line.nc.closed(), undefined);
  const { accepted } = line.proxy;
  await pause(200);
  assert.equal(line.proxy.accepted, accepted);
});

test("close() does not wait for the next attempt, however far away it is", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectTimeWait: 3_600_000 } });
  await line.down();
  await line.nc.close();
  assert.equal(line.nc.isClosed(), true);
});
