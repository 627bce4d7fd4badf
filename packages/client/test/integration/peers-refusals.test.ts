/** Servers that fall silent, complain, or refuse: the client lives on, or ends and says what it held. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthorizationError } from "@nats-io/nats-core";
import type { ProxiedConnection } from "../../src/testing/index.ts";
import {
  assertIdentity,
  countOf,
  limit,
  numbers,
  observe,
  open,
  openLine,
  recordStatuses,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

test("a server that answers no more is left as stale, three times in a row, and the client lives on", limit, async (t) => {
  let silenced = 0;
  const pongs = new Map<ProxiedConnection, number>();
  const line = await openLine(t, {
    client: { pingInterval: 200, maxPingOut: 2 },
    proxy: {
      onFrame: ({ connection, direction, verb }) => {
        if (direction !== "toClient" || verb !== "PONG" || silenced === 3) return;
        const count = (pongs.get(connection) ?? 0) + 1;
        pongs.set(connection, count);
        // The second PONG ends the handshake.
        if (count !== 2) return;
        silenced++;
        connection.toClient.swallow();
      },
    },
  });
  const statuses = recordStatuses(line.nc);
  const seen = await observe(t, line.server, "foo");
  await until("stale three times and back", () => countOf(statuses, "reconnect") === 3);
  line.nc.publish("foo", "alive");
  await line.nc.flush();
  await seen.settled();

  assert.equal(countOf(statuses, "staleConnection"), 3);
  assert.equal(countOf(statuses, "disconnect"), 3);
  assert.deepEqual(seen.texts, ["alive"]);
});

test("a publisher that never pauses does not keep the heartbeat from finding a dead link", limit, async (t) => {
  const line = await openLine(t, { client: { pingInterval: 100, maxPingOut: 2 } });
  const stale = statusOf(line.nc, "staleConnection");
  const publishing = setInterval(() => line.nc.publish("foo", "x"), 1);
  t.after(() => clearInterval(publishing));
  await line.nc.flush();
  line.proxy.toServer.swallow();
  line.proxy.toClient.swallow();
  await stale;
  line.proxy.toServer.forward();
  line.proxy.toClient.forward();
  await statusOf(line.nc, "reconnect");
  clearInterval(publishing);
  await line.nc.flush();
  assert.equal(line.nc.outbound.held.messages, 0);
  assertIdentity(line.nc);
});

test("an error on which the server closes does not close the client: three in a row", limit, async (t) => {
  const line = await openLine(t, { client: { maxControlLine: 8192 } });
  const seen = await observe(t, line.server, "foo");
  const statuses = recordStatuses(line.nc);
  // The server reads control lines of 4096 bytes at most.
  const poison = "x".repeat(5000);
  for (const number of numbers(1, 3)) {
    const back = statusOf(line.nc, "reconnect");
    line.nc.publish(poison, "");
    await back;
    line.nc.publish("foo", number);
    await line.nc.flush();
  }
  await seen.settled();
  await line.handedBack();

  assert.equal(line.nc.isClosed(), false);
  assert.deepEqual(seen.texts, numbers(1, 3));
  assert.equal(countOf(statuses, "disconnect"), 3);
  assert.ok(statuses.some((status) => status.type === "error" && /maximum control line/i.test(status.error.message)));
  assert.deepEqual(
    line.undelivered.map(({ subject, state }) => [subject, state]),
    Array(3).fill([poison, "inDoubt"]),
  );
});

test("an authentication timeout while reconnecting is tried again, and the backlog arrives", limit, async (t) => {
  let held = 0;
  const line = await openLine(t, {
    server: { config: { authorization: { token: "hello", timeout: 0.3 } } },
    client: { token: "hello", ignoreAuthErrorAbort: true },
    proxy: {
      onConnection: ({ id, toServer }) => {
        if (id === 1 || held === 2) return;
        held++;
        toServer.hold();
      },
    },
  });
  const statuses = recordStatuses(line.nc);
  const nc = await open(t, { servers: line.server.url, token: "hello" });
  const received: string[] = [];
  nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string()) });
  await nc.flush();
  await line.down();
  line.nc.publish("foo", "1");
  await line.up();
  await line.nc.flush();
  await nc.flush();

  assert.deepEqual(received, ["1"]);
  assert.equal(held, 2);
  assert.ok(statuses.some((status) => status.type === "error" && /authentication timeout/i.test(status.error.message)));
});

test("refused twice for its password, a client closes, and hands back what it held first", limit, async (t) => {
  const line = await openLine(t, {
    server: { config: { authorization: { user: "stephen", password: "old" } } },
    client: { user: "stephen", pass: "old" },
  });
  await line.down();
  for (const number of numbers(1, 10)) line.nc.publish("foo", number);
  await line.server.reload({ authorization: { user: "stephen", password: "new" } });
  await line.proxy.accept();
  const error = await line.nc.closed();

  assert.ok(error instanceof AuthorizationError, String(error));
  assert.deepEqual(line.undelivered.map(textOf), numbers(1, 10));
  assert.equal(line.nc.outbound.counts().abandoned, 10);
});

test("with ignoreAuthErrorAbort a refused client tries on until its password is right again", limit, async (t) => {
  const authorization = { user: "stephen", password: "old" };
  const line = await openLine(t, {
    server: { config: { authorization } },
    client: { user: "stephen", pass: "old", ignoreAuthErrorAbort: true },
  });
  const received: string[] = [];
  line.nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string()) });
  const statuses = recordStatuses(line.nc);
  await line.down();
  line.nc.publish("foo", "held");
  await line.server.reload({ authorization: { ...authorization, password: "new" } });
  await line.proxy.accept();
  await until("refused three times", () => statuses.filter(({ type }) => type === "error").length >= 3);
  const back = statusOf(line.nc, "reconnect");
  await line.server.reload({ authorization });
  await back;
  await line.nc.flush();
  assert.deepEqual(received, ["held"]);
});
