/**
 * A link that flaps every 50 to 500 ms under 5 000 messages a second, at both levels. Every second the counts must add up; memory and handles
 * must not grow; and at the end each message is where the client said. Prints its figures. SOAK: minutes in all, half of them at each level
 * (default 10).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Delivery, type HoldfastConnection, type UndeliveredState } from "../../src/index.ts";
import { type CutKind, type FaultProxy, seededRandom, startFaultProxy, startNatsServer } from "../../src/testing/index.ts";
import { Follower } from "./delivery-follower.ts";
import { Steadiness } from "./delivery-steadiness.ts";
import { assertIdentity } from "./peers-harness.ts";

const MINUTES = Number(process.env.SOAK ?? 10);
const PER_SECOND = 5_000;
const kinds: readonly CutKind[] = ["rst", "fin", "rst-both"];

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(`${delivery}: flapping for ${MINUTES / 2} minutes`, { timeout: (MINUTES + 5) * 60_000 }, async (t) => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    t.diagnostic(`seed ${seed}`);
    const server = await startNatsServer({ config: { max_pending: 1024 * 1024 * 1024 } });
    const proxy = await startFaultProxy({ upstream: server });
    const follower = await Follower.start(server.url, "soak");
    const nc = await open(proxy, delivery, (number, state) => follower.ended(number, state));
    t.after(async () => {
      await nc.close();
      await follower.stop();
      await proxy.stop();
      await server.stop();
    });
    const end = performance.now() + (MINUTES / 2) * 60_000;
    const steadiness = new Steadiness();
    const published = publishUntil(end, nc);
    const flapped = flapUntil(end, proxy, seededRandom(seed));
    while (performance.now() < end) {
      await sleep(Math.min(1_000, end - performance.now()));
      assertIdentity(nc);
      assert.deepEqual(follower.problems, []);
      steadiness.sample(nc.outbound.held.messages);
    }
    const [accepted, flaps] = await Promise.all([published, flapped]);
    // The last cut may still have to be noticed: at-most-once then has something in doubt.
    await nc.flush().catch(() => {});
    await nc.flush();
    const settled = steadiness.settle();
    const { resent, inDoubt, confirmed, rejected } = nc.outbound.counts();
    await follower.finish(accepted, inDoubt, delivery === "at-least-once" ? resent : 0);
    t.diagnostic(`${accepted} accepted, ${confirmed} confirmed, ${inDoubt} in doubt, ${resent} sent again`);
    t.diagnostic(
      `${follower.arrived} arrived, ${follower.duplicated} of them twice, ${flaps} flaps, ${proxy.accepted} connections`,
    );
    t.diagnostic(await settled);
    assert.equal(rejected, 0);
    assert.equal(nc.outbound.counts().accepted, accepted);
    if (delivery === "at-least-once") assert.equal(inDoubt, 0);
    assert.deepEqual(follower.problems, []);
    assert.deepEqual(steadiness.problems(), []);
  });
}

function open(
  proxy: FaultProxy,
  delivery: Delivery,
  ended: (number: number, state: UndeliveredState) => void,
): Promise<HoldfastConnection> {
  return connect({
    servers: proxy.url,
    delivery,
    reconnectTimeWait: 10,
    reconnectJitter: 10,
    stallTimeout: 500,
    timeout: 500,
    reconnectBuffer: 64 * 1024 * 1024,
    onUndelivered: (batch) => {
      for (const { data, state } of batch) ended(Number(new TextDecoder().decode(data.subarray(0, 10))), state);
    },
  });
}

/** Numbered messages of 10 to 500 bytes, at the rate; a turn that comes late makes up for it. */
async function publishUntil(end: number, nc: HoldfastConnection): Promise<number> {
  const start = performance.now();
  let number = 0;
  while (performance.now() < end) {
    for (const due = ((performance.now() - start) * PER_SECOND) / 1_000; number < due; number++)
      nc.publish(
        "soak.numbers",
        String(number)
          .padStart(10, "0")
          .padEnd(10 + (number % 490)),
      );
    await sleep(2);
  }
  return number;
}

/** Every 50 to 500 ms the link goes: cut, refused for a while, swallowed and then cut, or a new connection dies at some byte. */
async function flapUntil(end: number, proxy: FaultProxy, random: () => number): Promise<number> {
  let flaps = 0;
  for (; performance.now() < end; flaps++) {
    await sleep(50 + random() * 450);
    const kind = kinds[Math.floor(random() * kinds.length)] ?? "rst";
    const choice = random();
    if (choice < 0.2) {
      const directions = random() < 0.5 ? [proxy.toServer, proxy.toClient] : [proxy.toClient];
      for (const direction of directions) direction.swallow();
      await sleep(50 + random() * 450);
      await cut(proxy, kind);
      for (const direction of directions) direction.forward();
    } else if (choice < 0.5) {
      proxy.refuse();
      await cut(proxy, kind);
      await sleep(50 + random() * 450);
      await proxy.accept();
    } else {
      if (choice < 0.8) proxy.cutNext({ toServer: Math.floor(random() ** 2 * 300_000), kind });
      await cut(proxy, kind);
    }
  }
  proxy.cutNext(null);
  return flaps;
}

/** Not `await proxy.cut()` alone: that waits for the server's side too. */
async function cut(proxy: FaultProxy, kind: CutKind): Promise<void> {
  proxy.cut(kind).catch(() => {});
  await sleep(0);
}
