import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthorizationError, ConnectionError, InvalidArgumentError, TimeoutError } from "@nats-io/nats-core";
import { explain, refusing, rejection, World } from "./harness.ts";

// ---- the first connection ----

test("connect() resolves when the handshake is done: CONNECT, PING, PONG, subscriptions, PING, PONG", async () => {
  const world = new World();
  world.host.subscriptions = "SUB a 1\r\nUNSUB 1 5\r\n";
  await world.connect();
  assert.deepEqual(world.peer.verbs, ["CONNECT", "PING", "SUB", "UNSUB", "PING"]);
  assert.deepEqual(world.host.log, ["status reconnecting", "info", "attach"]);
  assert.equal(world.session.connected, true);
  assert.equal(world.session.servers.current(), "a:4222");
  assert.equal(world.session.servers.list()[0]?.didConnect, true);
});

test("each server is tried once, then connect() rejects with the last error and the session is over", async () => {
  const world = new World({ servers: ["a", "b", "c"] }, { answer: refusing });
  const connecting = rejection(world.session.connect());
  await world.pass();
  const error = await connecting;
  assert.ok(error instanceof ConnectionError);
  assert.equal(error.message, "connection refused");
  assert.deepEqual(world.dials, ["0 a:4222", "0 b:4222", "0 c:4222"]);
  assert.equal(world.host.closedWith?.error, error);
  world.assertNothingLeft();
});

test("a server that fails at connect() stays in the pool", async () => {
  const world = new World({}, { answer: ({ hostname }) => (hostname === "a" ? { kind: "refuse" } : { kind: "accept" }) });
  await world.connect();
  assert.deepEqual(
    world.session.servers.list().map((server) => server.listen),
    ["a:4222", "b:4222"],
  );
});

test("with waitOnFirstConnect connect() waits for as long as it takes, whatever maxReconnectAttempts says", async () => {
  const world = new World({ servers: "a", waitOnFirstConnect: true, maxReconnectAttempts: 2 }, { answer: refusing });
  let resolved = false;
  const connecting = world.session.connect().then(() => {
    resolved = true;
  });
  await world.pass(60_000);
  assert.equal(world.dials.length, 31);
  assert.equal(resolved, false);
  world.answer = () => ({ kind: "accept" });
  await world.pass(2000);
  await connecting;
  assert.equal(world.session.connected, true);
});

test("with retryOnFailedConnect connect() resolves at once and the session goes on reconnecting", async () => {
  const world = new World({ servers: "a", retryOnFailedConnect: true }, { answer: refusing });
  await world.session.connect();
  assert.deepEqual([world.dials, world.host.log], [[], []]);
  await world.pass(4000);
  assert.deepEqual(world.dials, ["0 a:4222", "2000 a:4222", "4000 a:4222"]);
  world.answer = () => ({ kind: "accept" });
  await world.pass(2000);
  assert.deepEqual(world.host.told, ["reconnecting", "reconnecting", "reconnecting", "reconnecting", "reconnect"]);
});

test("with retryOnFailedConnect the attempts count, and giving up ends the session with the last error", async () => {
  const world = new World({ servers: "a", retryOnFailedConnect: true, maxReconnectAttempts: 3 }, { answer: refusing });
  await world.session.connect();
  await world.pass(60_000);
  assert.equal(world.dials.length, 3);
  assert.equal(world.host.closedWith?.error?.message, "connection refused");
  world.assertNothingLeft();
});

test("connect() cannot be called twice", async () => {
  const world = new World();
  await world.connect();
  assert.match((await rejection(world.session.connect())).message, /called before/);
});

test("a server that cannot be read is refused before anything is dialled", () => {
  assert.throws(() => new World({ servers: ["host:port"] }), InvalidArgumentError);
});

// ---- names and addresses ----

test("a name is resolved anew at each dial, and its addresses are tried in turn", async () => {
  let addresses = ["10.0.0.1", "fe80::1"];
  const asked: string[] = [];
  const world = new World(
    { servers: "nats.example:4333" },
    {
      answer: refusing,
      resolve: (name) => {
        asked.push(name);
        return addresses;
      },
    },
  );
  const connecting = rejection(world.session.connect());
  await world.pass();
  await connecting;
  assert.deepEqual(world.dials, ["0 10.0.0.1:4333", "0 fe80::1:4333"]);

  const later = new World({ servers: "nats.example", waitOnFirstConnect: true }, { answer: refusing, resolve: () => addresses });
  const waiting = later.session.connect();
  await later.pass(1000);
  addresses = ["10.0.0.9"];
  later.answer = () => ({ kind: "accept" });
  await later.pass(1000);
  await waiting;
  assert.deepEqual(later.dials.slice(2), ["2000 10.0.0.9:4222"]);
  assert.deepEqual(asked, ["nats.example"]);
});

test("an address is not resolved, nor is a name with resolve: false", async () => {
  const resolve = (): readonly string[] => assert.fail("resolved");
  await new World({ servers: "10.0.0.1" }, { resolve }).connect();
  const world = new World({ servers: "nats.example", resolve: false }, { resolve });
  await world.connect();
  assert.deepEqual(world.dials, ["0 nats.example:4222"]);
});

test("a name that cannot be resolved is a failed attempt", async () => {
  const world = new World({ servers: ["nowhere", "b"] }, { resolve: (name) => (name === "nowhere" ? [] : [name]) });
  await world.connect();
  assert.deepEqual(world.dials, ["0 b:4222"]);
});

test("each address has its share of the timeout, so that one that swallows everything does not keep the others away", async () => {
  const world = new World(
    { servers: "nats.example", timeout: 9000 },
    {
      resolve: () => ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
      answer: ({ hostname }) => (hostname === "10.0.0.3" ? { kind: "accept" } : { kind: "hang" }),
    },
  );
  const connecting = world.session.connect();
  await world.pass(9000);
  await connecting;
  assert.deepEqual(world.dials, ["0 10.0.0.1:4222", "3000 10.0.0.2:4222", "6000 10.0.0.3:4222"]);
});

test("wrong credentials at one address are told before another address that does not answer", async () => {
  const world = new World(
    { servers: "localhost" },
    {
      resolve: () => ["127.0.0.1", "::1"],
      answer: ({ hostname }) => (hostname === "::1" ? { kind: "refuse" } : { kind: "accept" }),
      script: (peer) => {
        peer.info();
        peer.answer((frame) => frame.verb === "CONNECT" && peer.send("-ERR 'Authorization Violation'\r\n"));
      },
    },
  );
  const connecting = rejection(world.session.connect());
  await world.pass();
  assert.ok((await connecting) instanceof AuthorizationError);
});

for (const [silent, expected] of [
  ["dial", "TimeoutError: timeout: ConnectionError: 10.0.0.1:4222: not connected within 500 ms"],
  ["INFO", "TimeoutError: timeout: ConnectionError: 10.0.0.1:4222: no INFO within 500 ms"],
  ["first PONG", "TimeoutError: timeout: ConnectionError: 10.0.0.1:4222: no PONG after CONNECT within 500 ms"],
  ["second PONG", "TimeoutError: timeout: ConnectionError: 10.0.0.1:4222: no PONG after the subscriptions within 500 ms"],
] as const) {
  test(`a server from which no ${silent} comes is given up at the timeout, with an error that says so`, async () => {
    const world = new World(
      { servers: "10.0.0.1", timeout: 500 },
      {
        answer: () => (silent === "dial" ? { kind: "hang" } : { kind: "accept" }),
        script: (peer) => {
          if (silent === "INFO") return;
          peer.info();
          let pongs = silent === "second PONG" ? 1 : 0;
          peer.answer((frame) => frame.verb === "PING" && pongs-- > 0 && peer.send("PONG\r\n"));
        },
      },
    );
    const connecting = rejection(world.session.connect());
    await world.pass(500);
    const error = await connecting;
    assert.ok(error instanceof TimeoutError);
    assert.equal(explain(error), expected);
    assert.deepEqual(world.host.errors, silent === "dial" ? [] : [expected]);
    world.assertNothingLeft();
  });
}
