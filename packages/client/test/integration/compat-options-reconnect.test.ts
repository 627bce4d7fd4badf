import { test } from "node:test";
import { Both, type Client, closing, limit, outcome, soon } from "./compat-both.ts";
import { pause, until } from "./peers-harness.ts";

/** Options about reconnecting: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both();

test("as in nats.js: without reconnect the first disconnect closes the client", limit, () =>
  both.agree(
    async (client) => {
      const proxy = await client.proxy();
      const nc = await client.open({ servers: proxy.url, reconnect: false });
      await proxy.cut();
      await nc.closed();
      return [nc.isClosed(), proxy.accepted];
    },
    [true, 1],
  ),
);

test("as in nats.js: maxReconnectAttempts is how often a server is dialled before it is given up", limit, () =>
  both.agree(async (client) => {
    const proxy = await client.proxy();
    const nc = await client.open({ servers: proxy.url, maxReconnectAttempts: 3 });
    proxy.onAccept = "reset";
    await proxy.cut();
    await nc.closed();
    return proxy.accepted;
  }, 1 + 3),
);

test("as in nats.js: reconnectTimeWait is how long a server is left alone", limit, () =>
  both.agree(
    async (client) => {
      const times = await attempts(client, { reconnectTimeWait: 250, reconnectJitter: 0 }, 6);
      const took = (times.at(-1) ?? 0) - (times[0] ?? 0);
      // Five waits, told a little late perhaps; with the default of 2 s they would take 10 s.
      return [took > 1_000, took < 8_000];
    },
    [true, true],
  ),
);

test("as in nats.js: reconnectDelayHandler takes the place of reconnectTimeWait and its jitter", limit, () =>
  both.agree(
    async (client) => {
      let calls = 0;
      const reconnectDelayHandler = (): number => {
        calls++;
        return 20;
      };
      const times = await attempts(client, { reconnectTimeWait: 60_000, reconnectDelayHandler }, 6);
      return [times.length, calls >= 6];
    },
    [6, true],
  ),
);

test("as in nats.js: reconnectJitter is the most that is added to reconnectTimeWait", limit, () =>
  both.agree(async (client) => {
    const proxy = await client.proxy();
    // One in a million waits is short enough for an attempt within the time that is looked at.
    const nc = await client.open({ servers: proxy.url, reconnectTimeWait: 0, reconnectJitter: 1_000_000_000 });
    proxy.onAccept = "reset";
    await proxy.cut();
    await pause(400);
    await nc.close();
    return proxy.accepted;
  }, 1),
);

test("as in nats.js: waitOnFirstConnect keeps trying until a server is there; without it connect() rejects", limit, () =>
  both.agree(
    async (client) => {
      const proxy = await client.proxy();
      proxy.refuse();
      const options = { servers: proxy.url, maxReconnectAttempts: 1, reconnectTimeWait: 20, reconnectJitter: 0 };
      const refused = await outcome(() => client.connect(options));
      const connecting = client.connect({ ...options, waitOnFirstConnect: true });
      closing(client, connecting);
      await pause(200);
      await proxy.accept();
      return [refused, await soon(connecting.then((nc) => nc.getServer() === `127.0.0.1:${proxy.port}`))];
    },
    ["ConnectionError: connection refused", true],
  ),
);

/** When the first attempts of an outage are announced, in ms. */
async function attempts(client: Client, options: object, count: number): Promise<number[]> {
  const proxy = await client.proxy();
  const nc = await client.open({ servers: proxy.url, ...options });
  await nc.flush();
  const times: number[] = [];
  const listening = (async () => {
    for await (const { type } of nc.status()) if (type === "reconnecting") times.push(performance.now());
  })();
  proxy.onAccept = "reset";
  await proxy.cut();
  await until("the attempts", () => times.length >= count);
  await nc.close();
  await listening;
  return times.slice(0, count);
}
