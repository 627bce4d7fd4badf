/** The official `js.publish()` on a Holdfast connection, through outages. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { jetstream, jetstreamManager, type PubAck } from "@nats-io/jetstream";
import { type ModuleLine, type Outage, openModuleLine, through } from "./modules-harness.ts";
import { limit, numbers, until } from "./peers-harness.ts";

test("js.publish() while the link is cut is acknowledged after the reconnect and stored once", limit, (t) =>
  publishThrough(t, "rst"),
);

test("js.publish() while the server is restarted is acknowledged afterwards and stored once", limit, (t) =>
  publishThrough(t, "restart"),
);

async function publishThrough(t: TestContext, outage: Outage): Promise<void> {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  await addStream(modules);
  const js = jetstream(modules.line.nc);
  const publish = (from: number, to: number): Promise<PubAck>[] =>
    numbers(from, to).map((number) => js.publish("orders", number, { msgID: number, timeout: 30_000 }));

  const before = await Promise.all(publish(1, 20));
  let acknowledged: Promise<PubAck>[] = [];
  await through(outage, modules, async () => {
    acknowledged = publish(21, 40);
  });
  const acks = [...before, ...(await Promise.all(acknowledged)), ...(await Promise.all(publish(41, 60)))];

  assert.deepEqual(
    acks.map((ack) => ack.seq),
    numbers(1, 60).map(Number),
  );
  assert.deepEqual(new Set(acks.map((ack) => ack.duplicate)), new Set([false]));
  assert.deepEqual(await stored(modules), numbers(1, 60));
}

test(
  "500 js.publish() at once, with the link cut among them, are all acknowledged by their retries and stored once",
  limit,
  async (t) => {
    const modules = await openModuleLine(t);
    if (modules === undefined) return;
    await addStream(modules);
    const js = jetstream(modules.line.nc);
    const publishing = numbers(1, 500).map((number) =>
      js.publish("orders", number, { msgID: number, timeout: 2_000, retries: 10 }),
    );
    await until("some are on their way", () => modules.line.nc.outbound.counts().inFlight > 0);
    await modules.line.flap();
    await Promise.all(publishing);
    assert.deepEqual(
      (await stored(modules)).map(Number).sort((a, b) => a - b),
      numbers(1, 500).map(Number),
    );
  },
);

test(
  "js.publish() whose acknowledgement the cut has swallowed is stored once, thanks to its msgID and its retries",
  limit,
  async (t) => {
    const modules = await openModuleLine(t);
    if (modules === undefined) return;
    await addStream(modules);
    const { line } = modules;
    line.proxy.toClient.hold();
    const publishing = jetstream(line.nc).publish("orders", "once", { msgID: "once", timeout: 500, retries: 10 });
    const stream = await jetstreamManager(modules.second);
    while ((await stream.streams.info("ORDERS")).state.messages === 0);
    await line.down();
    line.proxy.toClient.forward();
    await line.up();
    const ack = await publishing;

    assert.equal(ack.duplicate, true);
    assert.deepEqual(await stored(modules), ["once"]);
  },
);

test("js.publish() in flight at the cut, without retries, ends at its timeout and is not sent again", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  await addStream(modules);
  const { line } = modules;
  line.proxy.toClient.hold();
  const outcome = assert.rejects(jetstream(line.nc).publish("orders", "once", { timeout: 1_000 }), /timeout/i);
  const manager = await jetstreamManager(modules.second);
  while ((await manager.streams.info("ORDERS")).state.messages === 0);
  await line.down();
  line.proxy.toClient.forward();
  await line.up();
  await outcome;
  await line.nc.flush();
  assert.deepEqual(await stored(modules), ["once"]);
  assert.equal(line.nc.outbound.counts().inDoubt, 1);
});

test("js.publish() whose timeout ends while down is never sent", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  await addStream(modules);
  const { line } = modules;
  await line.down();
  await assert.rejects(jetstream(line.nc).publish("orders", "late", { timeout: 50 }), /timeout/i);
  await line.up();
  await line.nc.flush();
  assert.deepEqual(await stored(modules), []);
});

async function addStream({ second }: ModuleLine): Promise<void> {
  const manager = await jetstreamManager(second);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders"] });
}

/** What the stream holds, read by the official client. */
async function stored({ second }: ModuleLine): Promise<string[]> {
  const manager = await jetstreamManager(second);
  const { state } = await manager.streams.info("ORDERS");
  const messages = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage("ORDERS", { seq });
    if (message !== null) messages.push(message.string());
  }
  return messages;
}
