/** A cluster of three whose connected server is killed, or becomes a lame duck. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterGround } from "./delivery-cluster.ts";
import { levels } from "./delivery-outages.ts";
import { light } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const ground = new ClusterGround();

for (const delivery of levels) {
  test(`${delivery}: the connected server of a cluster is killed, and the client goes on with another one`, limit, async (t) => {
    await ground.heal();
    const run = await Run.start(t, ground, { mix: light, others: ground.others, client: { delivery } });
    const publishing = run.publishFor(1_000, 10_000);
    await pause(400);
    const first = run.nc.getServer();
    await ground.server.kill();
    await publishing;
    assert.notEqual(run.nc.getServer(), first);
    const { inDoubt, links } = await run.finish(t, { serverForgets: true, severalServers: true });
    assert.equal(links, 2);
    if (delivery === "at-least-once") assert.equal(inDoubt, 0);
  });
}

for (const delivery of levels) {
  test(`${delivery}: a lame duck is left at 10 000 messages a second, with nothing in doubt or sent again`, limit, async (t) => {
    await ground.heal();
    // Of the 5 s in which a client moves at a random time.
    const random = (): number => 0.08;
    const run = await Run.start(t, ground, { mix: light, others: ground.others, client: { delivery }, random });
    const publishing = run.publishFor(1_200, 10_000);
    await pause(300);
    await ground.server.lameDuck();
    await publishing;
    const { stored, inDoubt, resent, missing, links } = await run.finish(t, { severalServers: true });
    assert.deepEqual({ inDoubt, resent, missing, links }, { inDoubt: 0, resent: 0, missing: 0, links: 2 });
    assert.equal(stored, run.accepted);
    await ground.server.kill();
  });
}
