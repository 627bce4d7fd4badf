/** Cuts of the link while messages go through it at a steady rate: `loss-rig.ts` makes the runs, `oracle.ts` says what must hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CutKind, type ProxiedConnection, seededRandom } from "../../src/testing/index.ts";
import { Bed } from "./loss-bed.ts";
import { faults, limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed();

for (const fault of faults) {
  test(`${fault}: of 5 000 messages a second through an outage each is stored once, or in doubt`, limit, async (t) => {
    const run = await Run.start(t, bed);
    const publishing = run.publishFor(1_200);
    await pause(400);
    run.breakLink(fault);
    await pause(400);
    await run.mendLink();
    await publishing;
    await run.finish(t);
  });
}

for (const kind of ["rst", "fin"] as const) {
  test(`${kind}: a backlog whose first new connection is cut after 200 kB arrives all the same`, limit, async (t) => {
    const run = await Run.start(t, bed);
    const publishing = run.publishFor(1_000);
    await pause(200);
    run.breakLink(kind);
    await pause(400);
    run.proxy.cutNext({ toServer: 200_000, kind });
    const backlog = run.nc.outbound.held.bytes;
    const second = run.proxy.nextConnection();
    await run.mendLink();
    await (await second).ended;
    assert.ok(backlog > 400_000, `${backlog} bytes were held`);
    assert.equal((await second).toServer.forwarded, 200_000);
    await publishing;
    await run.finish(t);
  });
}

test("twelve cuts in a row, with hardly a message between some of them, lose nothing", limit, async (t) => {
  const run = await Run.start(t, bed);
  const publishing = run.publishFor(1_500);
  const kinds: readonly CutKind[] = ["rst", "fin", "rst-both"];
  for (let cut = 0; cut < 12; cut++) {
    await pause(cut % 4 === 0 ? 250 : 30);
    run.cut(kinds[cut % kinds.length]);
  }
  await publishing;
  await run.finish(t, { serverReset: true });
});

for (const seed of [1, 2]) {
  test(`thirty connections that each die at some byte, either way, lose nothing (seed ${seed})`, limit, async (t) => {
    const random = seededRandom(seed);
    const cut = (connection: ProxiedConnection): void => {
      if (connection.id === 1 || connection.id > 30) return;
      const kind = random() < 0.5 ? "rst" : "fin";
      // To the server: in CONNECT, in the first message, or far in the backlog. To the client: in INFO or one of the first PONGs.
      if (random() < 0.7) connection.toServer.cutAfter(Math.floor(random() ** 3 * 400_000), kind);
      else connection.toClient.cutAfter(300 + Math.floor(random() ** 2 * 700), kind);
    };
    const run = await Run.start(t, bed, { proxy: { onConnection: cut } });
    run.burst(100);
    run.cut();
    while (run.proxy.accepted <= 30) await run.publishFor(50);
    await run.finish(t);
  });
}
