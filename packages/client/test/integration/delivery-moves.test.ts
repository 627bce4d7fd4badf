/** `nc.reconnect()` under load: a fence, its PONG, and only then the move. Nothing is in doubt, and nothing is sent again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { levels } from "./delivery-outages.ts";
import { makeTlsFiles } from "./delivery-tls-files.ts";
import { Bed } from "./loss-bed.ts";
import { light } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const beds = [
  { what: "", bed: new Bed() },
  { what: "TLS, ", bed: new Bed(makeTlsFiles) },
];
const unharmed = { inDoubt: 0, resent: 0, duplicated: 0 };

for (const { what, bed } of beds) {
  for (const delivery of levels) {
    test(`${what}${delivery}: reconnect() twice in a row at 10 000 messages a second`, limit, async (t) => {
      const run = await Run.start(t, bed, { mix: light, client: { delivery } });
      const publishing = run.publishFor(1_000, 10_000);
      await pause(300);
      await run.nc.reconnect();
      await run.nc.reconnect();
      await pause(200);
      await run.nc.reconnect();
      await publishing;
      const { inDoubt, resent, duplicated, stored, links } = await run.finish(t);
      assert.deepEqual({ inDoubt, resent, duplicated }, unharmed);
      assert.equal(stored, run.accepted);
      assert.ok(links >= 3, `${links} links`);
    });
  }
}

for (const delivery of levels) {
  test(`${delivery}: reconnect() in the middle of a burst of 50 000, and again at its first PONG`, limit, async (t) => {
    const [{ bed }] = [beds[0] ?? assert.fail()];
    const run = await Run.start(t, bed, { mix: light, client: { delivery } });
    run.burst(50_000);
    while (run.nc.outbound.counts().confirmed === 0) await pause(0);
    await run.nc.reconnect();
    run.burst(100);
    await run.nc.reconnect();
    const { inDoubt, resent, duplicated, stored } = await run.finish(t);
    assert.deepEqual({ inDoubt, resent, duplicated }, unharmed);
    assert.equal(stored, 50_100);
  });

  test(`${delivery}: a link that dies while reconnect() waits for the PONG is a cut like any other`, limit, async (t) => {
    const [{ bed }] = [beds[0] ?? assert.fail()];
    const run = await Run.start(t, bed, { mix: light, client: { delivery } });
    run.burst(1_000);
    await run.nc.flush();
    run.proxy.toClient.hold();
    run.burst(2_000);
    await pause(50);
    const moving = run.nc.reconnect();
    run.burst(100);
    await pause(50);
    run.cut();
    run.proxy.toClient.forward();
    await moving;
    const { inDoubt, resent } = await run.finish(t);
    if (delivery === "at-most-once") assert.ok(inDoubt > 0 && resent === 0);
    else assert.ok(inDoubt === 0 && resent > 0);
  });
}
