import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeScripts, freePort, startFakeServer } from "../../src/testing/index.ts";
import { Both, type Client, closing, describe, limit, outcome, soon } from "./compat-both.ts";

/** Options of connect(): each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both({ monitoring: true });

/** One line of the server's list of clients. */
async function clientNamed(client: Client, name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { connections } = await client.server.connz();
  assert.ok(Array.isArray(connections));
  return connections.find((each: { readonly name?: unknown }) => each.name === name);
}

test("as in nats.js: servers is one address or several, with or without a scheme or port", limit, () =>
  both.agree(
    async (client) => {
      const { port } = client.server;
      const names = async (servers: string | string[]): Promise<string[]> => {
        const nc = await client.open({ servers, noRandomize: true });
        return nc.getServers().map(({ listen }) => listen.replace(String(port), "port"));
      };
      return [
        await names(`127.0.0.1:${port}`),
        await names(`nats://127.0.0.1:${port}`),
        await names([`127.0.0.1:${port}`, "nats://b", "[::1]:4333"]),
      ];
    },
    [["127.0.0.1:port"], ["127.0.0.1:port"], ["127.0.0.1:port", "b:4222", "[::1]:4333"]],
  ),
);

test("as in nats.js: port is a server on 127.0.0.1, and excludes servers", limit, () =>
  both.agree(
    async (client) => {
      const { port } = client.server;
      const nc = await client.open({ port });
      const refused = await outcome(() => client.connect({ port, servers: client.server.url }));
      const words = "InvalidArgumentError: 'servers','port' are mutually exclusive";
      return [nc.getServer() === `127.0.0.1:${port}`, String(refused).startsWith(words)];
    },
    [true, true],
  ),
);

test("as in nats.js: name is what the server's list of clients shows", limit, () =>
  both.agree(async (client) => {
    const nc = await client.open({ name: "compat name" });
    return (await clientNamed(client, "compat name"))?.cid === nc.info?.client_id;
  }, true),
);

test("as in nats.js: noEcho keeps what a client publishes from its own subscriptions", limit, () =>
  both.agree(
    async (client) => {
      const seen: number[] = [];
      for (const noEcho of [true, false]) {
        const [nc, peer] = [await client.open({ noEcho }), await client.peer()];
        const sub = nc.subscribe("echo", { callback: () => {} });
        await nc.flush();
        nc.publish("echo");
        peer.publish("echo");
        await peer.flush();
        await nc.flush();
        seen.push(sub.getReceived());
      }
      return seen;
    },
    [1, 2],
  ),
);

test("as in nats.js: verbose has the server answer +OK, pedantic has it look closer at subjects", limit, () =>
  both.agree(
    async (client) => {
      const seen: unknown[] = [];
      for (const options of [{}, { verbose: true }, { pedantic: true }]) {
        const proxy = await client.proxy();
        const nc = await client.open({ ...options, servers: proxy.url });
        const before = proxy.bytes.toClient;
        const errors: string[] = [];
        const listening = (async () => {
          for await (const status of nc.status()) if (status.type === "error") errors.push(describe(status.error));
        })();
        nc.publish("a..b");
        for (let n = 0; n < 100; n++) nc.publish("a");
        await nc.flush();
        const answered = proxy.bytes.toClient - before;
        await nc.close();
        await listening;
        seen.push([answered > 100 * "+OK\r\n".length, errors]);
      }
      return seen;
    },
    [
      [false, []],
      [true, []],
      [false, ["ProtocolError: Invalid Publish Subject"]],
    ],
  ),
);

test("as in nats.js: timeout is how long connect() waits for a server that says nothing", limit, () =>
  both.agree(async (client) => {
    const server = await startFakeServer({ script: fakeScripts.neverSendsInfo });
    client.afterwards(() => server.stop());
    const connecting = client.connect({ servers: server.url, timeout: 100 });
    closing(client, connecting);
    return String(await soon(connecting)).slice(0, 21);
  }, "TimeoutError: timeout"),
);

test("as in nats.js: noRandomize keeps the servers in the order given; without it they are shuffled", limit, () =>
  both.agree(
    async (client) => {
      const proxies = await Promise.all(Array.from({ length: 8 }, () => client.proxy()));
      const given = proxies.map(({ port }) => `127.0.0.1:${port}`);
      const order = async (noRandomize: boolean): Promise<string> => {
        const nc = await client.open({ servers: given, noRandomize });
        return nc
          .getServers()
          .map(({ listen }) => listen)
          .join();
      };
      const orders = await Promise.all([order(true), order(false), order(false)]);
      // Two shuffles of eight stay as they are once in 1.6 billion.
      return [orders[0] === given.join(), orders[1] === given.join() && orders[2] === given.join()];
    },
    [true, false],
  ),
);

test("as in nats.js: inboxPrefix is what the inboxes of requests begin with, and has no wildcards", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open({ inboxPrefix: "_INBOX_me.x" }), await client.peer()];
      const replies: string[] = [];
      peer.subscribe("ask", {
        callback: (_error, msg) => {
          replies.push((msg.reply ?? "").split(".").slice(0, 2).join("."));
          msg.respond();
        },
      });
      await peer.flush();
      for (const noMux of [false, true]) {
        await nc.request("ask", "", { timeout: 10_000, noMux });
        for await (const _ of await nc.requestMany("ask", "", { strategy: "count", maxMessages: 1, maxWait: 10_000, noMux }));
      }
      const refused = await outcome(() => client.connect({ servers: client.server.url, inboxPrefix: "a.*" }));
      return [replies, String(refused).includes("cannot have wildcards ('a.*')")];
    },
    [Array.from({ length: 4 }, () => "_INBOX_me.x"), true],
  ),
);

test("as in nats.js: noAsyncTraces leaves the place of the call out of later errors", limit, () =>
  both.agree(
    async (client) => {
      const seen: boolean[] = [];
      for (const noAsyncTraces of [false, true]) {
        const nc = await client.open({ noAsyncTraces });
        const peer = await client.peer();
        peer.subscribe("silent", { callback: () => {} });
        await peer.flush();
        const calls = [
          () => nc.request("nobody", "", { timeout: 10_000 }),
          () => nc.request("nobody", "", { timeout: 10_000, noMux: true }),
          () => nc.request("silent", "", { timeout: 20 }),
          async () => {
            for await (const _ of nc.subscribe("silent", { timeout: 20 }));
          },
        ];
        for (const call of calls) {
          await call().catch((error: unknown) => seen.push(error instanceof Error && traced(error)));
        }
      }
      return seen;
    },
    [true, true, true, true, false, false, false, false],
  ),
);

test("as in nats.js: a server that is not there is ConnectionError, with the system's error as its cause", limit, () =>
  both.agree(
    async (client) => {
      const port = await freePort("127.0.0.1");
      const error = await client.connect({ servers: `127.0.0.1:${port}` }).catch((thrown: unknown) => thrown);
      const cause = error instanceof Error ? error.cause : undefined;
      return [describe(error), typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined];
    },
    ["ConnectionError: connection refused", "ECONNREFUSED"],
  ),
);

function traced(error: Error): boolean {
  return error.stack?.includes("compat-options.test") ?? false;
}
