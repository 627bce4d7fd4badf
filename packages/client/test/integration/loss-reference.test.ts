/** `copy: false`: the caller's own buffers go out, are sent again after cuts, and may be used anew as soon as their message has ended. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { connect } from "../../src/index.ts";
import { startFaultProxy } from "../../src/testing/index.ts";
import { Bed } from "./loss-bed.ts";
import { limit, pause } from "./loss-rig.ts";

const bed = new Bed();
const SIZES = [4_096, 16_384, 65_536, 200_000];

/** Every four bytes of it are the number: who reads a buffer that was used anew too early sees two. */
function fill(buffer: Uint8Array, number: number): void {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  for (let at = 0; at < buffer.length; at += 4) view.setUint32(at, number);
}

/** Its number, if it is the same all through. */
function read(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const number = view.getUint32(0);
  for (let at = 0; at < data.length; at += 4) assert.equal(view.getUint32(at), number, `at byte ${at} of ${data.length}`);
  return number;
}

test("buffers used anew when their message is confirmed arrive whole over eight cuts, and none is missing", limit, async (t) => {
  const stream = await bed.addStream();
  const proxy = await startFaultProxy({ upstream: bed.server });
  const nc = await connect({ servers: proxy.url, delivery: "at-least-once", reconnectTimeWait: 10, reconnectJitter: 0 });
  t.after(async () => {
    await nc.close();
    await proxy.stop();
  });
  let published = 0;
  let ended = false;
  const publishFrom = async (buffer: Uint8Array): Promise<void> => {
    while (!ended) {
      fill(buffer, published++);
      const confirmed = nc.outbound.publishAndConfirm(`${stream}.x`, buffer, { copy: false });
      // Something short between, which shares a piece of memory with others of its kind.
      nc.publish("elsewhere", "short");
      await confirmed;
    }
  };
  const publishing = Promise.all([...SIZES, ...SIZES, ...SIZES].map((size) => publishFrom(new Uint8Array(size))));
  for (let cut = 0; cut < 8; cut++) {
    await pause(100);
    await proxy.cut("rst");
  }
  await pause(100);
  ended = true;
  await publishing;
  await nc.flush();
  const { accepted, confirmed, resent } = nc.outbound.counts();
  assert.equal(accepted, confirmed);
  const stored = new Set<number>();
  await bed.readStream(stream, ({ data }) => stored.add(read(data)));
  assert.equal(stored.size, published);
  t.diagnostic(`${published} messages, ${resent} sent again`);
});

test("what a cut leaves in doubt is handed back as the very buffers that were published", limit, async (t) => {
  const stream = await bed.addStream();
  const proxy = await startFaultProxy({ upstream: bed.server });
  const back: Uint8Array[] = [];
  const nc = await connect({
    servers: proxy.url,
    reconnectTimeWait: 10,
    onUndelivered: (batch) => {
      back.push(...batch.map(({ data }) => data));
    },
  });
  t.after(async () => {
    await nc.close();
    await proxy.stop();
  });
  proxy.toServer.swallow();
  const buffers: Uint8Array[] = Array.from({ length: 40 }, () => new Uint8Array(16_384));
  buffers.forEach((buffer, number) => {
    fill(buffer, number);
    nc.publish(`${stream}.x`, buffer, { copy: false });
  });
  while (nc.outbound.counts().inFlight === 0) await turn();
  assert.ok(nc.outbound.counts().buffered > 0, "they are ten windows");
  proxy.toServer.forward();
  await proxy.cut("rst");
  await nc.flush().catch(() => {});
  await nc.flush();
  const { inDoubt, confirmed } = nc.outbound.counts();
  assert.equal(inDoubt + confirmed, buffers.length);
  assert.deepEqual(
    back.map((data) => buffers.indexOf(data)),
    Array.from({ length: inDoubt }, (_, number) => number),
  );
  const stored: number[] = [];
  await bed.readStream(stream, ({ data }) => stored.push(read(data)));
  assert.deepEqual(
    stored,
    Array.from({ length: confirmed }, (_, i) => inDoubt + i),
  );
});
