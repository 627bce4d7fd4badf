/** The exported figures against what the test itself counted, and what the oracle found in the stream and at the proxy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { observeConnection } from "../../src/otel/index.ts";
import { statusOf } from "../client/harness.ts";
import { Bed } from "../integration/loss-bed.ts";
import { light, small } from "../integration/loss-messages.ts";
import { limit, pause, Run } from "../integration/loss-rig.ts";
import { type Collection, Collector } from "./collector.ts";

const bed = new Bed();
const ENDED = ["confirmed", "rejected", "dropped", "expired", "undeliverable", "abandoned"] as const;

/** Every message accepted has ended in one way or is held, in each collection. */
function assertAddsUp(collection: Collection): void {
  const ended = collection.values(ENDED.map((state) => `buffer.${state}.messages`));
  const sum = Object.values(ended).reduce((total, count) => total + count, 0);
  const { "buffer.accepted.messages": accepted, ...open } = collection.values([
    "buffer.accepted.messages",
    "in_doubt.messages",
    "buffer.messages",
  ]);
  assert.equal(accepted, sum + open["in_doubt.messages"] + open["buffer.messages"]);
}

test("through an outage and a cut the exported figures are the test's own and the oracle's", limit, async (t) => {
  const client = { reconnectBuffer: { maxMessages: 2_000 } };
  const run = await Run.start(t, bed, { mix: light, client });
  const collector = new Collector();
  observeConnection(run.nc, { meter: collector.meter });

  run.burst(1_000);
  await run.nc.flush();
  const connected = await collector.collect();
  assertAddsUp(connected);
  assert.deepEqual(
    connected.values(["buffer.accepted.messages", "buffer.confirmed.messages", "buffer.messages", "connection.usable"]),
    {
      "buffer.accepted.messages": 1_000,
      "buffer.confirmed.messages": 1_000,
      "buffer.messages": 0,
      "connection.usable": 1,
    },
  );
  // On a healthy connection nothing is limited here.
  assert.equal(connected.value("nats.client.buffer.limit.messages"), 0);

  const down = statusOf(run.nc, "disconnect");
  run.breakLink("refuse");
  await down;
  run.burst(3_000);
  // Events are counted at the end of the turn.
  await pause(0);
  const outage = await collector.collect();
  assertAddsUp(outage);
  assert.equal(run.accepted, 3_000);
  assert.deepEqual(
    outage.values([
      "buffer.accepted.messages",
      "buffer.refused.messages",
      "buffer.messages",
      "in_flight.messages",
      "buffer.limit.messages",
      "buffer.full.episodes",
      "connection.usable",
      "connection.disconnects",
      "connection.reconnects",
    ]),
    {
      "buffer.accepted.messages": run.accepted,
      "buffer.refused.messages": run.refused,
      // All that was published, but what was confirmed before.
      "buffer.messages": run.accepted - 1_000,
      "in_flight.messages": 0,
      "buffer.limit.messages": 2_000,
      "buffer.full.episodes": 1,
      "connection.usable": 0,
      "connection.disconnects": 1,
      "connection.reconnects": 0,
    },
  );

  await run.mendLink();
  await run.nc.flush();
  const mended = await collector.collect();
  assertAddsUp(mended);
  assert.equal(mended.value("nats.client.buffer.confirmed.messages"), run.accepted);
  assert.deepEqual(mended.values(["connection.reconnects", "connection.usable", "buffer.limit.messages"]), {
    "connection.reconnects": 1,
    "connection.usable": 1,
    "buffer.limit.messages": 0,
  });

  // A link that holds, and is cut with a window full of messages on it.
  run.proxy.toServer.hold();
  run.burst(1_500);
  await pause(100);
  const held = await collector.collect();
  assertAddsUp(held);
  run.cut();
  run.proxy.toServer.forward();
  const { stored, storedInDoubt, inDoubt } = await run.finish(t);
  const closed = await collector.collect();
  assertAddsUp(closed);
  // What was in flight then is what the cut put in doubt: nothing could be handed over or confirmed in between.
  assert.equal(held.value("nats.client.in_flight.messages"), inDoubt);
  assert.ok(inDoubt > 0);
  assert.deepEqual(
    closed.values([
      "buffer.accepted.messages",
      "buffer.refused.messages",
      "buffer.confirmed.messages",
      "in_doubt.messages",
      "resent.messages",
      "buffer.messages",
      "buffer.bytes",
      "buffer.oldest_age",
      "connection.usable",
      "connection.reconnects",
    ]),
    {
      "buffer.accepted.messages": run.accepted,
      "buffer.refused.messages": run.refused,
      // What the stream has, but what it has although nobody could know.
      "buffer.confirmed.messages": stored - storedInDoubt,
      "in_doubt.messages": run.handedBack.length,
      "resent.messages": 0,
      "buffer.messages": 0,
      "buffer.bytes": 0,
      "buffer.oldest_age": 0,
      "connection.usable": 0,
      "connection.reconnects": run.links.length - 1,
    },
  );
});

test("what is dropped and what is abandoned is exported as often as it was handed back", limit, async (t) => {
  const client = { reconnectBuffer: { maxMessages: 500, whenFull: "drop-oldest" as const, maxAge: 60_000 } };
  const run = await Run.start(t, bed, { mix: small, client });
  const collector = new Collector();
  observeConnection(run.nc, { meter: collector.meter });
  const down = statusOf(run.nc, "disconnect");
  run.breakLink("refuse");
  await down;
  run.burst(800);
  run.nc.outbound.purge();
  run.burst(100);
  await run.nc.close();
  const figures = await run.judge(t, { states: ["dropped", "abandoned"] });
  const handedBack = (state: string): number => run.handedBack.filter((message) => message.state === state).length;
  const collection = await collector.collect();
  assertAddsUp(collection);
  assert.equal(figures.stored, 0);
  assert.deepEqual(collection.values(["buffer.dropped.messages", "buffer.abandoned.messages", "buffer.refused.messages"]), {
    "buffer.dropped.messages": handedBack("dropped"),
    "buffer.abandoned.messages": handedBack("abandoned"),
    "buffer.refused.messages": 0,
  });
  assert.deepEqual([handedBack("dropped"), handedBack("abandoned")], [300, 600]);
});

test("a black hole is exported as a stall, and what is sent again as resent", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: small, client: { delivery: "at-least-once", stallTimeout: 500 } });
  const collector = new Collector();
  observeConnection(run.nc, { meter: collector.meter });
  run.burst(100);
  await run.nc.flush();
  const down = statusOf(run.nc, "disconnect");
  run.proxy.toServer.swallow();
  run.burst(50);
  await down;
  run.proxy.toServer.forward();
  const { stored, resent, links } = await run.finish(t);
  const collection = await collector.collect();
  assertAddsUp(collection);
  assert.equal(stored, 150);
  assert.deepEqual(
    collection.values(["connection.stalls", "connection.reconnects", "resent.messages", "buffer.confirmed.messages"]),
    {
      "connection.stalls": links - 1,
      "connection.reconnects": links - 1,
      "resent.messages": resent,
      "buffer.confirmed.messages": 150,
    },
  );
  assert.ok(resent >= 50 && links >= 2);
});

test("at any instant, while messages flow and links are cut, what is exported adds up", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light });
  const collector = new Collector();
  observeConnection(run.nc, { meter: collector.meter });
  const publishing = run.publishFor(800);
  for (let i = 0; i < 40; i++) {
    await pause(20);
    const [before, collection, after] = [run.accepted, await collector.collect(), run.accepted];
    const accepted = collection.value("nats.client.buffer.accepted.messages");
    assert.ok(before <= accepted && accepted <= after, `${accepted} is not between ${before} and ${after}`);
    assertAddsUp(collection);
    if (i === 10 || i === 25) run.cut(i === 10 ? "rst" : "fin");
  }
  await publishing;
  await run.finish(t);
});
