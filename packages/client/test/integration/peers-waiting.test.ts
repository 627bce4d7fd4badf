/** Requests and flushes that meet an outage. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, limit, observe, open, openLine, startServer, statusOf, until } from "./peers-harness.ts";

test("a request and two publishes made while the server is stopped are all served", limit, async (t) => {
  const server = await startServer(t, { config: { authorization: { user: "stephen", password: "password" } } });
  const nc = await open(t, { servers: server.url, user: "stephen", pass: "password" });
  const received = collect(nc, "subject");
  nc.subscribe("echo", { callback: (_error, msg) => void msg.respond(msg.data) });
  await nc.flush();

  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  const answer = nc.request("echo", "test", { timeout: 30_000 });
  nc.publish("subject", "1");
  nc.publish("subject", "2");
  await server.restart();

  assert.equal((await answer).string(), "test");
  await nc.flush();
  assert.deepEqual(received, ["subject 1", "subject 2"]);
});

test("a request whose time is over while down is never sent", limit, async (t) => {
  const line = await openLine(t);
  const asked = await observe(t, line.server, "service");
  await line.down();
  await assert.rejects(line.nc.request("service", "late", { timeout: 30 }), { name: "TimeoutError" });
  line.nc.publish("service", "published");
  await line.up();
  await line.nc.flush();
  await asked.settled();

  assert.deepEqual(asked.texts, ["published"]);
  assert.equal(line.nc.outbound.counts().expired, 1);
});

test("a request in flight at the cut ends at its own timeout, in doubt, and is not sent again", limit, async (t) => {
  const line = await openLine(t);
  const asked = await observe(t, line.server, "service");
  const answer = line.nc.request("service", "once", { timeout: 1_000 });
  const outcome = assert.rejects(answer, { name: "TimeoutError" });
  line.proxy.toClient.hold();
  await until("the request arrives", () => asked.messages.length === 1);
  await line.down();
  line.proxy.toClient.forward();
  await line.up();
  await outcome;
  await line.nc.flush();
  await asked.settled();

  assert.deepEqual(asked.texts, ["once"]);
  assert.equal(line.nc.outbound.counts().inDoubt, 1);
});

test("flush() called while down resolves when the next connection has read everything before it", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  await line.down();
  line.nc.publish("foo", "1");
  let settled = false;
  const flushed = line.nc.flush().then(() => {
    settled = true;
  });
  await assert.rejects(line.nc.rtt(), { message: "connection disconnected" });
  assert.equal(settled, false);
  await line.up();
  await flushed;
  await seen.settled();
  assert.deepEqual(seen.texts, ["1"]);
});

test("flush() cut off by an outage settles at the next connection, and says what came to be in doubt", limit, async (t) => {
  const line = await openLine(t);
  const { nc } = line;
  const seen = await observe(t, line.server, "foo");
  line.proxy.toClient.hold();
  nc.publish("foo", "1");
  const failing = assert.rejects(nc.flush(), (error) => {
    assert.ok(error instanceof Error && "counts" in error);
    assert.equal(error.name, "FlushError");
    assert.deepEqual(error.counts, { rejected: 0, inDoubt: 1, dropped: 0, expired: 0, undeliverable: 0, abandoned: 0 });
    return true;
  });
  await until("the message arrives", () => seen.messages.length === 1);
  await line.down();
  line.proxy.toClient.forward();
  nc.publish("foo", "2");
  await line.up();
  await failing;
  await nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, ["1", "2"]);
});
