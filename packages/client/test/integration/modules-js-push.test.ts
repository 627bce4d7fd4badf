/** The official push consumers on a Holdfast connection, through outages, with flow control. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConsumerConfig, jetstream } from "@nats-io/jetstream";
import { createInbox } from "@nats-io/nats-core";
import { atEachLevel, type JsLine, type JsOutage, openJs } from "./modules-js-harness.ts";
import type { WireMessage } from "./modules-js-wire.ts";
import { assertIdentity, limit, numbers, until } from "./peers-harness.ts";

test("a push consumer goes on after its link was cut: everything comes and is acknowledged", limit, (t) =>
  atEachLevel(t, (js) => pushThrough(js, "rst")),
);

test("a push consumer goes on after the server was restarted: everything comes and is acknowledged", limit, (t) =>
  atEachLevel(t, (js) => pushThrough(js, "restart")),
);

test("a push consumer goes on after a black hole: everything comes and is acknowledged", limit, (t) =>
  atEachLevel(t, (js) => pushThrough(js, "hole")),
);

/** 30 messages before the outage, 30 in it and 30 after it. What was sent into it comes again after `ack_wait`. */
async function pushThrough(js: JsLine, outage: JsOutage): Promise<void> {
  await addPusher(js, { ack_wait: 1e9, idle_heartbeat: 500e6 });
  const consumer = await js.js.consumers.getPushConsumer("EVENTS", "pusher");
  const seen = new Set<number>();
  const messages = await consumer.consume({
    callback: (message) => {
      seen.add(message.seq);
      message.ack();
    },
  });
  await js.store(1, 30);
  await until("what came before the outage", () => seen.size === 30);
  await js.through(outage, () => js.store(31, 60));
  await js.store(61, 90);
  await until("all of it", () => seen.size === 90, 40_000);
  await acknowledged(js, 90);
  await messages.close();
  assertIdentity(js.nc);
}

test(
  "flow control does not stall a push consumer when its link is cut under load, and no answer of it is sent twice",
  limit,
  (t) => atEachLevel(t, (js) => flowThrough(js, "rst")),
);

test(
  "flow control does not stall a push consumer when a black hole swallows its answers, and none of them is sent twice",
  limit,
  (t) => atEachLevel(t, (js) => flowThrough(js, "hole")),
);

test("flow control whose subjects name domain and account does not stall a push consumer either, and goes once", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      await flowThrough(js, "rst");
      assert.ok(answers(js).every(({ subject }) => subject.startsWith("$JS.FC.hub.")));
    },
    { needs: "2.14.0", server: { jetStream: { domain: "hub" }, config: { feature_flags: { js_ack_fc_v2: true } } } },
  ),
);

/** The server asks for flow control many times. It is cut off when an answer is in flight. */
async function flowThrough(js: JsLine, outage: JsOutage): Promise<void> {
  await addPusher(js, { ack_wait: 2e9, idle_heartbeat: 500e6, flow_control: true, max_ack_pending: 10_000 });
  const payload = new Uint8Array(64 * 1024);
  const store = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number++) await jetstream(js.second).publish("events", payload);
  };
  await store(96);
  const consumer = await js.js.consumers.getPushConsumer("EVENTS", "pusher");
  const seen = new Set<number>();
  const messages = await consumer.consume({
    callback: (message) => {
      seen.add(message.seq);
      message.ack();
    },
  });
  let given = 0;
  const counting = (async () => {
    for await (const { type } of messages.status()) if (type === "flow_control") given += 1;
  })();
  await until("an answer", () => answers(js).length > 0);
  js.line.proxy.connections[0]?.toServer.hold();
  await store(96);
  await until("one that does not go", () => given > answers(js).length);
  await until("it is in flight", () => js.nc.outbound.counts().inFlight > 0);
  await js.through(outage);
  await store(96);
  await until("all of it", () => seen.size === 288, 40_000);
  await acknowledged(js, 288);
  await messages.close();
  await counting;

  assert.deepEqual(unasked(js), []);
  assertIdentity(js.nc);
}

const STALLED = /Nats-Consumer-Stalled: (\S+)/;

function answers(js: JsLine): WireMessage[] {
  return js.wire.sent("$JS.FC.");
}

/**
 * Answers that nobody had asked for on their own connection: an old one, sent again. The server asks by a request, and again by a
 * heartbeat that says the consumer stands still.
 */
function unasked(js: JsLine): string[] {
  const asked = new Map<string, number>();
  const wrong: string[] = [];
  for (const { connection, toServer, subject, reply, headers } of js.wire.messages) {
    const wanted = headers.includes("FlowControl Request") ? reply : STALLED.exec(headers)?.[1];
    const key = `${connection} ${toServer ? subject : wanted}`;
    const before = asked.get(key) ?? 0;
    if (!toServer && wanted !== undefined) asked.set(key, before + 1);
    if (!toServer || !subject.startsWith("$JS.FC.")) continue;
    if (before === 0) wrong.push(key);
    asked.set(key, before - 1);
  }
  return wrong;
}

test("a push consumer's heartbeats are seen, and missed ones are told while its server is frozen", limit, async (t) => {
  const js = await openJs(t, { client: { stallTimeout: 20_000 } });
  if (js === undefined) return;
  await addPusher(js, { idle_heartbeat: 500e6 });
  const messages = await (await js.js.consumers.getPushConsumer("EVENTS", "pusher")).consume({ callback: () => {} });
  const told: string[] = [];
  const reading = (async () => {
    for await (const { type } of messages.status()) told.push(type);
  })();
  await until("a heartbeat", () => told.includes("heartbeat"));
  await js.line.server.freeze();
  await until("two are missed", () => told.includes("heartbeats_missed"));
  js.line.server.thaw();
  const before = told.length;
  await until("heartbeats again", () => told.slice(before).includes("heartbeat"));
  await messages.close();
  await reading;
});

test("a push consumer that is stopped while the link is cut is not subscribed to afterwards", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await addPusher(js, { idle_heartbeat: 500e6 });
  const consumer = await js.js.consumers.getPushConsumer("EVENTS", "pusher");
  const seen: number[] = [];
  const messages = await consumer.consume({ callback: (message) => void seen.push(message.seq) });
  await js.store(1, 1);
  await until("the first message", () => seen.length === 1);
  await js.through("rst", () => messages.close());
  await js.store(2, 10);
  await js.nc.flush();
  assert.deepEqual(seen, numbers(1, 1).map(Number));
  assert.equal((await js.manager.consumers.info("EVENTS", "pusher")).push_bound ?? false, false);
});

async function addPusher(js: JsLine, config: Partial<ConsumerConfig>): Promise<void> {
  const ours = { durable_name: "pusher", ack_policy: "explicit", deliver_subject: createInbox() } as const;
  await js.manager.consumers.add("EVENTS", { ...ours, ...config });
}

async function acknowledged(js: JsLine, last: number): Promise<void> {
  await js.consumerWhen("pusher", "all acknowledged", (info) => info.num_ack_pending === 0 && info.ack_floor.stream_seq === last);
}
