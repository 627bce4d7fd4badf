/** Bursts of 50 000 messages in one turn of the event loop, before, in and behind an outage. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
    const run = await Run.start(t, bed, { mix: light });
    run.breakLink(kind);
    await pause(50);
    run.burst(burst);
    const cut: number[] = [];
    run.proxy.cutEach({ toServer: 200_000, kind });
    await run.mendLink();
    for (let count = 0; count < 4; count++) {
      const connection = await run.proxy.nextConnection();
      if (count === 3) run.proxy.cutEach(null);
      await connection.ended;
      cut.push(connection.toServer.forwarded);
      // Into the gap between two connections, and at no particular moment of the next one.
      run.burst(500);
    }
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
