/** Leaving a server on purpose: `reconnect()`, lame duck mode. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, limit, numbers, observe, open, openLine, recordStatuses, startServer, statusOf } from "./peers-harness.ts";

test(
  "reconnect() makes another connection with the same subscriptions, and what is published around it arrives once, in order",
  limit,
  async (t) => {
    const line = await openLine(t);
    const seen = await observe(t, line.server, "foo");
    const received: string[] = [];
    line.nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string()) });
    const statuses = recordStatuses(line.nc);
    for (const number of numbers(1, 50)) line.nc.publish("foo", number);
    // Behind the writer's own tick: these are in the kernel now, and nobody has read them. The next ones are not.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    assert.equal(line.nc.outbound.counts().inFlight, 50);
    for (const number of numbers(51, 100)) line.nc.publish("foo", number);
    const back = statusOf(line.nc, "reconnect");
    await line.nc.reconnect();
    for (const number of numbers(101, 200)) line.nc.publish("foo", number);
    await back;
    await line.nc.flush();
    await seen.settled();

    assert.equal(line.proxy.accepted, 2);
    assert.equal(countOf(statuses, "forceReconnect"), 1);
    assert.deepEqual(seen.texts, numbers(1, 200));
    assert.deepEqual(received.slice(-100), numbers(101, 200));
  },
);

test("reconnect() works again and again, and while down it changes nothing", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  for (const number of numbers(1, 5)) {
    const back = statusOf(line.nc, "reconnect");
    await line.nc.reconnect();
    await back;
    line.nc.publish("foo", number);
  }
  await line.nc.flush();
  await line.down();
  await line.nc.reconnect();
  line.nc.publish("foo", "6");
  await line.up();
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, numbers(1, 6));
  assert.equal(line.proxy.accepted, 7);
});

test("100 000 messages with a reconnect() behind a flush() in the middle arrive without a gap", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  for (const number of numbers(1, 50_000)) line.nc.publish("foo", number);
  await line.nc.flush();
  await line.nc.reconnect();
  for (const number of numbers(50_001, 100_000)) line.nc.publish("foo", number);
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();
  assert.deepEqual(seen.texts, numbers(1, 100_000));
  assert.deepEqual(line.undelivered, []);
});

test("lame duck mode is announced as a status, and the client finds its way back after it", limit, async (t) => {
  const server = await startServer(t, { config: { lame_duck_duration: "30s", lame_duck_grace_period: "1s" } });
  const nc = await open(t, { servers: server.url });
  const announced = statusOf(nc, "ldm");
  await server.lameDuck();
  assert.equal((await announced).server, `127.0.0.1:${server.port}`);
  const received: string[] = [];
  nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string()) });
  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  nc.publish("foo", "after");
  await server.restart();
  await nc.flush();
  assert.deepEqual(received, ["after"]);
});
