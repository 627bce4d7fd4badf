/**
 * The server itself dies. What core NATS can promise then, and no more: each message is stored, or in doubt, or a server had confirmed it
 * before it died. A PONG is a read receipt: what a killed server had read and not yet stored is gone, without a word to anybody. Nothing is
 * stored twice, the order holds, and everything accepted after the client noticed is stored.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageType } from "@nats-io/jetstream";
import { Bed } from "./loss-bed.ts";
import { light } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed();

test(
  "kill -9 at 5 000 messages a second: each is stored, in doubt, or was confirmed by the server that died",
  limit,
  async (t) => {
    const run = await Run.start(t, bed, { storage: StorageType.File });
    const publishing = run.publishFor(2_000);
    await pause(500);
    await bed.server.kill();
    await pause(300);
    await bed.server.restart();
    await publishing;
    const { stored } = await run.finish(t, { serverForgets: true });
    assert.ok(stored > 5_000, `${stored} stored`);
  },
);

test("kill -9 in a burst of 50 000 loses only what the server had confirmed, and the rest arrives", limit, async (t) => {
  const run = await Run.start(t, bed, { storage: StorageType.File, mix: light });
  run.burst(50_000);
  while (run.nc.outbound.counts().confirmed < 10_000) await pause(1);
  const killed = bed.server.kill();
  run.burst(1_000);
  await killed;
  run.burst(1_000);
  await bed.server.restart();
  const { stored } = await run.finish(t, { serverForgets: true });
  assert.ok(stored > 2_000, `${stored} stored`);
});

test("a server that is frozen for a while and goes on has lost nothing, and nothing is in doubt", limit, async (t) => {
  const run = await Run.start(t, bed, { storage: StorageType.File });
  const publishing = run.publishFor(1_200);
  await pause(300);
  await bed.server.freeze();
  await pause(500);
  bed.server.thaw();
  await publishing;
  const { inDoubt, links } = await run.finish(t);
  assert.deepEqual({ inDoubt, links }, { inDoubt: 0, links: 1 });
});
