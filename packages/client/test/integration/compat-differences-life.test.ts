import { test } from "node:test";
import type { NatsConnection } from "@nats-io/nats-core";
import { type FaultProxy, fakeScripts, startFakeServer } from "../../src/testing/index.ts";
import { Both, type Client, describe, limit, next, outcome, recordStatuses, typesOf } from "./compat-both.ts";
import { pause, until } from "./peers-harness.ts";

/** Where a connection's life deliberately differs from nats.js: each test shows both. docs/COMPATIBILITY.md has the reasons. */
const both = new Both({
  config: { authorization: { users: [{ user: "u", password: "p", permissions: { publish: { deny: ["denied"] } } }] } },
});
const user = { user: "u", pass: "p" };

interface Line {
  readonly nc: NatsConnection;
  readonly proxy: FaultProxy;
}

async function line(client: Client, options: object = {}): Promise<Line> {
  const proxy = await client.proxy();
  return { nc: await client.open({ ...user, servers: proxy.url, ...options }), proxy };
}

async function down({ nc, proxy }: Line): Promise<void> {
  const lost = next(nc, "disconnect");
  proxy.refuse();
  await proxy.cut();
  await lost;
}

test("by default a server is dialled for ever (nats.js: ten times)", limit, () =>
  both.differ(
    async (client) => {
      const proxy = await client.proxy();
      const nc = await client.connect({ ...user, servers: proxy.url, reconnectTimeWait: 10, reconnectJitter: 0 });
      client.afterwards(() => nc.close());
      proxy.onAccept = "reset";
      await proxy.cut();
      await until("eleven more attempts, or the end", () => nc.isClosed() || proxy.accepted > 12);
      return nc.isClosed();
    },
    { natsJs: true, holdfast: false },
  ),
);

test("flush() waits through an outage (nats.js: it rejects at the next attempt)", limit, () =>
  both.differ(
    async (client) => {
      const connected = await line(client);
      await down(connected);
      const flushing = outcome(() => connected.nc.flush());
      await pause(50);
      await connected.proxy.accept();
      return await flushing;
    },
    { natsJs: "RequestError: connection disconnected" as unknown, holdfast: undefined },
  ),
);

test("drain() while down waits for a server, and ends closed (nats.js: it rejects, and stays open)", limit, () =>
  both.differ(
    async (client) => {
      const connected = await line(client);
      connected.nc.subscribe("a", { callback: () => {} });
      await down(connected);
      connected.nc.publish("a");
      const draining = outcome(() => connected.nc.drain());
      if (client.side === "holdfast") {
        await pause(50);
        await connected.proxy.accept();
      }
      return [await draining, connected.nc.isClosed()];
    },
    { natsJs: ["RequestError: connection disconnected", false], holdfast: [undefined, true] },
  ),
);

test("info stays while there is no connection (nats.js: gone at the next attempt)", limit, () =>
  both.differ(
    async (client) => {
      const connected = await line(client);
      await down(connected);
      await pause(100);
      return connected.nc.info?.server_name === client.server.name;
    },
    { natsJs: false, holdfast: true },
  ),
);

test("update is told when something has changed (nats.js: with every INFO)", limit, () =>
  both.differ(
    async (client) => {
      const { nc } = await line(client);
      const statuses = recordStatuses(nc);
      await nc.reconnect();
      await until("it is back", () => typesOf(statuses).at(-1) === "reconnect");
      await nc.flush();
      return statuses.filter(({ type }) => type === "update").length > 0;
    },
    { natsJs: true, holdfast: false },
  ),
);

test("why an attempt failed is told as a status error, unless nobody listened there (nats.js: never)", limit, () =>
  both.differ(
    async (client) => {
      const { nc, proxy } = await line(client);
      const statuses = recordStatuses(nc);
      proxy.onAccept = "close";
      await proxy.cut();
      await until("two attempts", () => proxy.accepted >= 3);
      await nc.close();
      await until("the end is told", () => typesOf(statuses).includes("close"));
      const told = statuses.find((status) => status.type === "error");
      return told?.type === "error" && describe(told.error).replace(/\d+: the/, "port: the");
    },
    {
      natsJs: false as unknown,
      holdfast: "ConnectionError: 127.0.0.1:port: the server closed the connection: no INFO",
    },
  ),
);

test("maxReconnectAttempts also counts connections that die at once (nats.js: it dials such a server for ever)", limit, () =>
  both.differ(
    async (client) => {
      let connections = 0;
      const server = await startFakeServer({
        script: async (connection) => {
          connections++;
          await connection.serve();
          await connection.waitFor("PING");
          if (client.side === "holdfast") await connection.waitFor("PING");
          // The client has its PONG, and so is connected, before the end.
          await pause(20);
          connection.end();
        },
      });
      client.afterwards(() => server.stop());
      const nc = await client.open({ servers: server.url, maxReconnectAttempts: 3 });
      await until("the end, or as many again", () => nc.isClosed() || connections > 6);
      return nc.isClosed();
    },
    { natsJs: false, holdfast: true },
  ),
);

test(
  "a link that brings no answer is left after stallTimeout (nats.js: after pingInterval times maxPingOut, minutes)",
  limit,
  () =>
    both.differ(
      async (client) => {
        const options: object = { stallTimeout: 300 };
        const { nc, proxy } = await line(client, options);
        const statuses = recordStatuses(nc);
        proxy.toServer.swallow();
        nc.publish("a");
        if (client.side === "holdfast") await until("it is left", () => typesOf(statuses).includes("disconnect"));
        else await pause(800);
        return typesOf(statuses).slice(0, 2);
      },
      { natsJs: [], holdfast: ["staleConnection", "disconnect"] },
    ),
);

test("a reader of status() that does not read keeps the newest 1 024 (nats.js: all of them)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open(user);
      const statuses = nc.status();
      for (let n = 0; n < 1_100; n++) nc.publish("denied");
      await nc.flush();
      await nc.flush();
      await nc.close();
      let told = 0;
      for await (const { type } of statuses) if (type === "error") told++;
      return told;
    },
    { natsJs: 1_100, holdfast: 1_023 },
  ),
);

test("status() of a closed connection ends at once (nats.js: never)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open(user);
      await nc.close();
      const reading = nc.status()[Symbol.asyncIterator]().next();
      const end = reading.then(({ done }) => done);
      // What never comes is waited for a little while.
      return client.side === "holdfast" ? await end : await Promise.race([end, pause(300).then(() => "nothing")]);
    },
    { natsJs: "nothing" as unknown, holdfast: true },
  ),
);

test("getServers() keeps its order (nats.js: it turns with each attempt)", limit, () =>
  both.differ(
    async (client) => {
      const proxies = [await client.proxy(), await client.proxy()];
      const given = proxies.map(({ port }) => `127.0.0.1:${port}`);
      const nc = await client.open({ ...user, servers: given, noRandomize: true, reconnectTimeWait: 0 });
      const orders: unknown[] = [];
      for (let n = 0; n < 2; n++) {
        const back = next(nc, "reconnect");
        await nc.reconnect();
        await back;
        orders.push(nc.getServers().map(({ listen }) => given.indexOf(listen)));
      }
      return orders;
    },
    {
      natsJs: [
        [1, 0],
        [0, 1],
      ],
      holdfast: [
        [0, 1],
        [0, 1],
      ],
    },
  ),
);

test("a server that names no others takes none out of the pool (nats.js: all that it had named)", limit, () =>
  both.differ(
    async (client) => {
      const server = await startFakeServer({
        script: (connection) => {
          connection.sendInfo({ connect_urls: ["192.0.2.1:4222"] });
          return connection.serve();
        },
      });
      client.afterwards(() => server.stop());
      const nc = await client.open({ servers: server.url });
      const before = nc.getServers().length;
      server.connections[0]?.sendInfo({ connect_urls: [] });
      await nc.flush();
      return [before, nc.getServers().length];
    },
    { natsJs: [2, 1], holdfast: [2, 2] },
  ),
);

test("a server that refused the first connect() stays in the pool (nats.js: it is forgotten)", limit, () =>
  both.differ(
    async (client) => {
      const proxy = await client.proxy();
      proxy.refuse();
      const nc = await client.open({ ...user, servers: [proxy.url, client.server.url], noRandomize: true });
      return nc.getServers().length;
    },
    { natsJs: 1, holdfast: 2 },
  ),
);

test("rtt() has fractions of a millisecond (nats.js: whole ones)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open(user);
      const trips = [await nc.rtt(), await nc.rtt(), await nc.rtt()];
      return trips.every((trip) => Number.isInteger(trip));
    },
    { natsJs: true, holdfast: false },
  ),
);

test("a reconnectDelayHandler that throws is told and stepped in for (nats.js: it ends the client)", limit, () =>
  both.differ(
    async (client) => {
      let calls = 0;
      const reconnectDelayHandler = (): number => {
        if (++calls === 1) return 0;
        throw new Error("mine");
      };
      const { nc, proxy } = await line(client, { reconnectDelayHandler });
      await proxy.cut();
      await until("the end, or the next connection", () => nc.isClosed() || proxy.accepted === 2);
      if (nc.isClosed()) return outcome(async () => Promise.reject(await nc.closed()));
      await nc.flush();
      return "connected";
    },
    { natsJs: "Error: mine" as unknown, holdfast: "connected" },
  ),
);

test("what is no NATS server is a ConnectionError or ProtocolError (nats.js: whatever comes of it)", limit, () =>
  both.differ(
    async (client) => {
      const server = await startFakeServer({ script: fakeScripts.speaksGarbage });
      client.afterwards(() => server.stop());
      const error = await client.connect({ servers: server.url, timeout: 2_000 }).catch((thrown: unknown) => thrown);
      return error instanceof Error ? error.constructor.name : String(error);
    },
    { natsJs: "Error", holdfast: "ProtocolError" },
  ),
);
