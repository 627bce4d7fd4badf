import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { test } from "node:test";
import { ConnectionError } from "@nats-io/nats-core";
import { type FakeConnection, fakeScripts, freePort, startFakeServer } from "../../src/testing/index.ts";
import { rejection } from "./harness.ts";
import { RealWorld } from "./real-world.ts";

test("a port where nobody listens gives nats-core's error for a refused connection", async () => {
  await using world = new RealWorld({ servers: `127.0.0.1:${await freePort()}` });
  const error = await rejection(world.connect());
  assert.ok(error instanceof ConnectionError);
  assert.equal(error.message, "connection refused");
});

test("a host name is dialled at whichever of its addresses has a server, IPv4 or IPv6", async () => {
  // Not every machine calls ::1 localhost.
  for (const { address: host } of await lookup("localhost", { all: true })) {
    await using server = await startFakeServer({ host });
    await using world = new RealWorld({ servers: `localhost:${server.port}` });
    await world.connect();
    assert.equal(world.session.servers.current(), `localhost:${server.port}`);
  }
});

test("an IPv6 address is dialled", async () => {
  await using server = await startFakeServer({ host: "::1" });
  await using world = new RealWorld({ servers: server.url });
  await world.connect();
});

const strangers = [
  ["speaks garbage", fakeScripts.speaksGarbage, /^ProtocolError/],
  ["sends an INFO of 10 MB", fakeScripts.sendsHugeInfo(), /^ProtocolError: .*1048576/],
  [
    "closes after INFO",
    fakeScripts.closesAfterInfo,
    /^ConnectionError: .*the server closed the connection: no PONG after CONNECT/,
  ],
  [
    "resets after INFO",
    fakeScripts.resetsAfterInfo,
    /^ConnectionError: .*the server closed the connection: no PONG after CONNECT/,
  ],
  ["never sends INFO", fakeScripts.neverSendsInfo, /^TimeoutError: timeout: ConnectionError: .*no INFO within/],
  [
    "offers TLS and never answers it",
    (connection: FakeConnection) => connection.sendInfo({ tls_required: true }),
    /^TimeoutError: timeout: ConnectionError: .*TLS not established within/,
  ],
] as const;
for (const [what, script, expected] of strangers) {
  test(`over sockets: a server that ${what} is told about, and the next one is tried`, async () => {
    await using stranger = await startFakeServer({ script });
    await using server = await startFakeServer();
    await using world = new RealWorld({ servers: [stranger.url, server.url], noRandomize: true, timeout: 1000 });
    await world.connect();
    assert.equal(world.session.servers.current(), `127.0.0.1:${server.port}`);
    assert.equal(world.host.errors.length, 1);
    assert.match(world.host.errors[0] ?? "", expected);
  });
}

test("over sockets: half a MSG and then nothing is found by the heartbeat", async () => {
  await using stranger = await startFakeServer({ script: fakeScripts.sendsHalfAMessage });
  await using server = await startFakeServer();
  await using world = new RealWorld({ servers: [stranger.url, server.url], noRandomize: true, pingInterval: 50, maxPingOut: 2 });
  world.host.subscriptions = "SUB a 1\r\n";
  await world.connect();
  await world.told("reconnect");
  assert.equal(world.session.servers.current(), `127.0.0.1:${server.port}`);
  const told = world.host.told;
  assert.deepEqual(told.slice(told.indexOf("staleConnection")), ["staleConnection", "disconnect", "reconnecting", "reconnect"]);
});

test("over sockets: a server that takes everything and answers nothing more is found by the heartbeat", async () => {
  await using server = await startFakeServer();
  await using world = new RealWorld({ servers: server.url, pingInterval: 50, maxPingOut: 2 });
  await world.connect();
  server.connections[0]?.ignore();
  await world.told("reconnect");
  assert.equal(world.host.told.includes("staleConnection"), true);
});

test("over sockets: close() resets a server that does not answer the FIN", async () => {
  await using server = await startFakeServer({ script: (connection) => connection.serve() });
  await using world = new RealWorld({ servers: server.url, closeTimeout: 50 });
  await world.connect();
  const [connection] = server.connections;
  connection?.pause();
  await world.session.close();
  connection?.resume();
  await connection?.closed;
});

test("over sockets: nothing keeps the process from ending while connect() is stopped", async () => {
  await using server = await startFakeServer({ script: fakeScripts.neverSendsInfo });
  await using world = new RealWorld({ servers: server.url });
  const connecting = rejection(world.connect());
  const connection = await server.nextConnection();
  await world.session.close();
  await connecting;
  await connection.closed;
});
