/**
 * The same cuts under TLS. Nobody between the ends can tell what was forwarded whole, and the client cannot tell what the kernel had of its
 * last chunk: all of that is in doubt.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/testing/index.ts";
import { makeTlsFiles } from "./delivery-tls-files.ts";
import { Bed } from "./loss-bed.ts";
import { light } from "./loss-messages.ts";
import { faults, limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed(makeTlsFiles);

for (const fault of faults) {
  test(`TLS, ${fault}: of 5 000 messages a second through an outage each is stored once, or in doubt`, limit, async (t) => {
    const run = await Run.start(t, bed);
    const publishing = run.publishFor(1_000);
    await pause(300);
    assert.equal(run.links[0]?.encrypted, true);
    run.breakLink(fault);
    await pause(300);
    await run.mendLink();
    await publishing;
    await run.finish(t);
  });
}

for (const kind of ["rst", "fin"] as const) {
  test(
    `TLS, ${kind}: a burst of 50 000 while the link is down survives a first connection that dies after 200 kB`,
    limit,
    async (t) => {
      const run = await Run.start(t, bed, { mix: light });
      run.burst(1_000);
      await pause(20);
      run.breakLink(kind);
      await pause(50);
      run.burst(50_000);
      run.proxy.cutNext({ toServer: 200_000, kind });
      const second = run.proxy.nextConnection();
      await run.mendLink();
      await (await second).ended;
      run.burst(1_000);
      await run.finish(t);
      assert.equal((await second).toServer.forwarded, 200_000);
    },
  );
}

test("TLS: twenty connections that each die at some byte, either way, lose nothing", limit, async (t) => {
  const random = seededRandom(3);
  const run = await Run.start(t, bed, {
    proxy: {
      onConnection: ({ id, toServer, toClient }) => {
        if (id === 1 || id > 20) return;
        const kind = random() < 0.5 ? "rst" : "fin";
        if (random() < 0.7) toServer.cutAfter(Math.floor(random() ** 3 * 500_000), kind);
        else toClient.cutAfter(2_000 + Math.floor(random() ** 2 * 1_000), kind);
      },
    },
  });
  run.burst(100);
  run.cut();
  while (run.proxy.accepted <= 20) await run.publishFor(50);
  await run.finish(t);
});
