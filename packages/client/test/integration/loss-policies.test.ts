/** Limits, ages, and ends of the client while the link is cut: what is handed back as never sent must never have been sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReconnectBufferOptions, UndeliveredState } from "../../src/index.ts";
import { Bed } from "./loss-bed.ts";
import { light, type Mix } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed();
/** None is too long for the limits below. */
const short: Mix = { size: (number) => Math.min(light.size(number), 20_000) };

const policies: readonly [what: string, buffer: ReconnectBufferOptions, states: readonly UndeliveredState[]][] = [
  ["error", { maxBytes: 100_000 }, []],
  ["drop-oldest", { maxBytes: 100_000, whenFull: "drop-oldest" }, ["dropped"]],
  ["drop-newest", { maxMessages: 300, whenFull: "drop-newest" }, ["dropped"]],
  ["maxAge", { maxBytes: 50_000_000, maxAge: 60 }, ["expired"]],
];

for (const [what, reconnectBuffer, states] of policies) {
  test(`${what}: through short and long outages no message ends as never sent that was sent`, limit, async (t) => {
    const run = await Run.start(t, bed, { mix: short, client: { reconnectBuffer } });
    const publishing = run.publishFor(1_200, 10_000);
    for (const outage of [10, 200, 0, 30, 100]) {
      await pause(100);
      run.burst(2_000);
      run.breakLink(outage === 30 ? "fin" : "rst");
      await pause(outage);
      await run.mendLink();
    }
    await publishing;
    const { refused, otherwiseHandedBack } = await run.finish(t, { states });
    assert.ok(states.length === 0 ? refused > 0 : otherwiseHandedBack > 0, "the limit was never reached");
  });
}

test("close() while the link is down hands back as abandoned what was never sent, and only that", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light });
  run.burst(5_000);
  run.breakLink("refuse");
  await pause(50);
  run.burst(10_000);
  await run.nc.close();
  const { otherwiseHandedBack } = await run.judge(t, { states: ["abandoned"] });
  assert.ok(otherwiseHandedBack >= 10_000);
});

test("close() right behind a burst of 50 000 sends all of it", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light, client: { closeTimeout: 30_000 } });
  run.burst(50_000);
  await run.nc.close();
  const { stored, inDoubt } = await run.judge(t);
  assert.deepEqual({ stored, inDoubt }, { stored: 50_000, inDoubt: 0 });
});

test(
  "close() whose last connection is cut in the middle hands back the rest as abandoned, what was under way as in doubt",
  limit,
  async (t) => {
    const run = await Run.start(t, bed, { mix: light });
    const [connection] = run.proxy.connections;
    connection?.toServer.cutAfter(3_000_000);
    run.proxy.onAccept = "reset";
    run.burst(50_000);
    run.proxy.refuse();
    await run.nc.close();
    const { inDoubt, otherwiseHandedBack } = await run.judge(t, { states: ["abandoned"] });
    assert.ok(otherwiseHandedBack > 10_000, `${inDoubt} in doubt, ${otherwiseHandedBack} abandoned`);
  },
);

test("a client that gives up hands back everything before closed() resolves", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light, client: { reconnect: false } });
  const [connection] = run.proxy.connections;
  connection?.toServer.cutAfter(1_000_000, "fin");
  run.burst(20_000);
  await run.nc.closed();
  const { inDoubt, otherwiseHandedBack } = await run.judge(t, { states: ["abandoned"] });
  assert.ok(otherwiseHandedBack > 10_000, `${inDoubt} in doubt, ${otherwiseHandedBack} abandoned`);
});
