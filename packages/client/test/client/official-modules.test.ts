import assert from "node:assert/strict";
import { test } from "node:test";
import { AckPolicy, type ConsumerMessages, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Feature, type Features } from "@nats-io/nats-core/internal";
import { ConnectionError, type HoldfastConnection, headers, RequestError } from "../../src/index.ts";
import { Bed, statusOf } from "./harness.ts";

const bed = new Bed({ jetStream: true });
let streams = 0;

/** A stream of its own for each test. */
async function newStream(nc: HoldfastConnection): Promise<{ stream: string; subject: string }> {
  const stream = `S${++streams}`;
  await (await jetstreamManager(nc)).streams.add({ name: stream, subjects: [`${stream}.>`] });
  return { stream, subject: `${stream}.a` };
}

/** Takes the server away and brings it back. */
async function outage(nc: HoldfastConnection, meanwhile: () => void = () => {}): Promise<void> {
  const lost = statusOf(nc, "disconnect");
  const back = statusOf(nc, "reconnect");
  await bed.server.terminate();
  await lost;
  meanwhile();
  await bed.server.restart();
  await back;
}

async function take(messages: ConsumerMessages, count: number): Promise<string[]> {
  const got: string[] = [];
  for await (const msg of messages) {
    msg.ack();
    got.push(msg.string());
    if (got.length === count) break;
  }
  return got;
}

function member(nc: object, name: string): unknown {
  return Reflect.get(nc, name);
}

test("js.publish() before, in and after an outage", async (t) => {
  const nc = await bed.connect(t);
  const { stream, subject } = await newStream(nc);
  const js = jetstream(nc);
  await js.publish(subject, "1");
  let held: Promise<unknown> = Promise.resolve();
  await outage(nc, () => {
    held = js.publish(subject, "2", { timeout: 20_000 });
  });
  await held;
  await js.publish(subject, "3");
  const info = await (await jetstreamManager(nc)).streams.info(stream);
  assert.equal(info.state.messages, 3);
});

test("consume() goes on after an outage", async (t) => {
  const nc = await bed.connect(t);
  const { stream, subject } = await newStream(nc);
  const js = jetstream(nc);
  await (await jetstreamManager(nc)).consumers.add(stream, { durable_name: "c", ack_policy: AckPolicy.Explicit });
  const messages = await (await js.consumers.get(stream, "c")).consume({ max_messages: 10 });
  t.after(() => messages.close());
  const reading = take(messages, 30);
  for (let n = 0; n < 15; n++) await js.publish(subject, String(n));
  await outage(nc);
  for (let n = 15; n < 30; n++) await js.publish(subject, String(n), { timeout: 10_000 });
  const got = new Set(await reading);
  assert.equal(got.size, 30);
});

test("an ordered consumer gets everything once, in order, through an outage", async (t) => {
  const nc = await bed.connect(t);
  const { stream, subject } = await newStream(nc);
  const js = jetstream(nc);
  const messages = await (await js.consumers.get(stream, { deliver_policy: DeliverPolicy.All })).consume({
    idle_heartbeat: 500,
    expires: 1000,
  });
  t.after(() => messages.close());
  const reading = take(messages, 40);
  for (let n = 0; n < 20; n++) await js.publish(subject, String(n));
  await outage(nc);
  for (let n = 20; n < 40; n++) await js.publish(subject, String(n), { timeout: 10_000 });
  assert.deepEqual(
    await reading,
    Array.from({ length: 40 }, (_, n) => String(n)),
  );
});

test("a KV watch sees every change through an outage", async (t) => {
  const nc = await bed.connect(t);
  const kv = await new Kvm(nc).create("bucket");
  const watch = await kv.watch();
  t.after(() => watch.stop());
  const seen: string[] = [];
  const reading = (async () => {
    for await (const entry of watch) {
      seen.push(`${entry.key}=${entry.string()}`);
      if (seen.length === 4) break;
    }
  })();
  await kv.put("a", "1");
  await kv.put("b", "2");
  await outage(nc);
  await kv.put("a", "3");
  await kv.put("c", "4");
  await reading;
  assert.deepEqual(seen, ["a=1", "b=2", "a=3", "c=4"]);
  assert.equal((await kv.get("a"))?.string(), "3");
});

test("ackAck() waits for the server's answer; one that is too late is never sent", async (t) => {
  const nc = await bed.connect(t);
  const { stream, subject } = await newStream(nc);
  const js = jetstream(nc);
  await (await jetstreamManager(nc)).consumers.add(stream, { durable_name: "c", ack_policy: AckPolicy.Explicit });
  await js.publish(subject, "1");
  await js.publish(subject, "2");
  const consumer = await js.consumers.get(stream, "c");
  const first = await consumer.next();
  assert.equal(await first?.ackAck(), true);
  const second = await consumer.next();
  await outage(nc, () => {
    second?.ackAck({ timeout: 20 }).catch(() => {});
  });
  const late = nc.outbound.counts().expired;
  assert.ok(late >= 1);
  assert.equal((await consumer.info()).num_ack_pending, 1);
});

test("with failRequestsOnDisconnect, an ackAck() that was handed over fails with the connection; one that is held waits", async (t) => {
  const nc = await bed.connect(t, { failRequestsOnDisconnect: true });
  const { stream, subject } = await newStream(nc);
  const js = jetstream(nc);
  await (await jetstreamManager(nc)).consumers.add(stream, { durable_name: "c", ack_policy: AckPolicy.Explicit });
  for (const payload of ["1", "2"]) await js.publish(subject, payload);
  const consumer = await js.consumers.get(stream, "c");
  const [first, second] = [await consumer.next(), await consumer.next()];
  assert.ok(first !== null && second !== null);
  await nc.flush();
  let held: Promise<boolean> = Promise.resolve(false);
  await outage(nc, () => {
    held = second.ackAck({ timeout: 60_000 });
  });
  assert.equal(await held, true);
  const lost = statusOf(nc, "disconnect");
  await bed.server.freeze();
  const handedOver = assert.rejects(first.ackAck({ timeout: 60_000 }), (error) => {
    assert.ok(error instanceof RequestError && error.cause instanceof ConnectionError, String(error));
    return true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(nc.outbound.counts().inFlight, 1);
  await bed.server.kill();
  await lost;
  await handedOver;
  await bed.server.restart();
});

test("an atomic batch with a hole is not committed", async (t) => {
  const nc = await bed.connect(t);
  const jsm = await jetstreamManager(nc);
  const stream = `S${++streams}`;
  await jsm.streams.add({ name: stream, subjects: [`${stream}.>`], allow_atomic: true });
  const batch = (sequence: number, commit = false) => {
    const block = headers();
    block.set("Nats-Batch-Id", "b");
    block.set("Nats-Batch-Sequence", String(sequence));
    if (commit) block.set("Nats-Batch-Commit", "1");
    return { headers: block };
  };
  await nc.request(`${stream}.a`, "1", { timeout: 2000, ...batch(1) });
  await outage(nc, () => {
    nc.publish(`${stream}.a`, "2", batch(2));
    assert.equal(nc.outbound.counts().expired, 1);
  });
  const answer = await nc.request(`${stream}.a`, "3", { timeout: 5000, ...batch(3, true) });
  assert.ok(answer.json<{ error?: unknown }>().error !== undefined, answer.string());
  assert.equal((await jsm.streams.info(stream)).state.messages, 0);
});

test("features follow the server's version; a module may disable one", async (t) => {
  const nc = await bed.connect(t);
  const features = featuresOf(nc);
  assert.equal(features.supports(Feature.JS_KV), true);
  features.disable(Feature.JS_KV);
  await outage(nc);
  assert.equal(features.supports(Feature.JS_KV), false);
  assert.equal(features.require(bed.server.version), true);
  const version = Reflect.apply(Function.prototype.call, member(nc, "getServerVersion"), [nc]);
  assert.equal(`${version.major}.${version.minor}.${version.micro}`, bed.server.version);
});

test("options are the parsed ones, without what holds credentials", async (t) => {
  const nc = await bed.connect(t, {
    inboxPrefix: "_MINE",
    token: "secret",
    reconnectTimeWait: 100,
    reconnectJitter: 50,
    name: "me",
  });
  const options = member(nc, "options");
  assert.ok(typeof options === "object" && options !== null);
  assert.equal(Reflect.get(options, "inboxPrefix"), "_MINE");
  assert.equal(Reflect.get(options, "name"), "me");
  const delay: number = Reflect.get(options, "reconnectDelayHandler")();
  assert.ok(delay >= 100 && delay <= 150, String(delay));
  assert.doesNotMatch(JSON.stringify(options), /secret/);
  assert.equal(Reflect.has(options, "authenticator"), false);
});

test("close listeners hear of the end once, those removed do not", async (t) => {
  const nc = await bed.connect(t);
  const heard: string[] = [];
  const listener = (name: string) => ({
    connectionClosedCallback: () => {
      heard.push(name);
      throw new Error("harms nobody");
    },
  });
  const removed = listener("removed");
  call(nc, "addCloseListener", listener("first"));
  call(nc, "addCloseListener", removed);
  call(nc, "addCloseListener", listener("second"));
  call(nc, "removeCloseListener", removed);
  await nc.close();
  await nc.closed();
  call(nc, "addCloseListener", listener("late"));
  assert.deepEqual(heard, ["first", "second", "late"]);
});

test("_resub moves a subscription under a new sid", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("old", { callback: () => {} });
  const sid = sub.getID();
  call(nc, "_resub", sub, "new");
  nc.publish("old");
  nc.publish("new");
  await nc.flush();
  assert.equal(sub.getReceived(), 1);
  assert.equal(sub.getSubject(), "new");
  assert.notEqual(sub.getID(), sid);
});

test("the probe nc.nc finds nothing, and the members do not show", async (t) => {
  const nc = await bed.connect(t);
  assert.equal(member(nc, "nc"), undefined);
  for (const name of ["_resub", "features", "options", "addCloseListener"]) assert.equal(Object.keys(nc).includes(name), false);
});

test("context() asks the server who we are", async (t) => {
  const nc = await bed.connect(t);
  const context = await Promise.resolve(call(nc, "context")).catch((error: unknown) => error);
  // Without a system account nobody answers; with one it is an object.
  assert.ok(context instanceof RequestError || (typeof context === "object" && context !== null && "server" in context));
});

function featuresOf(nc: HoldfastConnection): Features {
  const features = member(nc, "features");
  assert.ok(isFeatures(features));
  return features;
}

function isFeatures(value: unknown): value is Features {
  return typeof value === "object" && value !== null && "supports" in value && "disable" in value;
}

function call(nc: object, name: string, ...args: unknown[]): unknown {
  const method: unknown = member(nc, name);
  assert.ok(typeof method === "function");
  return method.call(nc, ...args);
}
