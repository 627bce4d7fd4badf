import { after, test } from "node:test";
import type { Server, ServerInfo } from "@nats-io/nats-core";
import { startCluster, startFakeServer } from "../../src/testing/index.ts";
import { Both, type Client, limit, next, outcome } from "./compat-both.ts";
import { makeTlsFiles } from "./delivery-tls-files.ts";
import { pause, until } from "./peers-harness.ts";

/** The choice of a server, and what servers say: each scenario is run with the official client and with Holdfast. */
const files = await makeTlsFiles();
after(() => files.remove());
const both = new Both({
  config: {
    tls: { cert_file: files.certFile, key_file: files.keyFile },
    allow_non_tls: true,
    authorization: { user: "me", password: "secret" },
  },
});
const auth = { user: "me", pass: "secret" };
/** The server takes clients with and without TLS; most scenarios have no use for it. */
const plain = { ...auth, tls: null };

test("as in nats.js: reconnectToServer sees the pool, the server in turn first, and the INFO, null before the first", limit, () =>
  both.agree(
    async (client) => {
      const proxies = [await client.proxy(), await client.proxy()];
      const given = proxies.map(({ port }) => `127.0.0.1:${port}`);
      const calls: unknown[] = [];
      const reconnectToServer = (pool: readonly Server[], info: ServerInfo | null): null => {
        const names = pool.map(({ listen }) => given.indexOf(listen));
        calls.push([...names, pool.every((server) => Object.isFrozen(server)), info?.server_name === client.server.name]);
        return null;
      };
      const nc = await client.open({ ...plain, servers: given, noRandomize: true, reconnectToServer });
      const back = next(nc, "reconnect");
      await nc.reconnect();
      await back;
      return [calls.length, calls[0], String(calls[1]).replace(/.*,/, "")];
    },
    [2, [0, 1, true, false], "true"],
  ),
);

test("as in nats.js: reconnectToServer chooses a server, at once or after a delay, or with null the one in turn", limit, () =>
  both.agree(
    async (client) => {
      const proxies = [await client.proxy(), await client.proxy(), await client.proxy()];
      const given = proxies.map(({ port }) => `127.0.0.1:${port}`);
      let want: { readonly index: number; readonly delay?: number } | undefined = { index: 2 };
      const reconnectToServer = (pool: readonly Server[]) => {
        const server = pool.find(({ listen }) => want !== undefined && listen === given[want.index]);
        if (server === undefined) return null;
        return want?.delay === undefined ? server : { server, delay: want.delay };
      };
      const nc = await client.open({ ...plain, servers: given, noRandomize: true, reconnectToServer });
      const places = [given.indexOf(nc.getServer())];
      const move = async (): Promise<number> => {
        const back = next(nc, "reconnect");
        const start = performance.now();
        await nc.reconnect();
        await back;
        places.push(given.indexOf(nc.getServer()));
        return performance.now() - start;
      };
      want = { index: 1 };
      await move();
      want = { index: 0, delay: 300 };
      const took = await move();
      want = undefined;
      await move();
      // Whose turn it is after a choice of the handler's is the pool's affair.
      return [places.slice(0, 3), took > 290, places.length];
    },
    [[2, 1, 0], true, 4],
  ),
);

test("as in nats.js: a reconnectToServer that throws, or chooses a stranger, is ConnectionError, first and later", limit, () =>
  both.agree(
    async (client) => {
      const stranger: Server = {
        ...{ hostname: "b", port: 1, listen: "b:1", src: "b:1", tlsName: "" },
        ...{ reconnects: 0, lastConnect: 0, gossiped: false, didConnect: false },
      };
      const handlers = [
        () => {
          throw new Error("mine");
        },
        () => stranger,
      ];
      const seen: unknown[] = [];
      for (const handler of handlers) {
        const first = { servers: client.server.url, ...plain };
        seen.push(await outcome(() => client.connect({ ...first, reconnectToServer: handler })));
        let calls = 0;
        const nc = await client.open({ ...first, reconnectToServer: () => (++calls === 1 ? null : handler()) });
        await nc.reconnect();
        seen.push(await outcome(async () => Promise.reject(await nc.closed())));
      }
      return seen;
    },
    [
      "ConnectionError: client option reconnectToServer handler failed: mine",
      "ConnectionError: client option reconnectToServer handler failed: mine",
      "ConnectionError: client option reconnectToServer handler failed: returned server is not in the pool",
      "ConnectionError: client option reconnectToServer handler failed: returned server is not in the pool",
    ],
  ),
);

test(
  "as in nats.js: ignoreClusterUpdates keeps the pool as given; without it the cluster's servers are in it",
  limit,
  async (t) => {
    const cluster = await startCluster(2);
    t.after(() => cluster.stop("SIGKILL"));
    const [url = ""] = cluster.urls;
    await both.agree(
      async (client) => {
        const kept = await client.open({ servers: url, ignoreClusterUpdates: true });
        const nc = await client.open({ servers: url });
        await until("the cluster is known", () => nc.getServers().length === 2);
        await kept.flush();
        const info = nc.info;
        return [
          kept.getServers().map(({ gossiped }) => gossiped),
          nc.getServers().map(({ gossiped, didConnect }) => [gossiped, didConnect]),
          info?.cluster,
          info?.connect_urls?.length,
        ];
      },
      [
        [false],
        [
          [false, true],
          [true, false],
        ],
        "holdfast-test",
        2,
      ],
    );
  },
);

test("as in nats.js: info has every member of ServerInfo as the server sent it", limit, () =>
  both.agree(async (client) => {
    const said = {
      auth_required: true,
      client_id: 17,
      client_ip: "192.0.2.1",
      cluster: "c",
      connect_urls: ["192.0.2.2:4222"],
      git_commit: "abc",
      go: "go1.26",
      headers: true,
      host: "0.0.0.0",
      jetstream: true,
      ldm: false,
      max_payload: 1234,
      nonce: "n",
      port: 4333,
      proto: 1,
      server_id: "ID",
      server_name: "name",
      tls_available: false,
      tls_required: false,
      tls_verify: true,
      version: "2.15.2",
      api_lvl: 4,
      of_a_later_version: { kept: [1] },
    };
    const server = await startFakeServer({
      script: (connection) => {
        connection.sendInfo(said);
        return connection.serve();
      },
    });
    client.afterwards(() => server.stop());
    const nc = await client.open({ servers: server.url });
    const { info } = nc;
    // Each by its name: what is left out would not be missed among the rest.
    return Object.keys(said).filter(
      (name) => JSON.stringify(Reflect.get(info ?? {}, name)) !== JSON.stringify(Reflect.get(said, name)),
    );
  }, []),
);

test("as in nats.js: one authenticator or several, whose answers are put together; it is asked at each connection", limit, () =>
  both.agree(
    async (client) => {
      let asked = 0;
      const name = () => {
        asked++;
        return { user: "me" };
      };
      const password = () => ({ user: "me", pass: "secret" });
      const several = await client.open({ authenticator: [name, password], tls: null });
      const back = next(several, "reconnect");
      await several.reconnect();
      await back;
      const one = await client.open({ authenticator: password, tls: null });
      const wrong = await outcome(() => client.connect({ servers: client.server.url, authenticator: name, tls: null }));
      return [asked, one.isClosed(), wrong];
    },
    [3, false, "AuthorizationError: Authorization Violation"],
  ),
);

test("as in nats.js: user and pass go together, and neither will do alone", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(plain);
      const refused = async (options: object): Promise<unknown> =>
        outcome(() => client.connect({ servers: client.server.url, tls: null, ...options }));
      return [
        nc.isClosed(),
        await refused({ user: "me", pass: "wrong" }),
        await refused({ user: "me" }),
        await refused({ pass: "secret" }),
        await refused({ token: "secret" }),
      ];
    },
    [false, ...Array.from({ length: 4 }, () => "AuthorizationError: Authorization Violation")],
  ),
);

test("as in nats.js: reconnectJitterTLS takes the place of reconnectJitter under TLS", limit, () =>
  both.agree(
    async (client) => {
      // One in a million waits is short enough for an attempt within the time that is looked at.
      const seldom = await dialsUnderTls(client, 1, { reconnectJitterTLS: 1_000_000_000 });
      // With the default of a second twenty attempts take ten.
      const often = await dialsUnderTls(client, 20, { reconnectJitter: 1_000_000_000, reconnectJitterTLS: 0 });
      return [seldom, often];
    },
    [1, 20],
  ),
);

/** How often the server is dialled within a while after the link was lost: 400 ms for one, and 4 s at most for `wanted` of them. */
async function dialsUnderTls(client: Client, wanted: number, options: object): Promise<number> {
  const proxy = await client.proxy();
  const tls = { ca: files.ca };
  const nc = await client.open({ ...auth, servers: proxy.url, tls, reconnectTimeWait: 0, reconnectJitter: 0, ...options });
  proxy.onAccept = "reset";
  await proxy.cut();
  await pause(400);
  for (let n = 0; n < 36 && proxy.accepted < wanted; n++) await pause(100);
  await nc.close();
  return Math.min(proxy.accepted, Math.max(wanted, 2));
}
