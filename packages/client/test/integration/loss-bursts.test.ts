/** Bursts of 50 000 messages in one turn of the event loop, before, in and behind an outage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxiedConnection } from "../../src/testing/index.ts";
import { Bed } from "./loss-bed.ts";
import { light } from "./loss-messages.ts";
import { faults, limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed();
const burst = 50_000;

for (const fault of faults) {
  test(
    `${fault}: a burst that is cut in its middle, and a smaller one while the link is down, lose nothing`,
    limit,
    async (t) => {
      const run = await Run.start(t, bed, { mix: light });
      const [first] = run.proxy.connections;
      assert.ok(first !== undefined);
      first.toServer.cutAfter(2_345_678, fault === "fin" ? "fin" : "rst");
      run.burst(burst);
      await first.ended;
      run.breakLink(fault);
      await pause(100);
      run.burst(10_000);
      await run.mendLink();
      await run.finish(t);
      assert.equal(first.toServer.forwarded, 2_345_678);
    },
  );
}

for (const kind of ["rst", "fin"] as const) {
  test(`${kind}: the backlog of a burst survives four connections that die after 200 kB each`, limit, async (t) => {
    const ended: Promise<void>[] = [];
    const cut: number[] = [];
    const onConnection = (connection: ProxiedConnection): void => {
      if (connection.id === 1 || connection.id > 5) return;
      connection.toServer.cutAfter(200_000, kind);
      const end = connection.ended.then(() => {
        cut.push(connection.toServer.forwarded);
        // Into the gap between two connections, or at no particular moment of the next one.
        run.burst(500);
      });
      ended.push(end);
    };
    const run = await Run.start(t, bed, { mix: light, proxy: { onConnection } });
    run.breakLink(kind);
    await pause(50);
    run.burst(burst);
    await run.mendLink();
    while (ended.length < 4) await run.proxy.nextConnection();
    await Promise.all(ended);
    assert.deepEqual(cut, [200_000, 200_000, 200_000, 200_000]);
    await run.finish(t);
  });
}

test("bursts that meet a cut in the very turn of the publish lose nothing", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light });
  for (let round = 0; round < 6; round++) {
    run.burst(3_000);
    run.cut(round % 2 === 0 ? "rst" : "fin");
    run.burst(3_000);
    await run.nc.flush().catch(() => {});
  }
  run.burst(burst);
  await run.finish(t);
});
