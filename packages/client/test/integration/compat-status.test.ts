import { test } from "node:test";
import type { Status } from "@nats-io/nats-core";
import { startCluster } from "../../src/testing/index.ts";
import { Both, type Client, describe, limit, next, recordStatuses, typesOf } from "./compat-both.ts";
import { until } from "./peers-harness.ts";

/** The events of `nc.status()`: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both({
  config: { authorization: { users: [{ user: "u", password: "p", permissions: { publish: { deny: ["denied"] } } }] } },
});
const user = { user: "u", pass: "p" };

/** A connection through a proxy, and everything it tells. `name` stands for the address in what is told. */
async function watched(client: Client, options: object = {}) {
  const proxy = await client.proxy();
  const nc = await client.open({ ...user, servers: proxy.url, ...options });
  const statuses = recordStatuses(nc);
  const address = `127.0.0.1:${proxy.port}`;
  const told = (): Status[] => {
    const plain = statuses.filter(({ type }) => type !== "update");
    return plain.map((status) => ("server" in status ? { ...status, server: status.server.replace(address, "server") } : status));
  };
  return { proxy, nc, statuses, told };
}

test(
  "as in nats.js: a lost connection is disconnect, reconnecting for each attempt, reconnect, with the server's address",
  limit,
  () =>
    both.agree(
      async (client) => {
        const { proxy, nc, told } = await watched(client);
        await proxy.cut();
        await until("the next connection", () => proxy.accepted === 2);
        await nc.flush().catch(() => nc.flush());
        await until("it is told", () => told().length >= 3);
        return told();
      },
      [{ type: "disconnect", server: "server" }, { type: "reconnecting" }, { type: "reconnect", server: "server" }],
    ),
);

test("as in nats.js: each attempt of an outage is a status reconnecting", limit, () =>
  both.agree(
    async (client) => {
      const { proxy, told } = await watched(client);
      proxy.onAccept = "reset";
      await proxy.cut();
      await until("three attempts", () => proxy.accepted >= 4);
      proxy.onAccept = "forward";
      await until("it is back", () => told().at(-1)?.type === "reconnect");
      const events = told();
      const attempts = events.filter((event) => JSON.stringify(event) === '{"type":"reconnecting"}').length;
      return [attempts === proxy.accepted - 1, attempts === events.length - 2];
    },
    [true, true],
  ),
);

test("as in nats.js: reconnect() is forceReconnect, disconnect, reconnecting, reconnect", limit, () =>
  both.agree(
    async (client) => {
      const { proxy, nc, told } = await watched(client);
      await nc.reconnect();
      await until("the next connection", () => proxy.accepted === 2);
      await until("it is told", () => told().length >= 4);
      return told();
    },
    [
      { type: "forceReconnect" },
      { type: "disconnect", server: "server" },
      { type: "reconnecting" },
      { type: "reconnect", server: "server" },
    ],
  ),
);

test("as in nats.js: the last status is close, also when reconnecting was given up, and then the loop ends", limit, () =>
  both.agree(
    async (client) => {
      const quiet = await client.open(user);
      const types: string[] = [];
      const reading = (async () => {
        for await (const { type } of quiet.status()) types.push(type);
      })();
      await quiet.close();
      await reading;
      const { proxy, nc, statuses } = await watched(client, { maxReconnectAttempts: 1 });
      proxy.refuse();
      await proxy.cut();
      await nc.closed();
      const { proxy: other, nc: single, statuses: once } = await watched(client, { reconnect: false });
      await other.cut();
      await single.closed();
      await until("the end is told", () => [statuses, once].every((each) => typesOf(each).at(-1) === "close"));
      return [types, typesOf(statuses), typesOf(once)];
    },
    [["close"], ["disconnect", "reconnecting", "close"], ["disconnect", "close"]],
  ),
);

test(
  "as in nats.js: a ping each pingInterval counts what is unanswered, and beyond maxPingOut the connection is stale",
  limit,
  () =>
    both.agree(
      async (client) => {
        const { proxy, nc, told } = await watched(client, { pingInterval: 150, maxPingOut: 1 });
        await until("answered pings", () => told().length >= 3);
        proxy.toClient.swallow();
        await until("it is given up", () => told().map(textOf).includes("disconnect"));
        proxy.toClient.forward();
        await nc.close();
        const story = told().map(textOf);
        // From the last ping before which nothing was unanswered.
        const dead = story.slice(0, story.indexOf("disconnect") + 1);
        return [story[0], dead.slice(dead.lastIndexOf("ping 1"))];
      },
      ["ping 1", ["ping 1", "ping 2", "staleConnection", "disconnect"]],
    ),
);

function textOf(status: Status): string {
  return status.type === "ping" ? `ping ${status.pendingPings}` : status.type;
}

test("as in nats.js: what the server refuses is a status error, and the connection goes on", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(user);
      const statuses = recordStatuses(nc);
      nc.publish("denied");
      await nc.flush();
      await nc.flush();
      return statuses.map((status) => (status.type === "error" ? describe(status.error) : status.type));
    },
    ['PermissionViolationError: Permissions Violation for Publish to "denied"'],
  ),
);

test("as in nats.js: a server of the cluster that goes or comes is a status update", { timeout: 60_000 }, async (t) => {
  const cluster = await startCluster(2);
  t.after(() => cluster.stop("SIGKILL"));
  const [first, second] = cluster.servers;
  if (first === undefined || second === undefined) throw new Error("a cluster of two");
  await both.agree(
    async (client) => {
      const nc = await client.open({ servers: first.url });
      // Both names come with the first INFO, or, while the cluster is still coming together, with one behind it: that is not looked at.
      await until("the pool has both", () => nc.getServers().length === 2);
      const updates: unknown[] = [];
      const listening = (async () => {
        for await (const status of nc.status()) {
          if (status.type !== "update") continue;
          const { added = [], deleted = [] } = status;
          // nats.js tells of every INFO, also when nothing has changed.
          if (added.length + deleted.length > 0) updates.push({ added, deleted });
        }
      })();
      await second.kill();
      await until("the first has noticed", () => updates.length >= 1);
      await second.restart();
      await until("and again", () => updates.length >= 2);
      await cluster.whenReady();
      await nc.close();
      await listening;
      const name = `127.0.0.1:${second.port}`;
      return [
        JSON.stringify(updates[0]) === JSON.stringify({ added: [], deleted: [name] }),
        JSON.stringify(updates[1]) === JSON.stringify({ added: [name], deleted: [] }),
      ];
    },
    [true, true],
  );
});

test("as in nats.js: a server in lame duck mode is a status ldm, with its address", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(user);
      const ldm = next(nc, "ldm");
      await client.server.lameDuck();
      const { server } = await ldm;
      const { ldm: said } = nc.info ?? {};
      await nc.close();
      await client.server.kill();
      await client.server.restart();
      return [server === `127.0.0.1:${client.server.port}`, said];
    },
    [true, true],
  ),
);
