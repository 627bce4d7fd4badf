import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/nats-core";
import { Both, limit, next, outcome, recordStatuses, texts, typesOf } from "./compat-both.ts";
import { until } from "./peers-harness.ts";

/** What a connection says of itself: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both();

test("as in nats.js: getServer() is host and port of the server connected to", limit, () =>
  both.agree(async (client) => {
    const nc = await client.open();
    return nc.getServer() === `127.0.0.1:${client.server.port}`;
  }, true),
);

test("as in nats.js: getServers() shows the pool, entry by entry, in frozen copies", limit, () =>
  both.agree(
    async (client) => {
      const { port } = client.server;
      const begin = Date.now();
      const nc = await client.open({ servers: [client.server.url, "localhost:1"], noRandomize: true });
      const servers = nc.getServers().toSorted((a, b) => a.hostname.localeCompare(b.hostname));
      return servers.map(({ lastConnect, ...entry }) => ({
        ...entry,
        port: entry.port === port ? "port" : entry.port,
        listen: entry.listen.replace(String(port), "port"),
        src: entry.src.replace(String(port), "port"),
        dialled: lastConnect >= begin && lastConnect <= Date.now(),
        frozen: Object.isFrozen(entry) || Object.isFrozen(nc.getServers()[0]),
      }));
    },
    [
      {
        hostname: "127.0.0.1",
        port: "port",
        listen: "127.0.0.1:port",
        src: "nats://127.0.0.1:port",
        tlsName: "",
        reconnects: 0,
        gossiped: false,
        didConnect: true,
        dialled: true,
        frozen: true,
      },
      {
        hostname: "localhost",
        port: 1,
        listen: "localhost:1",
        src: "localhost:1",
        tlsName: "",
        reconnects: 0,
        gossiped: false,
        didConnect: false,
        dialled: false,
        frozen: true,
      },
    ],
  ),
);

test("as in nats.js: setServers() replaces the pool and leaves the connection alone until reconnect()", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const proxy = await client.proxy();
      nc.setServers([`127.0.0.1:${proxy.port}`]);
      const before = nc.getServer() === `127.0.0.1:${client.server.port}`;
      const back = next(nc, "reconnect");
      await nc.reconnect();
      await back;
      return [
        before,
        nc.getServer() === `127.0.0.1:${proxy.port}`,
        nc.getServers().length,
        await outcome(() => nc.setServers([])),
      ];
    },
    [true, true, 1, "InvalidArgumentError: 'servers' cannot be empty"],
  ),
);

test("as in nats.js: status() gives every reader every status, until stop() or the end", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const all = recordStatuses(nc);
      const stopped = nc.status();
      const early: string[] = [];
      const reading = (async () => {
        for await (const { type } of stopped) if (type !== "update") early.push(type);
      })();
      const back = next(nc, "reconnect");
      await nc.reconnect();
      await back;
      assert.ok("stop" in stopped && typeof stopped.stop === "function");
      stopped.stop();
      await reading;
      await nc.close();
      await until("the end is told", () => typesOf(all).includes("close"));
      return [early, typesOf(all)];
    },
    [
      ["forceReconnect", "disconnect", "reconnecting", "reconnect"],
      ["forceReconnect", "disconnect", "reconnecting", "reconnect", "close"],
    ],
  ),
);

test("as in nats.js: stats() counts messages, and their bytes with headers and without subjects, each way", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      nc.subscribe("stats.in", { callback: () => {} });
      peer.subscribe("stats.svc", { callback: (_error, msg) => void msg.respond("four") });
      await Promise.all([nc.flush(), peer.flush()]);
      const zero = nc.stats();
      const named = headers();
      named.set("A", "1");
      nc.publish("stats.out", "12345");
      nc.publish("stats.out", "größe", { headers: named });
      peer.publish("stats.in", "123");
      peer.publish("stats.in", "12", { headers: named });
      await peer.flush();
      await nc.request("stats.svc", "1", { timeout: 10_000 });
      await nc.request("stats.svc", "1", { timeout: 10_000, noMux: true });
      await nc.flush();
      return [zero, nc.stats()];
    },
    [
      { inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0 },
      { inBytes: 3 + 18 + 2 + 4 + 4, outBytes: 5 + 18 + 7 + 1 + 1, inMsgs: 4, outMsgs: 4 },
    ],
  ),
);

test("as in nats.js: rtt() is a number of milliseconds, and rejects while there is no connection", limit, () =>
  both.agree(
    async (client) => {
      const proxy = await client.proxy();
      const nc = await client.open({ servers: proxy.url });
      const rtt = await nc.rtt();
      const lost = next(nc, "disconnect");
      proxy.refuse();
      await proxy.cut();
      await lost;
      return [typeof rtt, rtt >= 0 && rtt < 30_000, await outcome(() => nc.rtt())];
    },
    ["number", true, "RequestError: connection disconnected"],
  ),
);

test("as in nats.js: reconnect() makes a new connection, on which subscriptions go on", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("moved", { max: 2 });
      await nc.flush();
      peer.publish("moved", "before");
      await peer.flush();
      await nc.flush();
      const id = nc.info?.client_id;
      const back = next(nc, "reconnect");
      const returned: unknown = await nc.reconnect();
      await back;
      await nc.flush();
      peer.publish("moved", "after");
      return [returned, id !== undefined && nc.info?.client_id !== id, await texts(sub)];
    },
    [undefined, true, ["before", "after"]],
  ),
);

test("as in nats.js: info is what the server said of itself", limit, () =>
  both.agree(
    async (client) => {
      const { info } = await client.open();
      return [
        info?.server_name === client.server.name,
        info?.version === client.server.version,
        info?.port === client.server.port,
        ...[info?.host, info?.proto, info?.headers, info?.max_payload, info?.client_ip, info?.tls_required],
        ...[typeof info?.client_id, typeof info?.server_id, typeof info?.go],
      ];
    },
    [true, true, true, "127.0.0.1", 1, true, 1_048_576, "127.0.0.1", undefined, "number", "string", "string"],
  ),
);

test("as in nats.js: what a connection says of itself can be asked for after close()", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      nc.publish("a", "12345");
      await nc.flush();
      await nc.close();
      return [
        nc.getServer() === `127.0.0.1:${client.server.port}`,
        nc.getServers().length,
        nc.stats(),
        [nc.isClosed(), nc.isDraining(), nc.info, await nc.closed()],
      ];
    },
    [true, 1, { inBytes: 0, outBytes: 5, inMsgs: 0, outMsgs: 1 }, [true, false, undefined, undefined]],
  ),
);
