import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError, RequestError, type Status } from "@nats-io/nats-core";
import { open } from "../../src/client/open.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import { type FakeConnection, startFakeServer } from "../../src/testing/index.ts";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import { Bed, connected, statusOf } from "./harness.ts";

const bed = new Bed();

test("rtt() measures a round trip, and rejects without a connection", async (t) => {
  const nc = await bed.connect(t, { reconnectTimeWait: 200 });
  const rtt = await nc.rtt();
  assert.ok(rtt > 0 && rtt < 5000, String(rtt));
  const lost = statusOf(nc, "disconnect");
  await bed.server.freeze();
  const cut = assert.rejects(nc.rtt(), new RequestError("connection disconnected"));
  await bed.server.kill();
  await lost;
  await cut;
  await assert.rejects(nc.rtt(), new RequestError("connection disconnected"));
  await bed.server.restart();
});

test("stats() counts messages and their bytes each way", async (t) => {
  const nc = await bed.connect(t);
  nc.subscribe("a", { callback: () => {} });
  nc.publish("a", "12345");
  nc.publish("b", "größe");
  await nc.flush();
  assert.deepEqual(nc.stats(), { inBytes: 5, inMsgs: 1, outBytes: 5 + 7, outMsgs: 2 });
});

test("info is that of the server, kept while it is away, gone once closed", async (t) => {
  const nc = await bed.connect(t);
  assert.equal(nc.info?.version, bed.server.version);
  assert.equal(nc.info?.server_name, bed.server.name);
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  assert.equal(nc.info?.server_name, bed.server.name);
  await bed.server.restart();
  await nc.flush();
  await nc.close();
  assert.equal(nc.info, undefined);
});

test("the server pool can be seen and replaced", async (t) => {
  const nc = await bed.connect(t);
  const address = `${bed.server.host}:${bed.server.port}`;
  assert.equal(nc.getServer(), address);
  assert.deepEqual(
    nc.getServers().map((server) => [server.listen, server.didConnect]),
    [[address, true]],
  );
  assert.throws(() => nc.setServers([]), InvalidArgumentError);
  const other = await startFakeServer();
  t.after(() => other.stop());
  nc.setServers([`${other.host}:${other.port}`]);
  const back = statusOf(nc, "reconnect");
  await nc.reconnect();
  assert.equal((await back).server, `${other.host}:${other.port}`);
  assert.equal(nc.info?.server_name, "fake");
});

test("status() tells the story of a reconnect in nats.js' order", async (t) => {
  const nc = await bed.connect(t);
  const events: Status["type"][] = [];
  const reading = (async () => {
    for await (const { type } of nc.status()) {
      // It comes with every INFO, and servers send more than one.
      if (type !== "update") events.push(type);
      if (type === "reconnect") break;
    }
  })();
  await nc.reconnect();
  await reading;
  assert.deepEqual(events, ["forceReconnect", "disconnect", "reconnecting", "reconnect"]);
});

test("a subscription made during the handshake of a reconnect goes before what was published after it", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const nc = await connected(t, { servers: server.url });
  const old = nc.subscribe("old");
  await nc.flush();
  const handshaking = new Promise<FakeConnection>((resolve) => {
    server.script = async (connection) => {
      connection.sendInfo();
      await connection.waitFor("PING");
      connection.pong();
      await connection.waitFor("PING");
      resolve(connection);
    };
  });
  server.connections[0]?.reset();
  const connection = await handshaking;
  nc.publish("before");
  const sub = nc.subscribe("new", { max: 3 });
  nc.publish("after");
  old.unsubscribe();
  connection.pong();
  await connection.waitFor((command) => command.verb === "PUB" && command.args[0] === "after");
  // Behind them a fence may have come already.
  const lines = connection.commands.map(({ verb, rest }) => `${verb} ${rest}`).slice(1, 9);
  assert.deepEqual(lines, ["PING ", "SUB old 1", "PING ", "UNSUB 1", "SUB new 2", "UNSUB 2 3", "PUB before 0", "PUB after 0"]);
  connection.message({ sid: sub.getID(), subject: "new" });
  for await (const msg of sub) {
    assert.equal(msg.subject, "new");
    break;
  }
});

test("messages for a sid that nobody has only count", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const nc = await connected(t, { servers: server.url });
  server.connections[0]?.message({ sid: 99, subject: "surprise", payload: "xyz" });
  await nc.flush();
  assert.deepEqual([nc.stats().inMsgs, nc.stats().inBytes], [1, 3]);
});

test("connect() takes back what it started when options cannot be", async () => {
  await assert.rejects(connected(never(), { servers: "nats://host:port" }), InvalidArgumentError);
});

test("with retryOnFailedConnect publishing begins before there is a server", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  server.refuse();
  const nc = await connected(t, { servers: server.url, retryOnFailedConnect: true });
  assert.equal(nc.outbound.usable, false);
  assert.equal(nc.info, undefined);
  nc.publish("a", "early");
  await server.accept();
  await nc.flush();
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("debug tells the story without credentials", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const lines: string[] = [];
  const options = resolveOptions({ servers: server.url, debug: true, user: "me", pass: "secret", token: "hidden", name: "n" });
  const nc = await open(options, { transport: tcpTransport(), runtime: nodeRuntime, log: (line) => lines.push(line) });
  nc.publish("subject", "payload");
  await nc.close();
  assert.ok(lines.includes("info from fake 2.15.2, max_payload 1048576"), lines.join("\n"));
  assert.ok(lines.includes("status reconnecting"));
  assert.doesNotMatch(lines.join("\n"), /secret|hidden|payload$/m);
});

/** For a connection that is never made. */
function never(): { after(): void } {
  return { after: () => {} };
}
