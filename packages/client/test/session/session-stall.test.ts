import assert from "node:assert/strict";
import { test } from "node:test";
import { World } from "./harness.ts";

// ---- the stall rule ----

test("a stalled connection is told about as stale, reset, and the next server is dialled", async () => {
  const world = new World();
  await world.connect();
  world.host.log.length = 0;
  world.session.stalled(10_250.7);
  assert.equal(world.session.connected, false);
  await world.pass();
  assert.equal(world.peers[0]?.raw.ended, "rst");
  assert.deepEqual(world.host.log, [
    "status staleConnection",
    "detach",
    "status disconnect",
    "status reconnecting",
    "info",
    "attach",
    "status reconnect",
  ]);
  assert.deepEqual(world.dials, ["0 a:4222", "0 b:4222"]);
});

test("a session that ends with a stall says how long nobody answered", async () => {
  const world = new World({ servers: "a", reconnect: false });
  await world.connect();
  world.session.stalled(10_250.7);
  await world.pass();
  const error = world.host.closedWith?.error;
  assert.equal(error?.name, "ConnectionError");
  assert.equal(error?.message, "stalled: no sign of life from a:4222 for 10251 ms");
  world.assertNothingLeft();
});

test("a stall during a move resets the connection and goes on to the next server", async () => {
  const world = new World();
  await world.connect();
  world.peer.answer(() => {});
  world.session.reconnect();
  await world.pass(10_000);
  world.session.stalled(10_000);
  await world.pass();
  assert.equal(world.peers[0]?.raw.ended, "rst");
  assert.deepEqual(world.host.told.slice(1), ["forceReconnect", "staleConnection", "disconnect", "reconnecting", "reconnect"]);
});

test("a stall without a connection, or told twice, does nothing", async () => {
  const world = new World();
  world.session.stalled(1);
  await world.connect();
  world.session.stalled(1);
  world.session.stalled(1);
  await world.pass();
  assert.equal(world.host.told.filter((type) => type === "staleConnection").length, 1);
  assert.equal(world.session.connected, true);
  const closing = world.session.close();
  world.session.stalled(1);
  world.peer.fin();
  await world.pass();
  await closing;
  assert.equal(world.dials.length, 2);
});

// ---- signs of life ----

test("each chunk of the attached connection is told once, before anything in it", async () => {
  const world = new World();
  world.host.subscriptions = "SUB a 1\r\n";
  await world.connect();
  assert.equal(world.host.chunks, 0);
  const seen: string[] = [];
  world.host.received = () => seen.push("chunk");
  world.host.message = () => seen.push("message");
  world.peer.send("MSG a 1 0\r\n\r\nMSG a 1 0\r\n\r\nMSG a");
  await world.pass();
  world.peer.send(" 1 0\r\n\r\n");
  await world.pass();
  assert.deepEqual(seen, ["chunk", "message", "message", "chunk", "message"]);
});

test("bytes after the connection was dropped are told to nobody", async () => {
  const world = new World();
  await world.connect();
  const [old] = world.peers;
  world.host.onLeave = (done) => done();
  world.session.reconnect();
  old?.send("PING\r\n");
  await world.pass(10);
  assert.equal(world.host.chunks, 0);
});

test("an -ERR is handed on as the server wrote it", async () => {
  const world = new World();
  await world.connect();
  const heard: [string, string][] = [];
  world.host.serverError = (error, text) => heard.push([error.name, text]);
  world.peer.send("-ERR 'Permissions Violation for Publish to \"a.b\"'\r\n-ERR 'Maximum Payload Violation'\r\n");
  await world.pass();
  assert.deepEqual(heard, [
    ["PermissionViolationError", 'Permissions Violation for Publish to "a.b"'],
    ["ProtocolError", "Maximum Payload Violation"],
  ]);
});

// ---- backoff ----

test("a connection that takes messages and answers nothing counts as a failed attempt, however long it lived", async () => {
  const world = new World({ servers: "a", maxReconnectAttempts: 2 });
  await world.connect();
  world.host.unanswered = true;
  // The first was no attempt to reconnect.
  for (let i = 0; i < 3; i++) {
    assert.equal(world.session.connected, true, `round ${i}`);
    await world.pass(60_000);
    world.peer.reset();
    await world.pass(2000);
  }
  assert.match(world.host.closedWith?.error?.message ?? "", /ECONNRESET/);
  assert.equal(world.dials.length, 3);
});

test("what is unanswered when we drop a connection counts, and not how long its end takes", async () => {
  const world = new World({ servers: "a", maxReconnectAttempts: 1 });
  await world.connect();
  const detach = world.host.detach.bind(world.host);
  world.host.detach = () => {
    detach();
    world.host.unanswered = false;
  };
  // The first was no attempt to reconnect.
  for (let i = 0; i < 2; i++) {
    assert.equal(world.session.connected, true, `round ${i}`);
    world.host.unanswered = true;
    await world.pass(60_000);
    world.session.stalled(60_000);
    await world.pass(2000);
  }
  assert.match(world.host.closedWith?.error?.message ?? "", /^stalled: /);
  assert.equal(world.dials.length, 2);
});

test("one PONG proves a connection good, also when later messages are unanswered", async () => {
  const world = new World({ servers: "a", maxReconnectAttempts: 1 });
  await world.connect();
  world.host.sendPing(() => {});
  await world.pass();
  world.host.unanswered = true;
  world.peer.reset();
  await world.pass(2000);
  assert.equal(world.session.connected, true);
});
