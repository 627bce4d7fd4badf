/** The official consumers on a Holdfast connection, through outages: pull consumers and ordered ones. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Consumer, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type ModuleLine, type Outage, openModuleLine, through } from "./modules-harness.ts";
import { limit, numbers, pause, until } from "./peers-harness.ts";

test(
  "consume() goes on after the link was cut: what another client published meanwhile comes once and is acknowledged",
  limit,
  (t) => consumeThrough(t, "rst"),
);

test(
  "consume() goes on after the server was restarted: what another client published meanwhile comes once and is acknowledged",
  limit,
  (t) => consumeThrough(t, "restart"),
);

test("an ordered consumer goes on after the link was cut, without gap or duplicate", limit, (t) => orderedThrough(t, "rst"));

test("an ordered consumer goes on after the server was restarted, without gap or duplicate", limit, (t) =>
  orderedThrough(t, "restart"),
);

async function consumeThrough(t: TestContext, outage: Outage): Promise<void> {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  await addStream(modules);
  const manager = await jetstreamManager(modules.second);
  await manager.consumers.add("EVENTS", { durable_name: "worker", ack_policy: "explicit", ack_wait: 5e9 });
  const consumer = await jetstream(modules.line.nc).consumers.get("EVENTS", "worker");
  const seen = await readThrough(outage, modules, consumer, true);

  // What the server had sent on the dead link before it noticed comes again after `ack_wait`, behind others.
  seen.sort((a, b) => a - b);
  assert.deepEqual(seen, numbers(1, 150).map(Number));
  // The server reads acknowledgements some time after their PONG.
  for (let isOver = false; !isOver; await pause(20)) {
    const { num_pending, num_ack_pending, ack_floor } = await manager.consumers.info("EVENTS", "worker");
    isOver = num_pending === 0 && num_ack_pending === 0 && ack_floor.stream_seq === 150;
  }
}

async function orderedThrough(t: TestContext, outage: Outage): Promise<void> {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  await addStream(modules);
  const consumer = await jetstream(modules.line.nc).consumers.get("EVENTS");
  assert.deepEqual(await readThrough(outage, modules, consumer, false), numbers(1, 150).map(Number));
}

/** Publishes 50 messages before the outage, 50 in it and 50 after it. Returns the sequence numbers that came, in order. */
async function readThrough(outage: Outage, modules: ModuleLine, consumer: Consumer, acknowledge: boolean): Promise<number[]> {
  const { line, second } = modules;
  const js = jetstream(second);
  const publish = async (): Promise<void> => {
    for (const number of numbers(1, 50)) await js.publish("events", number);
  };
  const seen: number[] = [];
  // After a restart an ordered consumer of @nats-io/jetstream 3.4 asks for 0 messages, on any client, and goes on when it misses heartbeats:
  // with the default `expires` after 45 s.
  const messages = await consumer.consume({ max_messages: 20, expires: 2_000 });
  const reading = (async () => {
    for await (const message of messages) {
      seen.push(message.seq);
      if (acknowledge) message.ack();
    }
  })();
  await publish();
  await until("what came before the outage", () => seen.length === 50);
  // The acknowledgements have been read, so that nothing is delivered again for want of one.
  await line.nc.flush();
  await through(outage, modules, publish);
  await publish();
  await until("all of it", () => new Set(seen).size === 150, 40_000);
  await line.nc.flush();
  await messages.close();
  await reading;
  return seen;
}

async function addStream({ second }: ModuleLine): Promise<void> {
  const manager = await jetstreamManager(second);
  await manager.streams.add({ name: "EVENTS", subjects: ["events"] });
}
