import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutboundEvents } from "../../src/client/outbound-events.ts";
import { ReconnectBufferFullError } from "../../src/index.ts";
import type { OutboundEvent } from "../../src/outbound/events.ts";
import { freePort, startFakeServer } from "../../src/testing/index.ts";
import { collect, connected } from "./harness.ts";

/** Reads on until an event of this type has come; gives all that it read. */
async function until(events: OutboundEvents, type: OutboundEvent["type"]): Promise<OutboundEvent[]> {
  const read: OutboundEvent[] = [];
  const iterator = events[Symbol.asyncIterator]();
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    read.push(next.value);
    if (next.value.type === type) return read;
  }
  throw new Error(`the events ended before ${type}`);
}

function types(events: readonly OutboundEvent[]): string[] {
  return events.map((event) => event.type);
}

test("the story of an outage: high, full with how many were refused, and when the server is there the backlog and low", async (t) => {
  const port = await freePort();
  const servers = `127.0.0.1:${port}`;
  const nc = await connected(t, { servers, retryOnFailedConnect: true, reconnectBuffer: { maxMessages: 100 } });
  const events = nc.outbound.events();
  let refused = 0;
  for (let n = 0; n < 150; n++) {
    try {
      nc.publish("a", String(n));
    } catch (error) {
      assert.ok(error instanceof ReconnectBufferFullError);
      refused++;
    }
  }
  assert.equal(refused, 50);
  const server = await startFakeServer({ port });
  t.after(() => server.stop());
  await nc.flush();
  await nc.close();
  const read = await collect(events);
  assert.deepEqual(types(read).slice(0, 2), ["high", "full"]);
  assert.deepEqual(types(read).slice(2).sort(), ["backlogEnd", "backlogStart", "low"]);
  for (const event of read) {
    if (event.type === "high") assert.deepEqual([event.held.messages, event.limit.messages], [71, 100]);
    if (event.type === "full") assert.deepEqual([event.held.messages, event.limit.messages, event.refused], [100, 100, 1]);
    if (event.type === "low") assert.deepEqual([event.held.messages < 50, event.refused], [true, 50]);
    if (event.type === "backlogStart") assert.deepEqual([event.messages, event.bytes > 100], [100, true]);
    if (event.type === "backlogEnd") assert.deepEqual([event.messages, event.ms >= 0], [100, true]);
  }
});

for (const whenFull of ["drop-oldest", "drop-newest"] as const) {
  test(`${whenFull}: what is dropped is full, once, and nothing is refused`, async (t) => {
    const nc = await connected(t, {
      servers: `127.0.0.1:${await freePort()}`,
      retryOnFailedConnect: true,
      reconnectBuffer: { maxMessages: 10, whenFull },
    });
    const events = nc.outbound.events();
    for (let n = 0; n < 20; n++) nc.publish("a", String(n));
    assert.deepEqual([nc.outbound.counts().dropped, nc.outbound.held.messages], [10, 10]);
    nc.outbound.purge();
    await nc.close();
    const read = await collect(events);
    assert.deepEqual(types(read), ["high", "full", "low"]);
    assert.ok(read.every((event) => !("refused" in event) || event.refused === 0));
  });
}

test("events() begins at its call and ends at close; each reader has its own", async (t) => {
  const nc = await connected(t, {
    servers: `127.0.0.1:${await freePort()}`,
    retryOnFailedConnect: true,
    reconnectBuffer: { maxMessages: 10 },
  });
  const early = nc.outbound.events();
  for (let n = 0; n < 8; n++) nc.publish("a", String(n));
  const late = nc.outbound.events();
  assert.deepEqual(types(await until(early, "high")), ["high"]);
  nc.outbound.purge();
  await nc.close();
  assert.deepEqual(types(await collect(late)), ["low"]);
  assert.deepEqual(await collect(nc.outbound.events()), []);
});

test("a reader that falls behind keeps the newest 1024, and missed counts the others", async (t) => {
  const nc = await connected(t, {
    servers: `127.0.0.1:${await freePort()}`,
    retryOnFailedConnect: true,
    reconnectBuffer: { maxMessages: 1 },
  });
  const events = nc.outbound.events();
  for (let n = 0; n < 1000; n++) {
    nc.publish("a", String(n));
    nc.outbound.purge();
  }
  await nc.close();
  const read = await collect(events);
  assert.equal(read.length, 1024);
  assert.equal(events.missed, 2000 - 1024);
  assert.deepEqual(types(read).slice(0, 2), ["high", "low"]);
});
