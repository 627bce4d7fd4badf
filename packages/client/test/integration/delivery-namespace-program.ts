/**
 * Run by `delivery-namespace.test.ts` in a network namespace of its own, whose one interface it may take down: then packets vanish, and no
 * socket is told. Server, observer and client are all in it.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { levels } from "./delivery-outages.ts";
import { Bed } from "./loss-bed.ts";
import { small } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed();

function link(state: "up" | "down"): void {
  execFileSync("ip", ["link", "set", "lo", state]);
}

test("a true black hole of 2 s at 10 000 messages a second, at both levels", limit, async (t) => {
  const runs = await Promise.all(
    levels.map(async (delivery) => {
      const client = { delivery, stallTimeout: 500, timeout: 500 };
      return { delivery, run: await Run.start(t, bed, { mix: small, client, direct: true }) };
    }),
  );
  const publishing = runs.map(({ run }) => run.publishFor(2_800, 10_000));
  await pause(400);
  link("down");
  const down = performance.now();
  for (const { delivery, run } of runs) {
    // The first link: a dial that nobody answers is on record, too.
    while (run.links[0]?.open === true) await pause(5);
    t.diagnostic(`${delivery}: given up ${Math.round(performance.now() - down)} ms after the hole or before`);
  }
  await pause(Math.max(0, 2_000 - (performance.now() - down)));
  link("up");
  await Promise.all(publishing);
  for (const { delivery, run } of runs) {
    const { inDoubt, links, unconfirmedBytes } = await run.finish(t, { lateDoubt: true });
    assert.ok(links >= 2, "the client never noticed");
    assert.ok(unconfirmedBytes <= 512 * 1024, `${unconfirmedBytes} bytes in doubt or sent again`);
    if (delivery === "at-least-once") assert.equal(inDoubt, 0);
  }
});
