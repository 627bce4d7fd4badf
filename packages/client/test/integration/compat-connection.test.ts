import assert from "node:assert/strict";
import { test } from "node:test";
import { headers, type Msg } from "@nats-io/nats-core";
import { Both, describe, limit, next, outcome, texts } from "./compat-both.ts";

/** The methods of a connection: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both();

/** What another client received. */
function shown(msg: Msg): string {
  const named = [...(msg.headers ?? [])].map(([name, values]) => `${name}=${values.join(",")}`).join(" ");
  return `${msg.subject} [${msg.reply ?? ""}] {${named}} ${msg.string()}`;
}

test("as in nats.js: publish() takes text, bytes or nothing, with headers and a reply", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = peer.subscribe("publish.>", { max: 5 });
      await peer.flush();
      const named = headers();
      named.append("A", "1");
      named.append("A", "2");
      nc.publish("publish.text", "größe");
      nc.publish("publish.bytes", new TextEncoder().encode("bytes"));
      nc.publish("publish.nothing");
      nc.publish("publish.headers", "h", { headers: named });
      nc.publish("publish.reply", "r", { headers: named, reply: "answers" });
      const seen: string[] = [];
      for await (const msg of sub) seen.push(shown(msg));
      return seen;
    },
    [
      "publish.text [] {} größe",
      "publish.bytes [] {} bytes",
      "publish.nothing [] {} ",
      "publish.headers [] {A=1,2} h",
      "publish.reply [answers] {A=1,2} r",
    ],
  ),
);

test("as in nats.js: publishMessage() sends a message on, with its headers and reply", limit, () =>
  both.agree(async (client) => {
    const [nc, peer] = [await client.open(), await client.peer()];
    const sub = nc.subscribe("forward", { max: 1 });
    await nc.flush();
    const named = headers();
    named.set("A", "1");
    peer.publish("forward", "payload", { headers: named, reply: "answers" });
    const [msg] = await take(sub, 1);
    assert.ok(msg);
    const copy = peer.subscribe("forward", { max: 1 });
    await peer.flush();
    nc.publishMessage(msg);
    const [received] = await take(copy, 1);
    assert.ok(received);
    return shown(received);
  }, "forward [answers] {A=1} payload"),
);

test("as in nats.js: respondMessage() answers with the message's own data, and says false without a reply subject", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("echo", { max: 2 });
      await nc.flush();
      peer.publish("echo", "no reply");
      const asked = peer.request("echo", "ping", { timeout: 10_000 });
      const results: unknown[] = [];
      for await (const msg of sub) results.push(nc.respondMessage(msg));
      const answer = await asked;
      // nats.js puts the inbox itself into the reply of the answer.
      return [...results, answer.string(), answer.reply === answer.subject];
    },
    [false, true, "ping", true],
  ),
);

test("as in nats.js: subscribe() without options is an iterator of messages", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("plain.*");
      await nc.flush();
      for (const n of [1, 2, 3]) peer.publish(`plain.${n}`, String(n));
      return await texts(sub, 3);
    },
    ["1", "2", "3"],
  ),
);

test("as in nats.js: flush() resolves when the server has read everything before it", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = peer.subscribe("flushed", { callback: () => {} });
      await peer.flush();
      for (let n = 0; n < 500; n++) nc.publish("flushed");
      const flushed: unknown = await nc.flush();
      await peer.flush();
      await nc.close();
      return [sub.getReceived(), flushed, await outcome(() => nc.flush())];
    },
    [500, undefined, "ClosedConnectionError: closed connection"],
  ),
);

test("as in nats.js: drain() finishes the subscriptions, lets them publish, sends what is pending, closes", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const answers = peer.subscribe("drained.answers", { callback: () => {} });
      nc.subscribe("drained", {
        callback: () => {
          nc.publish("drained.answers");
        },
      });
      await Promise.all([nc.flush(), peer.flush()]);
      for (let n = 0; n < 300; n++) peer.publish("drained");
      await peer.flush();
      const draining = nc.drain();
      const during = [
        nc.isDraining(),
        nc.isClosed(),
        await outcome(() => nc.subscribe("x")),
        await outcome(() => nc.drain()),
        await outcome(() => nc.reconnect()),
        await outcome(() => nc.request("x")),
      ];
      await draining;
      await peer.flush();
      return [...during, answers.getReceived(), nc.isClosed(), nc.isDraining(), await outcome(() => nc.drain())];
    },
    [
      true,
      false,
      "DrainingConnectionError: connection draining",
      "DrainingConnectionError: connection draining",
      "DrainingConnectionError: connection draining",
      "DrainingConnectionError: connection draining",
      300,
      true,
      true,
      "ClosedConnectionError: closed connection",
    ],
  ),
);

test("as in nats.js: close() ends the subscriptions, and what is called afterwards is refused", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const read = nc.subscribe("a");
      const called = nc.subscribe("b", { callback: () => {} });
      await nc.flush();
      const reading = texts(read);
      const before = [nc.isClosed(), nc.isDraining()];
      const closed: unknown = await nc.close();
      return [
        ...before,
        closed,
        nc.isClosed(),
        nc.isDraining(),
        await reading,
        read.isClosed(),
        called.isClosed(),
        await called.closed,
        await outcome(() => nc.publish("a")),
        await outcome(() => nc.subscribe("a")),
        await outcome(() => nc.request("a")),
        await outcome(() => nc.requestMany("a")),
        await outcome(() => nc.rtt()),
        await outcome(() => nc.reconnect()),
        await outcome(() => called.drain()),
        nc.info,
      ];
    },
    [
      ...[false, false, undefined, true, false, [], true, true, undefined],
      ...Array.from({ length: 7 }, () => "ClosedConnectionError: closed connection"),
      undefined,
    ],
  ),
);

test(
  "as in nats.js: closed() resolves with nothing after close(), and with the error when reconnecting was given up",
  limit,
  () =>
    both.agree(
      async (client) => {
        const quiet = await client.open();
        const end = quiet.closed();
        await quiet.close();
        const proxy = await client.proxy();
        const nc = await client.open({ servers: proxy.url, maxReconnectAttempts: 2 });
        proxy.refuse();
        await proxy.cut();
        const error = await nc.closed();
        return [await end, error instanceof Error ? describe(error) : error, nc.isClosed()];
      },
      [undefined, "ConnectionError: connection refused", true],
    ),
);

test("as in nats.js: close() while down ends at once, and ends the dialling", limit, () =>
  both.agree(
    async (client) => {
      const proxy = await client.proxy();
      const nc = await client.open({ servers: proxy.url, reconnectTimeWait: 60_000 });
      const lost = next(nc, "disconnect");
      proxy.refuse();
      await proxy.cut();
      await lost;
      nc.publish("a", "held");
      const closed: unknown = await nc.close();
      return [closed, await nc.closed(), nc.isClosed()];
    },
    [undefined, undefined, true],
  ),
);

test("as in nats.js: await using drains the connection, and means nothing once it is draining or closed", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = peer.subscribe("disposed", { callback: () => {} });
      await peer.flush();
      nc.publish("disposed");
      const first = nc[Symbol.asyncDispose]();
      const draining = nc.isDraining();
      await Promise.all([first, nc[Symbol.asyncDispose]()]);
      const again: unknown = await nc[Symbol.asyncDispose]();
      await peer.flush();
      return [draining, nc.isClosed(), again, sub.getReceived()];
    },
    [true, true, undefined, 1],
  ),
);

async function take(source: AsyncIterable<Msg>, count: number): Promise<Msg[]> {
  const taken: Msg[] = [];
  for await (const msg of source) {
    taken.push(msg);
    if (taken.length === count) break;
  }
  return taken;
}
