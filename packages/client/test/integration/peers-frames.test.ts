/** No frame is ever sent in part into a new connection, and none is lost for that. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { NatsServer } from "../../src/testing/index.ts";
import {
  allHandedBack,
  assertIdentity,
  assertNothingLost,
  countOf,
  type Line,
  limit,
  numbers,
  observe,
  open,
  openLine,
  openOfficial,
  pause,
  recordStatuses,
  startServer,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

/** Bytes that no kernel takes while nobody reads: Linux has 4 MiB for the sender and 6 MiB for the receiver. */
const LARGE = 20 * 1024 * 1024;

test("1000 messages of 1 KiB published through a server kill cause no protocol error", limit, async (t) => {
  const server = await startServer(t);
  const inDoubt: string[] = [];
  const nc = await open(t, {
    servers: server.url,
    onUndelivered: (batch) => void inDoubt.push(...batch.map((message) => textOf(message).trim())),
  });
  const statuses = recordStatuses(nc);
  const received: string[] = [];
  nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string().trim()) });
  await nc.flush();

  const down = statusOf(nc, "disconnect");
  let killed: Promise<void> | undefined;
  for (const number of numbers(1, 1000)) {
    nc.publish("foo", number.padStart(1024));
    if (Number(number) % 10 === 0) await pause(0);
    if (number === "500") killed = server.kill();
  }
  await killed;
  await down;
  await server.restart();
  await nc.flush().catch(() => {});
  await allHandedBack(nc, inDoubt);

  // The subscription is on the same connection, so what is confirmed has come back as well.
  assert.equal(new Set(received).size, received.length);
  const missing = numbers(1, 1000).filter((number) => !received.includes(number));
  assert.deepEqual(
    missing.filter((number) => !inDoubt.includes(number)),
    [],
  );
  assert.equal(nc.outbound.counts().confirmed + nc.outbound.counts().inDoubt, 1000);
  assertIdentity(nc);
  assert.deepEqual(errorsIn(server), []);
  assert.equal(
    statuses.some((status) => status.type === "error" && status.error.name === "ProtocolError"),
    false,
  );
});

test("a link cut at any byte of a frame loses nothing and sends nothing in part", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "cut");
  const frame = "PUB cut 3\r\n100\r\n".length;
  let total = 99;
  for (let bytes = 1; bytes <= 2 * frame; bytes++) {
    const back = statusOf(line.nc, "reconnect");
    cutAfter(line, bytes);
    for (let message = 0; message < 4; message++) line.nc.publish("cut", String(++total));
    await back;
    await line.nc.flush().catch(() => {});
  }
  await seen.settled();
  await line.handedBack();
  assertNothingLost(seen.texts, line.undelivered, numbers(100, total));
  assertIdentity(line.nc);
  assert.deepEqual(errorsIn(line.server), []);
});

test("a frame larger than the kernel takes, cut twice by RST, arrives once and whole, as does the next message", limit, (t) =>
  cutTwice(t, "rst"),
);

test("a frame larger than the kernel takes, cut twice by FIN, arrives once and whole, as does the next message", limit, (t) =>
  cutTwice(t, "fin"),
);

async function cutTwice(t: TestContext, kind: "rst" | "fin"): Promise<void> {
  const line = await openLine(t, { server: { config: { max_payload: LARGE } } });
  const seen = await observe(t, line.server, "large");
  const payload = new Uint8Array(LARGE);
  for (let at = 0; at < payload.length; at += 1000) payload[at] = at / 1000;

  const back = statusOf(line.nc, "reconnect");
  cutAfter(line, 4_000_000, kind);
  line.proxy.cutNext({ toServer: 4_000_000, kind });
  line.nc.publish("large", payload);
  line.nc.publish("large", "next");
  await back;
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();

  assert.equal(line.proxy.accepted, 3);
  assert.deepEqual(
    seen.messages.map((message) => message.data.length),
    [payload.length, 4],
  );
  assert.deepEqual(Buffer.from(seen.messages[0]?.data ?? []).equals(payload), true);
  assert.deepEqual(line.undelivered, []);
  assert.deepEqual(errorsIn(line.server), []);
}

test("large messages through ten cuts: all arrive once and in order, except those said to be in doubt", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "large");
  const padding = "x".repeat(300_000);
  let total = 0;
  for (let cuts = 0; cuts < 10; cuts++) {
    const back = statusOf(line.nc, "reconnect");
    cutAfter(line, 100_000 + cuts * 77_777);
    for (let message = 0; message < 4; message++) line.nc.publish("large", `${++total} ${padding}`);
    await back;
    await line.nc.flush().catch(() => {});
  }
  await seen.settled();
  await line.handedBack();
  assertNothingLost(seen.texts, line.undelivered, numbers(1, total));
  // A frame not handed over whole is not in doubt: at each cut that is all but the window, here one frame or none.
  assert.ok(line.undelivered.length <= 10, `${line.undelivered.length} in doubt`);
});

test(
  "the first new connection cut after 200 kB of the backlog loses nothing but what is said to be in doubt",
  limit,
  async (t) => {
    const line = await openLine(t);
    const seen = await observe(t, line.server, "backlog");
    await line.down();
    for (const number of numbers(1, 20_000)) line.nc.publish("backlog", number);
    line.proxy.cutNext({ toServer: 200_000 });
    await line.up();
    await line.nc.flush().catch(() => {});
    await seen.settled();
    await line.handedBack();

    assert.equal(line.proxy.accepted, 3);
    assertNothingLost(seen.texts, line.undelivered, numbers(1, 20_000));
    assertIdentity(line.nc);
  },
);

test(
  "a reconnect cut in the middle of its handshake leaves nothing for the next one: no authorization violation",
  limit,
  async (t) => {
    const cuts: number[] = [];
    const line = await openLine(t, {
      server: { config: { authorization: { user: "stephen", password: "password" } } },
      client: { user: "stephen", pass: "password" },
      proxy: {
        record: 1024,
        onConnection: ({ toServer }) => {
          const bytes = cuts.shift();
          if (bytes !== undefined) toServer.cutAfter(bytes);
        },
      },
    });
    const subjects = ["one", "two", "three"];
    const received: string[] = [];
    for (const subject of subjects) {
      line.nc.subscribe(subject, { callback: (_error, msg) => void received.push(`${subject} ${msg.string()}`) });
    }
    await line.nc.flush();
    const connect = Buffer.from(line.proxy.connections[0]?.recorded("toServer") ?? []).indexOf("\n") + 1;
    // Within CONNECT, at its end, within PING, and within the SUBs and the PING behind them.
    cuts.push(1, 7, connect - 1, connect, connect + 3, connect + 6, connect + 10, connect + 25, connect + 40);
    const planned = cuts.length;
    await line.down();
    for (const subject of subjects) line.nc.publish(subject, "backlog");
    await line.up();
    await line.nc.flush();

    assert.equal(line.proxy.accepted, 1 + planned + 1);
    assert.deepEqual(received, ["one backlog", "two backlog", "three backlog"]);
    assert.deepEqual(line.undelivered, []);
    assert.deepEqual(errorsIn(line.server), []);
  },
);

test("a MSG cut off in the middle does not spoil what the next connection brings", limit, async (t) => {
  const line = await openLine(t);
  const sender = await openOfficial(t, line.server.url);
  const received: string[] = [];
  line.nc.subscribe("test", { callback: (_error, msg) => void received.push(msg.string()) });
  await line.nc.flush();
  const statuses = recordStatuses(line.nc);

  for (const bytes of [
    1,
    "MSG".length,
    "MSG test 1 5\r".length,
    "MSG test 1 5\r\nhal".length,
    "MSG test 1 5\r\nhalf!\r".length,
  ]) {
    const [connection] = line.proxy.connections;
    assert.ok(connection !== undefined);
    const back = statusOf(line.nc, "reconnect");
    connection.toClient.cutAfter(connection.toClient.forwarded + bytes);
    sender.publish("test", "half!");
    await back;
    sender.publish("test", "whole");
    const before = received.length;
    await until("the next message", () => received.length > before);
  }

  assert.deepEqual(received, Array(5).fill("whole"));
  assert.equal(
    statuses.some((status) => status.type === "error" && status.error.name === "ProtocolError"),
    false,
  );
});

test("with every PONG withheld no more than the window is handed over", limit, async (t) => {
  const line = await openLine(t, { client: { pingInterval: 60_000 } });
  const seen = await observe(t, line.server, "window");
  await line.nc.flush();
  const before = line.proxy.bytes.toServer;
  line.proxy.toClient.hold();
  for (const number of numbers(1, 50_000)) line.nc.publish("window", number);
  await until("something arrives", () => seen.messages.length > 0);
  // Long enough for a client that would not stop to send all of it.
  await pause(200);
  const handedOver = line.proxy.bytes.toServer - before;
  assert.ok(handedOver <= line.nc.outbound.window + 4096, `${handedOver} bytes, window ${line.nc.outbound.window}`);
  line.proxy.toClient.forward();
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, numbers(1, 50_000));
});

test("a link that stops taking bytes inside a frame is left, and the next connection gets that frame whole", limit, async (t) => {
  const line = await openLine(t, {
    server: { config: { max_payload: LARGE } },
    // Long enough for the frame to go through a busy machine: no PING goes out in the middle of it.
    client: { pingInterval: 1_000, maxPingOut: 2 },
  });
  const statuses = recordStatuses(line.nc);
  const seen = await observe(t, line.server, "large");
  const back = statusOf(line.nc, "reconnect");
  line.proxy.toServer.hold();
  line.nc.publish("large", new Uint8Array(LARGE).fill(120));
  line.nc.publish("large", "next");
  // Only the connection that stalls is held: the next one is free.
  await statusOf(line.nc, "staleConnection");
  line.proxy.toServer.forward();
  await back;
  await line.nc.flush();
  await seen.settled();

  assert.deepEqual(
    seen.messages.map((message) => message.data.length),
    [LARGE, 4],
  );
  assert.equal(countOf(statuses, "disconnect"), 1);
  assert.deepEqual(errorsIn(line.server), []);
});

test("with reconnect false a link that stops taking bytes ends the client, and what it held is handed back", limit, async (t) => {
  const line = await openLine(t, {
    server: { config: { max_payload: LARGE } },
    client: { pingInterval: 150, maxPingOut: 2, reconnect: false },
  });
  line.proxy.toServer.hold();
  line.nc.publish("large", new Uint8Array(LARGE));
  line.nc.publish("large", "next");
  const error = await line.nc.closed();

  assert.match(String(error?.message), /stale/i);
  assert.deepEqual(
    line.undelivered.map((message) => [message.data.length, message.state]),
    [
      [LARGE, "abandoned"],
      [4, "abandoned"],
    ],
  );
});

/** Cuts the open connection when it has forwarded so many more bytes to the server. */
function cutAfter(line: Line, bytes: number, kind: "rst" | "fin" = "rst"): void {
  const [connection] = line.proxy.connections;
  assert.ok(connection !== undefined);
  connection.toServer.cutAfter(connection.toServer.forwarded + bytes, kind);
}

/** What the server found wrong with what clients sent. */
function errorsIn(server: NatsServer): string[] {
  return server
    .logs()
    .split("\n")
    .filter((entry) => entry.includes("[ERR]"));
}
