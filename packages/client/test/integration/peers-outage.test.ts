/** What is published, subscribed and asked while there is no connection. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/nats-core";
import type { ProxiedFrame } from "../../src/testing/index.ts";
import {
  collect,
  countOf,
  limit,
  listen,
  numbers,
  observe,
  open,
  openLine,
  recordStatuses,
  startServer,
  statusOf,
} from "./peers-harness.ts";

test("a message published while the server is stopped arrives when it is started again", limit, async (t) => {
  const server = await startServer(t);
  const nc = await open(t, { servers: server.url });
  const statuses = recordStatuses(nc);
  const received = collect(nc, "foo");
  await nc.flush();

  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  assert.equal(nc.publish("foo", "bar"), true);
  assert.equal(nc.outbound.counts().buffered, 1);
  await server.restart();
  await nc.flush();

  assert.deepEqual(received, ["foo bar"]);
  assert.equal(countOf(statuses, "reconnect"), 1);
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("subscribing, unsubscribing and publishing while the server is stopped take effect, each exactly once", limit, async (t) => {
  const server = await startServer(t);
  const nc = await open(t, { servers: server.url });
  const received = collect(nc, "foo");
  const foobar = listen(nc, "foobar", received);
  nc.publish("foo", "1");
  await nc.flush();

  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  collect(nc, "bar", received);
  foobar.unsubscribe();
  nc.publish("foo", "2");
  nc.publish("bar", "3");
  const back = statusOf(nc, "reconnect");
  await server.restart();
  await back;
  nc.publish("foobar", "4");
  nc.publish("foo", "5");
  await nc.flush();

  assert.deepEqual(received, ["foo 1", "foo 2", "bar 3", "foo 5"]);
});

test("a subscription made while down answers requests and gets messages afterwards", limit, async (t) => {
  const line = await openLine(t);
  await line.down();
  const received = collect(line.nc, "subject");
  line.nc.subscribe("echo", { callback: (_error, msg) => void msg.respond(msg.data) });
  await line.up();

  assert.equal((await line.nc.request("echo", "test", { timeout: 20_000 })).string(), "test");
  line.nc.publish("subject", "");
  await line.nc.flush();
  assert.deepEqual(received, ["subject "]);
});

test("every subscription is replayed before the backlog and gets all of it", limit, async (t) => {
  const line = await openLine(t);
  const received: string[] = [];
  const subjects = ["a", "b.*", "c.>"];
  for (const subject of subjects) collect(line.nc, subject, received);
  await line.nc.flush();

  await line.down();
  for (const number of numbers(1, 10)) for (const subject of ["a", "b.1", "c.1.2"]) line.nc.publish(subject, number);
  await line.up();
  await line.nc.flush();

  const expected = numbers(1, 10).flatMap((number) => subjects.map((subject) => `${subject} ${number}`));
  assert.deepEqual(received, expected);
});

test("a new connection says each SUB exactly once, and the publishes behind them in order", limit, async (t) => {
  const frames: ProxiedFrame[] = [];
  const line = await openLine(t, { proxy: { onFrame: (frame) => void frames.push(frame) } });
  const { nc } = line;
  const before = nc.subscribe("before", { callback: () => {} });
  nc.subscribe("gone", { callback: () => {} }).unsubscribe();
  await nc.flush();

  await line.down();
  const during = nc.subscribe("during", { callback: () => {} });
  nc.subscribe("brief", { callback: () => {} }).unsubscribe();
  // Called while down, so its PING waits with it: it goes out once, behind both messages.
  nc.publish("x", "1");
  const flushed = nc.flush();
  nc.publish("x", "2");
  frames.length = 0;
  await line.up();
  await flushed;
  await nc.flush();

  const said = frames.filter((frame) => frame.direction === "toServer").map(({ verb, rest }) => `${verb} ${rest}`.trim());
  assert.equal(said[0]?.split(" ")[0], "CONNECT");
  const interesting = said.filter((text) => !text.startsWith("CONNECT") && text !== "PING" && text !== "PONG");
  const subs = [`SUB before ${before.getID()}`, `SUB during ${during.getID()}`];
  assert.deepEqual(interesting, [...subs, "PUB x 1", "PUB x 1"]);
});

test("unsubscribe(max) counts what came before the outage: a new connection is asked for the rest only", limit, async (t) => {
  const frames: ProxiedFrame[] = [];
  const line = await openLine(t, { proxy: { onFrame: (frame) => void frames.push(frame) } });
  const { nc } = line;
  const received: string[] = [];
  const subscription = listen(nc, "limited", received);
  subscription.unsubscribe(10);
  for (const number of numbers(1, 4)) nc.publish("limited", number);
  await nc.flush();

  await line.down();
  frames.length = 0;
  for (const number of numbers(5, 20)) nc.publish("limited", number);
  await line.up();
  await nc.flush();

  assert.deepEqual(
    received,
    numbers(1, 10).map((number) => `limited ${number}`),
  );
  assert.equal(subscription.isClosed(), true);
  const unsub = frames.find((frame) => frame.verb === "UNSUB");
  assert.equal(unsub?.rest, `${subscription.getID()} 6`);
});

test("a subscription drained while the link is cut is not replayed", limit, async (t) => {
  const frames: ProxiedFrame[] = [];
  const line = await openLine(t, { proxy: { onFrame: (frame) => void frames.push(frame) } });
  const { nc } = line;
  const received: string[] = [];
  const drained = listen(nc, "drained", received);
  listen(nc, "kept", received);
  await nc.flush();

  // The PONG that ends the draining never comes.
  line.proxy.toClient.hold();
  const draining = drained.drain();
  await line.down();
  line.proxy.toClient.forward();
  await draining;
  frames.length = 0;
  nc.publish("drained", "1");
  nc.publish("kept", "2");
  await line.up();
  await nc.flush();

  assert.deepEqual(received, ["kept 2"]);
  const subs = frames.filter((frame) => frame.direction === "toServer" && frame.verb === "SUB");
  assert.deepEqual(
    subs.map((frame) => frame.args[0]),
    ["kept"],
  );
});

test("an unlimited buffer keeps 1000 messages of 1 KiB, in order", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: Infinity } });
  const seen = await observe(t, line.server, "test");
  await line.down();
  for (const number of numbers(1, 1000)) assert.equal(line.nc.publish("test", number.padStart(1024, "0")), true);
  assert.deepEqual(line.nc.outbound.limit, { messages: Infinity, bytes: Infinity });
  await line.up();
  await line.nc.flush();
  await seen.settled();

  assert.deepEqual(
    seen.texts.map((text) => String(Number(text))),
    numbers(1, 1000),
  );
  assert.equal(seen.texts[0]?.length, 1024);
});

test("what is held grows while down and is nothing again after flush()", limit, async (t) => {
  const line = await openLine(t);
  const { nc } = line;
  await nc.flush();
  assert.deepEqual(nc.outbound.held, { messages: 0, bytes: 0 });
  await line.down();
  const frame = `PUB test 100\r\n${"x".repeat(100)}\r\n`;
  for (let messages = 1; messages <= 200; messages++) {
    nc.publish("test", "x".repeat(100));
    assert.deepEqual(nc.outbound.held, { messages, bytes: messages * frame.length });
  }
  await line.up();
  await nc.flush();
  assert.deepEqual(nc.outbound.held, { messages: 0, bytes: 0 });
  assert.equal(nc.outbound.counts().confirmed, 200);
});

test(
  "headers, reply and payload are kept as they were at publish(), whatever the caller does to them afterwards",
  limit,
  async (t) => {
    const line = await openLine(t);
    const seen = await observe(t, line.server, "kept");
    await line.down();
    const payload = new TextEncoder().encode("before");
    const fields = headers();
    fields.set("Name", "before");
    line.nc.publish("kept", payload, { headers: fields, reply: "answers" });
    payload.fill(0);
    fields.set("Name", "after");
    await line.up();
    await line.nc.flush();
    await seen.settled();

    const [message] = seen.messages;
    assert.equal(message?.string(), "before");
    assert.equal(message?.headers?.get("Name"), "before");
    assert.equal(message?.reply, "answers");
  },
);

test("a verbose connection comes back and flushes", limit, async (t) => {
  const server = await startServer(t);
  const nc = await open(t, { servers: server.url, verbose: true });
  const received = collect(nc, "foo");
  await nc.flush();
  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  nc.publish("foo", "1");
  await server.restart();
  await nc.flush();
  assert.deepEqual(received, ["foo 1"]);
});
