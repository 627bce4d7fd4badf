/** Many messages, many publishers, many outages. The cases of other clients that this pins: test/peers.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allHandedBack,
  assertIdentity,
  assertNothingLost,
  limit,
  numbers,
  observe,
  open,
  openLine,
  pause,
  startServer,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

test("a publisher that never pauses does not keep the connection from coming back", limit, async (t) => {
  const server = await startServer(t);
  const handedBack: string[] = [];
  const nc = await open(t, {
    servers: server.url,
    reconnectBuffer: Infinity,
    onUndelivered: (batch) => void handedBack.push(...batch.map((message) => message.state)),
  });
  let published = 0;
  let going = true;
  const publishing = (async () => {
    while (going) {
      for (let burst = 0; burst < 200; burst++) nc.publish("foo", String(++published));
      await pause(0);
    }
  })();
  await until("it has begun", () => published > 2_000);
  const down = statusOf(nc, "disconnect");
  await server.terminate();
  await down;
  const atCut = published;
  await until("it goes on while down", () => published > atCut + 2_000);
  const back = statusOf(nc, "reconnect");
  await server.restart();
  await back;
  const atReconnect = published;
  await until("it goes on afterwards", () => published > atReconnect + 2_000);
  going = false;
  await publishing;
  await nc.flush();

  await allHandedBack(nc, handedBack);
  const { accepted, confirmed, inDoubt } = nc.outbound.counts();
  assert.equal(accepted, published);
  assert.equal(confirmed + inDoubt, published);
  assert.deepEqual(new Set(handedBack), new Set(inDoubt === 0 ? [] : ["inDoubt"]));
});

test("what is published through ten cuts arrives once and in order, except what is said to be in doubt", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  let published = 0;
  for (let cuts = 0; cuts < 10; cuts++) {
    const back = statusOf(line.nc, "reconnect");
    let cut: Promise<void> | undefined;
    for (let burst = 0; burst < 40; burst++) {
      for (let message = 0; message < 50; message++) line.nc.publish("foo", String(++published));
      if (burst === 10 + cuts) cut = line.proxy.cut(cuts % 2 === 0 ? "rst" : "fin");
      await pause(0);
    }
    await cut;
    await back;
  }
  await line.nc.flush().catch(() => {});
  await seen.settled();
  await line.handedBack();

  assert.equal(published, 20_000);
  assertNothingLost(seen.texts, line.undelivered, numbers(1, published));
  assertIdentity(line.nc);
});

test("100 000 messages published while down arrive, once and in order", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: 64 * 1024 * 1024 } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  const padding = "x".repeat(100);
  for (let number = 1; number <= 100_000; number++) line.nc.publish("foo", `${number} ${padding}`);
  await line.up();
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();

  assert.deepEqual(line.undelivered, []);
  assertNothingLost(seen.texts, [], numbers(1, 100_000));
});

test("five publishers at once keep their own order through outages", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "many.*");
  const publish = async (publisher: number): Promise<void> => {
    for (let number = 1; number <= 1_000; number++) {
      line.nc.publish(`many.${publisher}`, `${publisher}-${number}`);
      if (number % 10 === publisher) await pause(publisher);
    }
  };
  const publishing = Promise.all([1, 2, 3, 4, 5].map(publish));
  for (let cuts = 0; cuts < 3; cuts++) {
    await pause(30);
    await line.flap();
  }
  await publishing;
  await line.nc.flush().catch(() => {});
  await seen.settled();
  await line.handedBack();

  for (const publisher of [1, 2, 3, 4, 5]) {
    assertNothingLost(
      seen.messages.filter((message) => message.subject === `many.${publisher}`).map((message) => message.string()),
      line.undelivered.filter((message) => message.subject === `many.${publisher}`),
      numbers(1, 1_000).map((number) => `${publisher}-${number}`),
    );
  }
});

test("thirty outages in a row leave no timer, socket or subscription behind", limit, async (t) => {
  const line = await openLine(t);
  const received: string[] = [];
  line.nc.subscribe("foo", { callback: (_error, msg) => void received.push(msg.string()) });
  await line.flap();
  await line.nc.flush();
  const before = process.getActiveResourcesInfo().length;
  for (const number of numbers(1, 30)) {
    await line.flap();
    line.nc.publish("foo", number);
    await line.nc.flush();
  }
  // Sockets, timers, pipes: all that keeps this process busy.
  await until("everything of the old connections is gone", () => process.getActiveResourcesInfo().length <= before);

  assert.deepEqual(received, numbers(1, 30));
  assert.deepEqual(line.undelivered.map(textOf), []);
  assert.equal(line.proxy.connections.length, 1);
});
