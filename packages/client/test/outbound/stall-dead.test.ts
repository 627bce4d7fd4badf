import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LinkRig, MIB } from "./link-rig.ts";
import type { LinkSettings } from "./link-simulator.ts";

const FRAME = 168;
const LAN: LinkSettings = { bytesPerSecond: 125e6, roundTripMs: 0.5 };

/** A row of the acceptance table (docs/WINDOW.md): what is published when the link dies, and the time until that is found, s. */
interface Dead {
  readonly name: string;
  readonly publish: (rig: LinkRig) => void;
  /** When the link dies, ms after the first publish: each is a run. */
  readonly dies: readonly number[];
  readonly least: number;
  readonly most: number;
}

const ROWS: readonly Dead[] = [
  {
    name: "10 000 messages a second",
    publish: (rig) => rig.steady(10_000, FRAME),
    dies: [3000, 3270, 3740],
    least: 9.9,
    most: 11.2,
  },
  // The fence that stays unanswered goes out with the next message.
  { name: "1 message a second", publish: (rig) => rig.steady(1, FRAME), dies: [30_001, 30_270, 30_740], least: 9.9, most: 12 },
  { name: "a flood", publish: (rig) => rig.flood(1024), dies: [3000, 3270, 3740], least: 9.9, most: 19 },
  { name: "a frame of 8 MiB on its way", publish: (rig) => rig.publish(8 * MIB), dies: [5, 20, 50], least: 70, most: 127 },
];

/** Runs until the stall rule ends the connection; returns how long that took, s. */
function untilFound(rig: LinkRig, mostSeconds: number): number {
  const start = rig.clock.now();
  while (rig.stalls.length === 0 && rig.clock.now() - start < mostSeconds * 1000) rig.clock.advance(10);
  return ((rig.stalls[0] ?? Infinity) - start) / 1000;
}

describe("a dead link is found", () => {
  for (const { name, publish, dies, least, most } of ROWS) {
    for (const mode of ["hold", "swallow"] as const) {
      it(`within ${least} to ${most} s (${mode}): ${name}`, (t) => {
        const found = dies.map((ms) => {
          const rig = new LinkRig(LAN);
          publish(rig);
          rig.clock.advance(ms);
          assert.deepEqual(rig.stalls, []);
          assert.ok(rig.unconfirmed > 0 || ms > 30_000, "something is on its way");
          rig.link.set(mode);
          return untilFound(rig, 2 * most);
        });
        t.diagnostic(`${name}, ${mode}: found after ${found.map((s) => s.toFixed(1)).join(", ")} s`);
        for (const s of found) assert.ok(s >= least && s <= most, `found after ${s} s`);
      });
    }
  }

  it("within 6 x stallTimeout + 2 s while bytes still trickle in", (t) => {
    for (const [ms, bytes] of [
      [10, 1],
      [100, 10],
      [1000, 100],
    ] as const) {
      const rig = new LinkRig(LAN);
      rig.steady(1000, FRAME);
      rig.clock.advance(5000);
      rig.link.inbound(ms);
      rig.link.set("swallow");
      const found = untilFound(rig, 100);
      t.diagnostic(`${bytes} B each ${ms} ms come in: found after ${found.toFixed(1)} s`);
      assert.ok(found > 50 && found <= 62, `found after ${found} s`);
    }
  });

  it("although messages are handed over all the time: the window is far", (t) => {
    const rig = new LinkRig(LAN);
    rig.steady(10, FRAME);
    rig.clock.advance(5000);
    rig.link.set("swallow");
    const before = rig.link.taken;
    const found = untilFound(rig, 30);
    t.diagnostic(`10 messages a second: found after ${found.toFixed(1)} s`);
    assert.ok(rig.link.taken - before >= 90 * FRAME, "they were handed over");
    assert.ok(found <= 11.2, `found after ${found} s`);
  });

  it("also by a connection that was blocked for a while meanwhile", () => {
    const rig = new LinkRig(LAN);
    rig.steady(1000, FRAME);
    rig.clock.advance(5000);
    rig.link.set("swallow");
    rig.clock.advance(2000);
    rig.block(60_000);
    const found = untilFound(rig, 30);
    assert.ok(found > 5 && found <= 11.2, `found ${found} s after the blockage: little of it counted`);
  });

  it("sooner with a smaller stallTimeout, and never with 0", () => {
    const found = [500, 2000, 0].map((stallTimeout) => {
      const rig = new LinkRig(LAN, { stallTimeout });
      rig.steady(1000, FRAME);
      rig.clock.advance(5000);
      rig.link.set("swallow");
      return untilFound(rig, 120);
    });
    assert.ok(found[0] !== undefined && found[0] >= 0.4 && found[0] <= 2.2, `500 ms: ${found[0]} s`);
    assert.ok(found[1] !== undefined && found[1] >= 1.9 && found[1] <= 3.7, `2000 ms: ${found[1]} s`);
    assert.equal(found[2], Infinity, "0 switches the end off");
  });
});
