import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedConnectionError } from "@nats-io/nats-core";
import { refusing, rejection, World } from "./harness.ts";

// ---- closing ----

test("close() ends the connection by FIN and resolves when the peer has closed and nothing is left", async () => {
  const world = new World();
  await world.connect();
  world.peer.raw.onEnd(() => world.peer.fin());
  const closing = world.session.close();
  assert.equal(world.session.connected, false);
  await world.pass();
  await closing;
  assert.equal(world.peer.raw.ended, "fin");
  assert.deepEqual(world.host.log.slice(3), ["detach", "closed"]);
  assert.deepEqual(world.host.closedWith, { error: undefined });
  world.assertNothingLeft();
});

test("close() resets a peer that does not close within closeTimeout", async () => {
  const world = new World({ closeTimeout: 1000 });
  await world.connect();
  const closing = world.session.close(new Error("why"));
  await world.pass(999);
  assert.equal(world.host.closedWith, undefined);
  await world.pass(1);
  await closing;
  assert.deepEqual(world.host.closedWith, { error: new Error("why") });
  world.assertNothingLeft();
});

for (const how of ["close", "reconnect"] as const) {
  for (const unfinished of ["last-item", "nothing"] as const) {
    const sent = unfinished === "nothing";
    test(`${how}() with a chunk outstanding ${sent ? "still sends it" : "sends no more of it"} when ${unfinished} is known of it`, async () => {
      const world = new World({}, { capacity: 8, unfinished });
      await world.connect();
      // Nothing that counts is in flight: the move does not wait.
      world.host.onLeave = (done) => done();
      const { peer } = world;
      peer.raw.receive(null);
      assert.equal(world.host.link?.write(Buffer.from("PUB a 4\r\nlast\r\n")), false);
      const done = how === "close" ? world.session.close() : Promise.resolve(world.session.reconnect());
      let read = "";
      for (let i = 0; i < 10; i++) {
        read += Buffer.from(peer.raw.read()).toString();
        await world.pass();
      }
      assert.equal(read.endsWith("last\r\n"), sent);
      peer.fin();
      await world.pass();
      await done;
    });
  }
}

for (const [when, answer, script, ms] of [
  ["a dial hangs", { kind: "hang" }, "silent", 10],
  ["INFO is awaited", { kind: "accept" }, "silent", 10],
  ["the first PONG is awaited", { kind: "accept" }, "info", 10],
  ["it waits for the next dial", { kind: "refuse" }, "silent", 1000],
] as const) {
  test(`close() while ${when} stops at once and leaves nothing`, async () => {
    const world = new World(
      { waitOnFirstConnect: true },
      { answer: () => answer, script: (peer) => script === "info" && peer.info() },
    );
    const connecting = rejection(world.session.connect());
    await world.pass(ms);
    const closing = world.session.close();
    await world.pass();
    await closing;
    assert.ok((await connecting) instanceof ClosedConnectionError);
    assert.deepEqual(world.host.errors, []);
    world.assertNothingLeft();
    const dials = world.dials.length;
    await world.pass(60_000);
    assert.equal(world.dials.length, dials);
  });
}

test("close() in the moment in which a dial succeeds leaves no link", async () => {
  const world = new World();
  let closing: Promise<void> | undefined;
  world.script = () => {
    closing = world.session.close();
  };
  const connecting = rejection(world.session.connect());
  await world.pass();
  await closing;
  await connecting;
  world.assertNothingLeft();
});

test("close() while TLS is being established stops at once and leaves nothing", async () => {
  let closing: Promise<void> | undefined;
  const world: World = new World(
    {},
    {
      script: (peer) => peer.serve({ tls_required: true }),
      secured: () => {
        closing = world.session.close();
        return null;
      },
    },
  );
  const connecting = rejection(world.session.connect());
  await world.pass();
  await closing;
  await connecting;
  assert.deepEqual([world.peer.received, world.host.errors], [[], []]);
  world.assertNothingLeft();
});

test("close() while one address is tried does not go on to the next", async () => {
  const world = new World(
    { servers: "nats.example" },
    { resolve: () => ["10.0.0.1", "10.0.0.2"], answer: () => ({ kind: "hang" }) },
  );
  const connecting = rejection(world.session.connect());
  await world.pass(10);
  await world.session.close();
  await connecting;
  assert.deepEqual(world.dials, ["0 10.0.0.1:4222"]);
  world.assertNothingLeft();
});

test("close() from inside a message ends the reading of what came with it", async () => {
  const world = new World();
  await world.connect();
  world.host.message = () => {
    void world.session.close();
  };
  world.peer.send("MSG a 1 0\r\n\r\n-ERR 'late'\r\nINFO {}\r\nPING\r\n");
  await world.pass();
  assert.deepEqual(world.host.log.slice(3), ["detach"]);
});

test("close() from inside attach() waits until the new connection is announced", async () => {
  const world = new World();
  await world.connect();
  world.host.onAttach = () => {
    void world.session.close();
  };
  world.peer.fin();
  await world.pass();
  assert.deepEqual(world.host.log.slice(-3), ["attach", "status reconnect", "detach"]);
});

test("close() while a name is being resolved does not wait for it", async () => {
  const world = new World({ servers: "nats.example" });
  const connecting = rejection(world.session.connect());
  await world.session.close();
  assert.ok((await connecting) instanceof ClosedConnectionError);
  await world.pass(60_000);
  assert.deepEqual(world.dials, []);
  world.assertNothingLeft();
});

test("close() can be called again, also by the end of the session, and the first reason counts", async () => {
  const world = new World({ closeTimeout: 10 });
  await world.connect();
  const both = [world.session.close(new Error("first")), world.session.close(new Error("second"))];
  await world.pass(10);
  await Promise.all(both);
  await world.session.close();
  assert.equal(world.host.closedWith?.error?.message, "first");
});

test("close() without connect(), or after the session has ended, resolves", async () => {
  const unused = new World();
  await unused.session.close();
  assert.deepEqual(unused.host.log, ["closed"]);
  const ended = new World({}, { answer: refusing });
  const connecting = rejection(ended.session.connect());
  await ended.pass();
  await connecting;
  await ended.session.close();
});

test("connect() after close() rejects", async () => {
  const world = new World();
  await world.session.close();
  assert.ok((await rejection(world.session.connect())) instanceof ClosedConnectionError);
  assert.deepEqual(world.dials, []);
});

test("what the server still says after close() goes to nobody", async () => {
  const world = new World();
  world.host.subscriptions = "SUB a 1\r\n";
  await world.connect();
  void world.session.close();
  world.peer.send("MSG a 1 0\r\n\r\nPING\r\nPONG\r\n-ERR 'late'\r\n");
  world.peer.fin();
  await world.pass();
  assert.deepEqual(world.host.log.slice(3), ["detach", "closed"]);
});

// ---- the process ----

test("the search for a server keeps the process alive, an idle connection's timers do not", async () => {
  const world = new World({ servers: "a" });
  const connecting = world.session.connect();
  assert.equal(world.clock.pending.keptAlive, 1);
  await world.pass();
  await connecting;
  assert.deepEqual([world.clock.pending.timers, world.clock.pending.keptAlive], [1, 0]);
  assert.equal(world.peer.raw.keepsAlive, true);
  world.answer = refusing;
  world.peer.fin();
  await world.pass(1);
  assert.deepEqual([world.clock.pending.timers, world.clock.pending.keptAlive], [1, 1]);
});

test("keepAlive(false) lets the process end, whatever the session does now and later", async () => {
  const world = new World({ servers: "a" });
  world.session.keepAlive(false);
  await world.connect();
  assert.equal(world.peer.raw.keepsAlive, false);
  world.peer.fin();
  await world.pass(1);
  assert.deepEqual([world.clock.pending.timers, world.clock.pending.keptAlive], [1, 0]);
  world.session.keepAlive(true);
  assert.equal(world.clock.pending.keptAlive, 1);
  await world.pass(2000);
  assert.equal(world.peer.raw.keepsAlive, true);
  world.session.keepAlive(false);
  assert.equal(world.peer.raw.keepsAlive, false);
});
