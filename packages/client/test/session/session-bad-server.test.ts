import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import { type Peer, rejection, World } from "./harness.ts";

/** Servers that are none, and what is said of them. */
const strangers: readonly [what: string, script: (peer: Peer) => void, expected: RegExp][] = [
  ["speaks garbage", (peer) => peer.send("\x00\xff\xfeHTTP/1.1 400 Bad Request\r\n\r\n"), /^ProtocolError: .*\\x00\\xff/],
  ["speaks HTTP", (peer) => peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"), /^ProtocolError: .*HTTP/],
  ["sends an INFO of 10 MB", (peer) => peer.info({ padding: "x".repeat(10 * 1024 * 1024) }), /^ProtocolError: .*INFO.*1048576/],
  [
    "sends an INFO that never ends",
    (peer) => peer.send(`INFO {"a":"${"x".repeat(2 * 1024 * 1024)}`),
    /^ProtocolError: .*INFO.*1048576/,
  ],
  [
    "sends an INFO that is no JSON",
    (peer) => peer.send("INFO {nonsense}\r\n"),
    /^ProtocolError: INFO from the server is not JSON/,
  ],
  ["sends an INFO without max_payload", (peer) => peer.info({ max_payload: "much" }), /^ProtocolError: .*max_payload/],
  ["begins with PONG", (peer) => peer.send("PONG\r\n"), /^ProtocolError: expected INFO from the server, got PONG$/],
  ["begins with PING", (peer) => peer.send("PING\r\n"), /^ProtocolError: expected INFO from the server, got PING$/],
  ["begins with +OK", (peer) => peer.send("+OK\r\n"), /^ProtocolError: expected INFO from the server, got \+OK$/],
  ["begins with MSG", (peer) => peer.send("MSG a 1 0\r\n\r\n"), /^ProtocolError: expected INFO from the server, got MSG$/],
  ["closes at once", (peer) => peer.fin(), /^ConnectionError: a:4222: the server closed the connection: no INFO$/],
  ["resets at once", (peer) => peer.reset(), /^ConnectionError: a:4222: the server closed the connection: no INFO: .*ECONNRESET/],
  [
    "closes after INFO",
    (peer) => {
      peer.info();
      peer.fin();
    },
    /^ConnectionError: a:4222: the server closed the connection: no PONG after CONNECT$/,
  ],
  [
    "closes after the first PONG",
    (peer) => {
      peer.info();
      peer.answer((frame) => {
        if (frame.verb !== "PING") return;
        peer.send("PONG\r\n");
        peer.fin();
      });
    },
    /^ConnectionError: a:4222: the server closed the connection: no PONG after the subscriptions$/,
  ],
  [
    "says that it is full",
    (peer) => {
      peer.info();
      peer.send("-ERR 'maximum connections exceeded'\r\n");
      peer.fin();
    },
    /^ProtocolError: maximum connections exceeded$/,
  ],
];

for (const [what, script, expected] of strangers) {
  test(`a server that ${what} is told about once, left, and the next one is tried`, async () => {
    const world = new World();
    world.script = (peer) => (peer.raw.endpoint.hostname === "a" ? script(peer) : peer.serve());
    await world.connect();
    assert.equal(world.session.servers.current(), "b:4222");
    assert.equal(world.host.errors.length, 1, world.host.errors.join());
    assert.match(world.host.errors[0] ?? "", expected);
    assert.equal(world.peers[0]?.over, true);
    assert.equal(world.clock.pending.timers, 1, "only the heartbeat's");
  });

  test(`a server that ${what} makes connect() reject when it is the only one`, async () => {
    const world = new World({ servers: "a" }, { script });
    const connecting = rejection(world.session.connect());
    await world.pass();
    const error = await connecting;
    assert.match(`${error.name}: ${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ""}`, expected);
    world.assertNothingLeft();
  });
}

test("garbage on a connection that was good ends it, and another is made", async () => {
  const world = new World();
  await world.connect();
  world.host.log.length = 0;
  world.peer.send("MSG a 1 0\r\n\r\nWHAT\r\nMSG b 1 0\r\n\r\n");
  await world.pass();
  assert.deepEqual(world.host.log, [
    "message a",
    "status error",
    "detach",
    "status disconnect",
    "status reconnecting",
    "info",
    "attach",
    "status reconnect",
  ]);
  assert.equal(world.peers[0]?.raw.ended, "rst");
});

test("an INFO on a good connection that cannot be read ends it", async () => {
  const world = new World();
  await world.connect();
  world.peer.send("INFO [1]\r\n");
  await world.pass();
  assert.match(world.host.errors[0] ?? "", /^ProtocolError: INFO from the server is not a JSON object/);
  assert.equal(world.session.servers.current(), "b:4222");
});

test("half a MSG and then nothing is found by the heartbeat", async () => {
  const world = new World({ pingInterval: 1000, maxPingOut: 2 });
  await world.connect();
  world.peer.send("MSG a 1 100\r\nonly half of what was announ");
  world.peer.answer(() => {});
  await world.pass(3000);
  assert.deepEqual(world.host.told.slice(-4), ["staleConnection", "disconnect", "reconnecting", "reconnect"]);
  assert.equal(
    world.host.log.some((entry) => entry.startsWith("message")),
    false,
  );
});

test("half a MSG of a connection that died is not continued on the next one", async () => {
  const world = new World();
  await world.connect();
  world.peer.send("MSG a 1 10\r\nhalf");
  await world.pass();
  world.peer.fin();
  await world.pass();
  world.peer.send("MSG b 1 2\r\nok\r\n");
  await world.pass();
  assert.deepEqual(
    world.host.log.filter((entry) => entry.startsWith("message")),
    ["message b"],
  );
});

for (const text of ["Unknown Something", "Invalid Subject", 'Permissions Violation for Publish to "a"', "Slow Consumer", ""]) {
  test(`-ERR '${text}' is told and ends nothing`, async () => {
    const world = new World();
    await world.connect();
    world.peer.send(`-ERR '${text}'\r\n`);
    await world.pass(10_000);
    assert.deepEqual(world.host.log.slice(3), ["status error", `error ${text}`]);
    assert.equal(world.session.connected, true);
  });
}

test("an -ERR that the server closes after is the reason that is told, not the reset that follows", async () => {
  const world = new World({ reconnect: false });
  await world.connect();
  world.peer.send("-ERR 'Maximum Payload Violation'\r\n");
  world.peer.reset();
  await world.pass();
  const reason = world.host.closedWith?.error;
  assert.ok(reason instanceof ProtocolError);
  assert.equal(reason.message, "Maximum Payload Violation");
});

test("a session never gives up a pool of strangers, and keeps nothing of them", async () => {
  let turn = 0;
  const world = new World({ servers: "a", waitOnFirstConnect: true, reconnectTimeWait: 10, timeout: 100 });
  world.script = (peer) => strangers[turn++ % strangers.length]?.[1](peer);
  const connecting = world.session.connect();
  await world.pass(1000);
  assert.ok(turn > strangers.length, `${turn} dials`);
  assert.equal(world.clock.pending.timers, 1);
  world.script = (peer) => peer.serve();
  await world.pass(200);
  await connecting;
});
