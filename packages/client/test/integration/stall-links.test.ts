/** Dead links found by the stall rule on real sockets, and by the heartbeat where it is off. They wait, so they run side by side. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Delivery } from "../../src/index.ts";
import { type FakeConnection, startFakeServer, startFaultProxy } from "../../src/testing/index.ts";
import { authority, certificate } from "../transport/certificates.ts";
import {
  afterwards,
  assertIdentity,
  type Line,
  limit,
  observe,
  open,
  openLine,
  openOfficial,
  recordStatuses,
  until,
} from "./peers-harness.ts";
import { blockedProgram, reconnected, stallOf } from "./stall-rig.ts";

const STALL_TIMEOUT = 500;
/** The clock is looked at every so often. */
const TICK = 500;
/** Timers of a machine that has much else to do, ms. */
const SLACK = 5_000;
/** Payload bytes of a frame that the kernel takes whole, and the window of an idle link does not. */
const LARGE = 1_000_000;
const levels = ["at-most-once", "at-least-once"] as const;

/** All that was published is settled, and each message is confirmed or, at most once, in doubt. */
async function settled(line: Line, delivery: Delivery, published: number): Promise<void> {
  await line.nc.flush();
  const { accepted, confirmed, inDoubt } = line.nc.outbound.counts();
  assertIdentity(line.nc);
  assert.deepEqual({ accepted, ended: confirmed + inDoubt }, { accepted: published, ended: published });
  if (delivery === "at-least-once") assert.equal(inDoubt, 0);
  else assert.ok(inDoubt > 0);
}

/** The link to the server swallows; what the server sends goes on at this rate. Returns how long it took to find, ms. */
async function deadUplink(t: TestContext, delivery: Delivery, bytesPerSecond: number): Promise<number> {
  const line = await openLine(t, { client: { stallTimeout: STALL_TIMEOUT, delivery } });
  const { nc, proxy } = line;
  let heard = 0;
  nc.subscribe("down", { callback: () => void heard++ });
  const other = await openOfficial(t, line.server.url);
  await nc.flush();
  const busy = setInterval(() => other.publish("down", "x".repeat(bytesPerSecond === Infinity ? 1_000 : 20)), 5);
  t.after(() => clearInterval(busy));
  await until("the downlink is busy", () => heard > 10);
  proxy.toServer.swallow();
  proxy.toClient.throttle(bytesPerSecond);
  const stall = stallOf(nc);
  const back = reconnected(nc);
  const before = heard;
  const start = performance.now();
  for (let sent = 0; sent < 100; sent++) nc.publish("up", "x");
  const found = (await stall) - start;
  assert.ok(heard > before, "nothing came in any more");
  clearInterval(busy);
  proxy.toServer.forward();
  proxy.toClient.throttle(Infinity);
  await back;
  await settled(line, delivery, 100);
  t.diagnostic(`found after ${Math.round(found)} ms`);
  return found;
}

describe("stall", { concurrency: true }, () => {
  for (const delivery of levels) {
    for (const [name, rate] of [
      ["a downlink that is busy", Infinity],
      ["a trickle of 100 B/s", 100],
    ] as const) {
      test(`${delivery}: a dead uplink behind ${name} is found within 6 x stallTimeout + 2 s`, limit, async (t) => {
        const found = await deadUplink(t, delivery, rate);
        assert.ok(found <= 6 * STALL_TIMEOUT + 2_000 + SLACK, `found after ${found} ms`);
        // What came in counted as life for as long as it may: from the last PONG, which may be a tick old.
        assert.ok(found >= 5 * STALL_TIMEOUT - 2 * TICK, `found after ${found} ms`);
      });
    }

    for (const mode of ["swallow", "hold"] as const) {
      test(`${delivery}: a link that goes to ${mode} both ways is found within stallTimeout and two ticks`, limit, async (t) => {
        const line = await openLine(t, { client: { stallTimeout: STALL_TIMEOUT, delivery } });
        const { nc, proxy } = line;
        const seen = await observe(t, line.server, "up");
        await nc.flush();
        for (const flow of [proxy.toServer, proxy.toClient]) flow[mode]();
        const stall = stallOf(nc);
        const back = reconnected(nc);
        const start = performance.now();
        for (let sent = 0; sent < 1_000; sent++) nc.publish("up", "x".repeat(1_000));
        const found = (await stall) - start;
        // The first fence is a quarter of 64 KiB away.
        assert.ok(found <= STALL_TIMEOUT + (16 * 1024) / 125 + 2 * TICK + SLACK, `found after ${found} ms`);
        assert.ok(found >= STALL_TIMEOUT, `found after ${found} ms`);
        for (const flow of [proxy.toServer, proxy.toClient]) flow.forward();
        await back;
        await settled(line, delivery, 1_000);
        await seen.settled();
        const { inDoubt } = nc.outbound.counts();
        assert.ok(inDoubt <= 64, `${inDoubt} messages of 1 kB in doubt: more than a window`);
        assert.ok(seen.messages.length >= 1_000 - inDoubt);
        if (mode === "swallow") assert.equal(seen.messages.length, 1_000 - inDoubt);
      });
    }
  }

  test(
    "at-least-once: a link slower than the rule allows comes through in the end, since its limit doubles",
    limit,
    async (t) => {
      const line = await openLine(t, { client: { stallTimeout: 200, delivery: "at-least-once" } });
      const { nc, proxy } = line;
      const seen = await observe(t, line.server, "slow");
      await line.down();
      // One frame takes 1.6 s, the first limit is 264 ms.
      proxy.toServer.throttle(5_000);
      for (let sent = 0; sent < 4; sent++) nc.publish("slow", String(sent).padEnd(8_000));
      await line.up();
      await until("all has ended", () => nc.outbound.held.messages === 0, 50_000);
      await seen.settled();
      assert.equal(nc.outbound.counts().confirmed, 4);
      assert.deepEqual(new Set(seen.texts.map((text) => text.trim())), new Set(["0", "1", "2", "3"]));
      assert.ok(proxy.accepted > 2, "the rule found it dead at first");
      // Each one doubles the limit, and a quarter of what was in flight goes next.
      assert.ok(proxy.accepted <= 2 + 5, `${proxy.accepted} connections`);
      t.diagnostic(`${proxy.accepted} connections`);
    },
  );

  test("an event loop that is blocked for 3 s, six times stallTimeout, does not take its server for dead", limit, async (t) => {
    const result = await blockedProgram(t, { stallTimeout: STALL_TIMEOUT, blockMs: 3_000 });
    assert.deepEqual(result, { reconnects: 0, confirmed: 40 });
  });

  for (const tls of [false, true]) {
    const name = `${tls ? "TLS" : "TCP"}: a frame of 1 MB that nobody reads is found, and what the kernel has of it goes nowhere`;
    test(name, limit, async (t) => {
      const ca = await authority("holdfast stall");
      const { cert, key } = await certificate(ca, ["localhost"], ["127.0.0.1"]);
      const connections: FakeConnection[] = [];
      const server = await startFakeServer({
        ...(tls ? { tls: { cert, key } } : {}),
        script: (connection) => {
          connections.push(connection);
          return connection.serve();
        },
      });
      afterwards(t, () => server.stop());
      const proxy = await startFaultProxy({ upstream: server });
      afterwards(t, () => proxy.stop());
      const nc = await open(t, {
        servers: proxy.url,
        stallTimeout: STALL_TIMEOUT,
        delivery: "at-least-once",
        ...(tls ? { tls: { ca: ca.cert } } : {}),
      });
      await nc.flush();
      proxy.toServer.hold();
      const stall = stallOf(nc);
      const back = reconnected(nc);
      const start = performance.now();
      nc.publish("large", new Uint8Array(LARGE));
      const found = (await stall) - start;
      // As long as its bytes take at 1 Mbit/s, it could be on its way.
      assert.ok(found >= LARGE / 125 && found <= LARGE / 125 + STALL_TIMEOUT + 2 * TICK + SLACK, `found after ${found} ms`);
      proxy.toServer.forward();
      await back;
      await nc.flush();
      assert.equal(nc.outbound.counts().confirmed, 1);
      // The end of the old connection is behind all that still comes on it.
      await connections[0]?.closed;
      const copies = connections.map(({ commands }) => commands.filter(({ verb }) => verb === "PUB").length);
      assert.deepEqual(copies, [0, 1]);
    });
  }

  for (const delivery of levels) {
    test(`${delivery}: with stallTimeout 0 the heartbeat finds a black hole, and nothing else does`, limit, async (t) => {
      const pingInterval = 1_500;
      const line = await openLine(t, { client: { stallTimeout: 0, pingInterval, maxPingOut: 2, delivery } });
      const { nc, proxy } = line;
      const statuses = recordStatuses(nc);
      let stalls = 0;
      void (async () => {
        for await (const { type } of nc.outbound.events()) if (type === "stalled") stalls += 1;
      })();
      await nc.flush();
      for (const flow of [proxy.toServer, proxy.toClient]) flow.swallow();
      const back = reconnected(nc);
      const start = performance.now();
      for (let sent = 0; sent < 100; sent++) nc.publish("up", "x");
      await until("the link is noticed to be slow", () => !nc.outbound.usable);
      assert.equal(proxy.accepted, 1);
      for (; !statuses.some(({ type }) => type === "staleConnection"); await sleep(5));
      const found = performance.now() - start;
      // Two PINGs without an answer, and the third one due; the first may have been on its way already.
      assert.ok(found >= 2 * pingInterval && found <= 3 * pingInterval + SLACK, `found after ${found} ms`);
      for (const flow of [proxy.toServer, proxy.toClient]) flow.forward();
      await back;
      await settled(line, delivery, 100);
      assert.equal(stalls, 0);
    });
  }
});
