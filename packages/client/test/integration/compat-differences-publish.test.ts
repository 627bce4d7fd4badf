import { test } from "node:test";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import type { FaultProxy } from "../../src/testing/index.ts";
import { Both, type Client, limit, next, outcome } from "./compat-both.ts";

/** Where publishing deliberately differs from nats.js: each test shows both. docs/COMPATIBILITY.md has the reasons. */
const both = new Both();
const headerless = new Both({ config: { no_header_support: true } });

/** What somebody else hears. */
interface Hearing {
  readonly heard: string[];
  /** Resolves when all has come here that the server had read before. */
  settled(): Promise<void>;
}

interface Line extends Hearing {
  readonly nc: NatsConnection;
  readonly proxy: FaultProxy;
}

/** A connection whose link is cut, and what somebody else hears. */
async function cutOff(client: Client, options: object = {}): Promise<Line> {
  const proxy = await client.proxy();
  const nc = await client.open({ servers: proxy.url, ...options });
  const hearing = await hear(client);
  const lost = next(nc, "disconnect");
  proxy.refuse();
  await proxy.cut();
  await lost;
  return { nc, proxy, ...hearing };
}

async function hear(client: Client): Promise<Hearing> {
  const peer = await client.peer();
  const heard: string[] = [];
  peer.subscribe("heard.>", { callback: (_error, msg) => void heard.push(msg.string()) });
  await peer.flush();
  return { heard, settled: () => peer.flush() };
}

async function back({ nc, proxy, settled }: Line): Promise<void> {
  const returned = next(nc, "reconnect");
  await proxy.accept();
  await returned;
  await nc.flush();
  await settled();
}

test("what is published while down is kept and sent (nats.js: lost without a word, and counted as sent)", limit, () =>
  both.differ(
    async (client) => {
      const line = await cutOff(client);
      for (let n = 0; n < 3; n++) line.nc.publish("heard.a", String(n));
      await back(line);
      line.nc.publish("heard.a", "after");
      await line.nc.flush();
      await line.settled();
      return [line.heard, line.nc.stats().outMsgs];
    },
    { natsJs: [["after"], 4], holdfast: [["0", "1", "2", "after"], 4] },
  ),
);

test("a request made while down is sent and answered after the reconnect (nats.js: lost, it ends at its timeout)", limit, () =>
  both.differ(
    async (client) => {
      const line = await cutOff(client);
      const peer = await client.peer();
      peer.subscribe("svc", { callback: (_error, msg) => void msg.respond("answer") });
      await peer.flush();
      const long = client.side === "holdfast" ? 20_000 : 500;
      const asked = [false, true].map((noMux) =>
        outcome(async () => (await line.nc.request("svc", "", { timeout: long, noMux })).string()),
      );
      await back(line);
      return await Promise.all(asked);
    },
    { natsJs: ["TimeoutError: timeout", "TimeoutError: timeout"], holdfast: ["answer", "answer"] },
  ),
);

test("publish() is refused when the reconnect buffer is full (nats.js: taken, whatever there is, and lost)", limit, () =>
  both.differ(
    async (client) => {
      const options: object = { reconnectBuffer: 1_000 };
      const { nc } = await cutOff(client, options);
      let refused = 0;
      let error: unknown;
      for (let n = 0; n < 100; n++) {
        const result = await outcome(() => nc.publish("heard.a", "x".repeat(100)));
        if (typeof result !== "string") continue;
        refused++;
        error ??= result.slice(0, result.indexOf(":"));
      }
      return [refused > 80, error];
    },
    { natsJs: [false, undefined], holdfast: [true, "ReconnectBufferFullError"] },
  ),
);

test("publish() says whether there is room for more (nats.js: nothing)", limit, () =>
  both.differ(
    async (client) => {
      const options: object = { reconnectBuffer: 1_000 };
      const connected = await client.open();
      const { nc } = await cutOff(client, options);
      const said = await outcome(() => connected.publish("heard.a"));
      return [said, await outcome(() => nc.publish("heard.a", "x".repeat(800)))];
    },
    { natsJs: [undefined, undefined], holdfast: [true, false] },
  ),
);

test("a payload is read before publish() returns (nats.js: it keeps the bytes, and sends what is in them later)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const { heard, settled } = await hear(client);
      const bytes = new TextEncoder().encode("before");
      nc.publish("heard.a", bytes);
      bytes.set(new TextEncoder().encode("AFTER!"));
      await nc.flush();
      await settled();
      return heard;
    },
    { natsJs: ["AFTER!"], holdfast: ["before"] },
  ),
);

test("nothing is written to the options of a publish or request (nats.js: it fills them in)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const peer = await client.peer();
      peer.subscribe("svc", { callback: (_error, msg) => void msg.respond() });
      await peer.flush();
      const [publish, request, many] = [{ headers: headers() }, { timeout: 0 }, { maxWait: 0, maxMessages: 1 }];
      nc.publish("a", "", publish);
      await nc.request("svc", "", request);
      await nc.requestMany("svc", "", many);
      await nc.flush();
      return [Object.keys(publish), request.timeout, Object.keys(many).toSorted(), many.maxWait];
    },
    {
      natsJs: [["headers", "reply"], 1_000, ["callback", "maxMessages", "maxWait", "strategy"], 1_000],
      holdfast: [["headers"], 0, ["maxMessages", "maxWait"], 0],
    },
  ),
);

test("a wildcard cannot be published to, nor be a reply (nats.js: the server takes it for plain text)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const { heard, settled } = await hear(client);
      const results = [
        await outcome(() => nc.publish("heard.*", "star")),
        await outcome(() => nc.publish("heard.>", "arrow")),
        await outcome(() => nc.publish("heard.a", "reply", { reply: "b.*" })),
        await outcome(async () => (await nc.request("nobody.*", "", { timeout: 5_000 })).string()),
      ];
      await nc.flush();
      await settled();
      return [results, heard];
    },
    {
      natsJs: [
        [
          undefined,
          undefined,
          undefined,
          "RequestError: no responders: 'nobody.*' (NoRespondersError: no responders: 'nobody.*')",
        ],
        ["star", "arrow", "reply"],
      ],
      holdfast: [["heard.*", "heard.>", "b.*", "nobody.*"].map((name) => `InvalidSubjectError: illegal subject: '${name}'`), []],
    },
  ),
);

test("headers to a server that knows none are refused (nats.js: sent, and the server ends the connection)", limit, () =>
  headerless.differ(
    async (client) => {
      const nc = await client.open();
      const named = headers();
      named.set("A", "1");
      const lost = next(nc, "disconnect");
      const result = await outcome(() => nc.publish("a", "", { headers: named }));
      if (client.side === "nats.js") await lost;
      lost.catch(() => {});
      await nc.flush().catch(() => {});
      return String(result).slice(0, 35);
    },
    { natsJs: "undefined", holdfast: "InvalidArgumentError: 'headers' are" },
  ),
);

test("close() sends what was published before it (nats.js: what is still in its buffer is lost)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const { heard, settled } = await hear(client);
      for (let n = 0; n < 3; n++) nc.publish("heard.a", String(n));
      await nc.close();
      await settled();
      return heard;
    },
    { natsJs: [], holdfast: ["0", "1", "2"] },
  ),
);

test("headers that are no MsgHdrs are InvalidArgumentError (nats.js: TypeError from inside)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const options: unknown = { headers: { A: "1" } };
      return String(await outcome(() => Reflect.apply(nc.publish, nc, ["a", "", options]))).split(":", 1)[0];
    },
    { natsJs: "TypeError", holdfast: "InvalidArgumentError" },
  ),
);
