import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deferred, InvalidArgumentError } from "@nats-io/nats-core";
import { connect as connectOfficial } from "@nats-io/transport-node";
import { metrics, ValueType } from "@opentelemetry/api";
import { connect, FlushError, ReconnectBufferFullError } from "../../src/index.ts";
import { type ObserveOptions, observeConnection } from "../../src/otel/index.ts";
import { LEVELS, OLDEST_AGE, SENT, TOTALS } from "../../src/otel/metrics.ts";
import { freePort, startNatsServer } from "../../src/testing/index.ts";
import { Bed, connected, statusOf } from "../client/harness.ts";
import { Collector, deltas, kindOf } from "./collector.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const bed = new Bed();
/** A connection that holds what is published. */
const held = async () => ({ servers: `127.0.0.1:${await freePort()}`, retryOnFailedConnect: true }) as const;

test("what is held is exported in messages and in bytes as on the wire, with its limits, and its age in seconds", async (t) => {
  const nc = await connected(t, { ...(await held()), reconnectBuffer: { maxBytes: 10_000, maxMessages: 100 } });
  const collector = new Collector();
  observeConnection(nc, { meter: collector.meter });
  const [before, after] = [performance.now(), nc.publish("a.b", "hello") && performance.now()];
  nc.publish("a.b", "hello");
  await statusOf(nc, "reconnecting");
  const asked = performance.now();
  const collection = await collector.collect();
  const names = ["buffer.messages", "buffer.bytes", "buffer.limit.messages", "buffer.limit.bytes", "window.bytes"] as const;
  assert.deepEqual(collection.values(names), {
    "buffer.messages": 2,
    "buffer.bytes": 2 * "PUB a.b 5\r\nhello\r\n".length,
    "buffer.limit.messages": 100,
    "buffer.limit.bytes": 10_000,
    // Where every connection begins.
    "window.bytes": 65_536,
  });
  // Time is kept to the millisecond for each turn.
  const age = collection.value("nats.client.buffer.oldest_age") * 1000;
  assert.ok(age >= asked - Number(after) - 2 && age <= performance.now() - before + 2, `${age} ms old`);
});

test("what comes in is exported, and what was published before the connection was observed", async (t) => {
  const nc = await bed.connect(t);
  nc.publish("before", "12");
  const subscription = nc.subscribe("in", { max: 3 });
  for (const payload of ["1", "22", "333"]) nc.publish("in", payload);
  for await (const _ of subscription);
  await nc.flush();
  const collector = new Collector();
  observeConnection(nc, { meter: collector.meter });
  const collection = await collector.collect();
  const names = ["received.messages", "received.bytes", "buffer.accepted.messages", "buffer.accepted.bytes"] as const;
  assert.deepEqual(collection.values(names), {
    "received.messages": 3,
    "received.bytes": 6,
    "buffer.accepted.messages": 4,
    "buffer.accepted.bytes": 8,
  });
});

test("OpenTelemetry's own counter of sent messages says how each of them ended", async (t) => {
  const nc = await bed.connect(t);
  const collector = new Collector();
  observeConnection(nc, { meter: collector.meter, attributes: { app: "shop" } });
  for (let i = 0; i < 7; i++) nc.publish("a");
  await nc.flush();
  const collection = await collector.collect();
  const attributes = { app: "shop", "messaging.system": "nats", "messaging.operation.name": "publish" };
  const sent = (more: object): number => collection.value("messaging.client.sent.messages", { ...attributes, ...more });
  assert.deepEqual([sent({}), sent({ "error.type": "rejected" }), sent({ "error.type": "in_doubt" })], [7, 0, 0]);
});

test("what the server refuses or cannot take, and what is too old, is exported as often as it was handed back", async (t) => {
  const port = await freePort();
  const handedBack: string[] = [];
  const expired = deferred<void>();
  const nc = await connected(t, {
    servers: `127.0.0.1:${port}`,
    retryOnFailedConnect: true,
    user: "u",
    pass: "p",
    onUndelivered: (batch) => {
      for (const { state } of batch) handedBack.push(state);
      if (handedBack.includes("expired")) expired.resolve();
    },
  });
  const collector = new Collector();
  observeConnection(nc, { meter: collector.meter });
  for (let i = 0; i < 2; i++) nc.publish("a", "too old", { maxAge: 1 });
  await expired;
  for (let i = 0; i < 3; i++) nc.publish("a", "x".repeat(2_000));
  for (let i = 0; i < 4; i++) nc.publish("denied");
  nc.publish("a", "fine");
  const permissions = { publish: { deny: ["denied"] } };
  const authorization = { users: [{ user: "u", password: "p", permissions }] };
  const server = await startNatsServer({ port, config: { max_payload: 1_000, max_control_line: 512, authorization } });
  t.after(() => server.stop());
  await nc.flush().catch((error: unknown) => assert.ok(error instanceof FlushError, String(error)));
  await nc.close();
  const names = ["buffer.expired.messages", "buffer.undeliverable.messages", "buffer.rejected.messages"] as const;
  const { "buffer.confirmed.messages": confirmed, ...ended } = (await collector.collect()).values([
    ...names,
    "buffer.confirmed.messages",
  ]);
  const count = (state: string): number => handedBack.filter((other) => other === state).length;
  assert.deepEqual(Object.values(ended), [count("expired"), count("undeliverable"), count("rejected")]);
  assert.deepEqual([...Object.values(ended), confirmed], [2, 3, 4, 1]);
});

test("each metric is a counter, a level or a gauge, in whole numbers but for the age, and says its unit and what it is", async (t) => {
  const collector = new Collector();
  observeConnection(await connected(t, await held()), { meter: collector.meter });
  const { metrics } = await collector.collect();
  const expected = [
    ...[...Object.values(TOTALS), SENT].map((metric) => ({ ...metric, kind: "counter", valueType: ValueType.INT })),
    ...Object.values(LEVELS).map((metric) => ({ ...metric, kind: "level", valueType: ValueType.INT })),
    { ...OLDEST_AGE, kind: "gauge", valueType: ValueType.DOUBLE },
  ];
  const exported = [...metrics.values()].map((metric) => {
    const { name, unit, description, valueType } = metric.descriptor;
    return { name, unit, description, kind: kindOf(metric), valueType };
  });
  const byName = <T extends { name: string }>(list: readonly T[]): T[] => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(byName(exported), byName(expected));
});

test("connections with the same attributes are added up, and a closed one stays in the totals and leaves the rest", async (t) => {
  const collector = new Collector();
  const [a, b, other] = [await connected(t, await held()), await connected(t, await held()), await connected(t, await held())];
  // The order of attributes means nothing.
  observeConnection(a, { meter: collector.meter, attributes: { name: "orders", zone: 1 } });
  observeConnection(b, { meter: collector.meter, attributes: { zone: 1, name: "orders" } });
  observeConnection(other, { meter: collector.meter, attributes: { name: "audit" } });
  for (const [nc, messages] of [
    [a, 2],
    [b, 3],
    [other, 4],
  ] as const)
    for (let i = 0; i < messages; i++) nc.publish("x");
  const names = ["buffer.accepted.messages", "buffer.messages", "buffer.abandoned.messages"] as const;
  const look = async () => {
    const collection = await collector.collect();
    const [orders, audit] = [{ zone: 1, name: "orders" }, { name: "audit" }];
    return [orders, audit].map((attributes) => Object.values(collection.values(names, attributes)));
  };
  assert.deepEqual(await look(), [
    [5, 5, 0],
    [4, 4, 0],
  ]);
  await a.close();
  assert.deepEqual(await look(), [
    [5, 3, 2],
    [4, 4, 0],
  ]);
  await b.close();
  assert.deepEqual(await look(), [
    [5, 0, 5],
    [4, 4, 0],
  ]);
  const c = await connected(t, await held());
  observeConnection(c, { meter: collector.meter, attributes: { name: "orders", zone: 1 } });
  c.publish("x");
  assert.deepEqual(await look(), [
    [6, 1, 5],
    [4, 4, 0],
  ]);
});

test("after stop() the connection is read no more, and what it had counted stays", async (t) => {
  const nc = await connected(t, { ...(await held()), reconnectBuffer: { maxMessages: 2 } });
  const collector = new Collector();
  const observation = observeConnection(nc, { meter: collector.meter });
  nc.publish("a");
  observation.stop();
  observation.stop();
  nc.publish("a");
  assert.throws(() => nc.publish("a"), ReconnectBufferFullError);
  await nc.close();
  const collection = await collector.collect();
  const names = ["buffer.accepted.messages", "buffer.refused.messages", "buffer.messages", "buffer.full.episodes"] as const;
  assert.deepEqual(Object.values(collection.values(names)), [1, 0, 0, 0]);
});

test("a closed connection is let go of", async () => {
  const collector = new Collector();
  const closed = await closedConnection(collector);
  for (let tries = 0; tries < 50 && closed.deref() !== undefined; tries++) {
    await new Promise(setImmediate);
    collectGarbage();
  }
  assert.equal(closed.deref(), undefined);
  assert.equal((await collector.collect()).value("nats.client.buffer.abandoned.messages"), 1);
});

/** A function of its own, so that no variable holds it. */
async function closedConnection(collector: Collector): Promise<WeakRef<object>> {
  const nc = await connect(await held());
  observeConnection(nc, { meter: collector.meter });
  nc.publish("a");
  await nc.close();
  return new WeakRef(nc);
}

test("what a reader of deltas is given adds up to the whole", async (t) => {
  const nc = await connected(t, await held());
  const collector = deltas();
  observeConnection(nc, { meter: collector.meter });
  const given: number[] = [];
  for (const messages of [3, 5]) {
    for (let i = 0; i < messages; i++) nc.publish("a");
    given.push((await collector.collect()).value("nats.client.buffer.accepted.messages"));
  }
  nc.publish("a");
  await nc.close();
  const last = await collector.collect();
  given.push(last.value("nats.client.buffer.accepted.messages"), last.value("nats.client.buffer.abandoned.messages"));
  assert.deepEqual(given, [3, 5, 1, 9]);
});

test("a connection that is closed already is exported with what it came to", async (t) => {
  const nc = await connected(t, await held());
  nc.publish("a");
  await nc.close();
  const collector = new Collector();
  observeConnection(nc, { meter: collector.meter });
  const names = ["buffer.accepted.messages", "buffer.abandoned.messages", "buffer.messages"] as const;
  await new Promise(setImmediate);
  assert.deepEqual(Object.values((await collector.collect()).values(names)), [1, 1, 0]);
});

test("a connection is observed once on a meter, whoever asks again, and on as many meters as one likes", async (t) => {
  const nc = await connected(t, await held());
  const [one, two] = [new Collector(), new Collector()];
  const observation = observeConnection(nc, { meter: one.meter });
  nc.publish("a");
  assert.equal(observeConnection(nc, { meter: one.meter, attributes: { other: true } }), observation);
  observeConnection(nc, { meter: two.meter });
  for (const { metrics } of [await one.collect(), await two.collect()]) {
    const points = metrics.get("nats.client.buffer.accepted.messages")?.dataPoints.map(({ value }) => value);
    assert.deepEqual(points, [1]);
  }
  observation.stop();
  observeConnection(nc, { meter: one.meter });
  nc.publish("a");
  assert.equal((await one.collect()).value("nats.client.buffer.accepted.messages"), 1);
});

test("a connection of nats.js is refused", async () => {
  const nc = await connectOfficial({ servers: bed.server.url });
  try {
    assert.throws(() => Reflect.apply(observeConnection, undefined, [nc]), InvalidArgumentError);
  } finally {
    await nc.close();
  }
});

test("without a meter it is the meter `holdfast` of the global provider, also when there is none", async (t) => {
  const asked: string[] = [];
  const collector = new Collector();
  observeConnection(await connected(t, await held()));
  metrics.setGlobalMeterProvider({
    getMeter: (name) => {
      asked.push(name);
      return collector.meter;
    },
  });
  t.after(() => metrics.disable());
  const nc = await connected(t, await held());
  const options: ObserveOptions = {};
  observeConnection(nc, options);
  nc.publish("a");
  assert.deepEqual(asked, ["holdfast"]);
  assert.equal((await collector.collect()).value("nats.client.buffer.accepted.messages"), 1);
});
