import assert from "node:assert/strict";
import { test } from "node:test";
import { refusing, World } from "./harness.ts";

// ---- reconnecting ----

test("a lost connection is told in the order of nats.js: disconnect, reconnecting, reconnect", async () => {
  const world = new World();
  await world.connect();
  world.peer.reset();
  await world.pass(2000);
  assert.deepEqual(world.host.log.slice(3), [
    "detach",
    "status disconnect",
    "status reconnecting",
    "info",
    "attach",
    "status reconnect",
  ]);
  assert.deepEqual(world.host.statuses.slice(1), [
    { type: "disconnect", server: "a:4222" },
    { type: "reconnecting" },
    { type: "reconnect", server: "b:4222" },
  ]);
});

test("info stays while there is no connection", async () => {
  const world = new World({ servers: "a" });
  assert.equal(world.session.info, undefined);
  await world.connect();
  const { info } = world.session;
  world.answer = refusing;
  world.peer.fin();
  await world.pass(10_000);
  assert.equal(world.session.connected, false);
  assert.equal(world.session.info, info);
});

test("a server is left alone for reconnectTimeWait since it was last dialled, then at once when that is long ago", async () => {
  const world = new World({ servers: "a", reconnectTimeWait: 3000 });
  await world.connect();
  await world.pass(1000);
  world.peer.fin();
  await world.pass(10_000);
  world.peer.fin();
  await world.pass();
  assert.deepEqual(world.dials, ["0 a:4222", "3000 a:4222", "11000 a:4222"]);
});

test("the other servers come first, without a waiting time", async () => {
  const world = new World({ servers: ["a", "b", "c"] });
  await world.connect();
  world.answer = refusing;
  world.peer.fin();
  await world.pass(4000);
  assert.deepEqual(world.dials, [
    "0 a:4222",
    "0 b:4222",
    "0 c:4222",
    "2000 a:4222",
    "2000 b:4222",
    "2000 c:4222",
    "4000 a:4222",
    "4000 b:4222",
    "4000 c:4222",
  ]);
});

test("a server that accepts and dies at once is not dialled in a loop, and is given up after maxReconnectAttempts", async () => {
  const world = new World({ servers: "a", maxReconnectAttempts: 3 });
  world.script = (peer) => {
    peer.serve();
    world.host.onAttach = () => peer.reset();
  };
  await world.connect();
  await world.pass(60_000);
  // The first was no attempt to reconnect.
  assert.deepEqual(world.dials, ["0 a:4222", "2000 a:4222", "4000 a:4222", "6000 a:4222"]);
  assert.match(world.host.closedWith?.error?.message ?? "", /ECONNRESET/);
  world.assertNothingLeft();
});

for (const proof of ["a PONG", "five seconds"]) {
  test(`a connection that had ${proof} clears the failed attempts before it`, async () => {
    const world = new World({ servers: "a", maxReconnectAttempts: 2 });
    await world.connect();
    for (let i = 0; i < 5; i++) {
      if (proof === "a PONG") world.host.sendPing(() => {});
      await world.pass(proof === "a PONG" ? 0 : 5000);
      world.answer = refusing;
      world.peer.reset();
      await world.pass(proof === "a PONG" ? 2000 : 0);
      assert.equal(world.session.servers.list()[0]?.reconnects, 1);
      world.answer = () => ({ kind: "accept" });
      await world.pass(2000);
      assert.equal(world.session.connected, true, `round ${i}`);
    }
  });
}

test("when the last server is given up the session ends with its error", async () => {
  const world = new World({ maxReconnectAttempts: 2 });
  await world.connect();
  await world.pass(10_000);
  world.answer = ({ hostname }) => ({ kind: "refuse", error: new Error(`no ${hostname}`) });
  world.peer.fin();
  await world.pass(60_000);
  assert.deepEqual(world.dials.slice(1), ["10000 b:4222", "10000 a:4222", "12000 b:4222", "12000 a:4222"]);
  assert.match(world.host.closedWith?.error?.message ?? "", /no a/);
  assert.deepEqual(world.session.servers.list(), []);
  world.assertNothingLeft();
});

test("without reconnect the first disconnect ends the session", async () => {
  const world = new World({ reconnect: false });
  await world.connect();
  world.peer.reset();
  await world.pass(10_000);
  assert.deepEqual(world.host.log.slice(3), ["detach", "status disconnect", "closed"]);
  assert.match(world.host.closedWith?.error?.message ?? "", /ECONNRESET/);
  world.assertNothingLeft();
});

test("a delay handler that fails is told about and does not stop the reconnecting", async () => {
  const world = new World({ servers: "a", reconnectDelayHandler: () => Number.NaN });
  await world.connect();
  world.peer.fin();
  await world.pass(2000);
  assert.equal(world.session.connected, true);
  assert.equal(world.host.errors.length, 1);
  assert.match(world.host.errors[0] ?? "", /reconnectDelayHandler/);
});

test("with a delay handler of 0 the event loop still turns between dials", async () => {
  const world = new World({ servers: "a", reconnectDelayHandler: () => 0 });
  await world.connect();
  world.answer = refusing;
  world.peer.fin();
  for (let i = 0; i < 50; i++) world.clock.advance();
  await world.session.close();
  world.assertNothingLeft();
});

// ---- heartbeat ----

test("a server that answers no PING is stale: told, reset, and the next one is dialled", async () => {
  const world = new World({ pingInterval: 1000, maxPingOut: 2 });
  await world.connect();
  world.host.log.length = 0;
  world.peer.answer(() => {});
  await world.pass(3000);
  assert.deepEqual(world.host.log, [
    "status ping",
    "status ping",
    "status ping",
    "status staleConnection",
    "detach",
    "status disconnect",
    "status reconnecting",
    "info",
    "attach",
    "status reconnect",
  ]);
  assert.deepEqual(world.host.statuses.at(-5), { type: "ping", pendingPings: 3 });
  assert.equal(world.peers[0]?.raw.ended, "rst");
});

test("a server that answers PINGs is never stale, and heartbeats begin anew on each connection", async () => {
  const world = new World({ pingInterval: 1000, maxPingOut: 2 });
  await world.connect();
  await world.pass(60_000);
  assert.equal(world.host.told.includes("staleConnection"), false);
  world.peer.fin();
  await world.pass();
  await world.pass(60_000);
  assert.equal(world.host.told.includes("staleConnection"), false);
  assert.equal(world.clock.pending.timers, 1);
});
