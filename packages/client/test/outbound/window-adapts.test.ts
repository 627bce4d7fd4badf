import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KIB, LinkRig, MIB } from "./link-rig.ts";
import type { LinkSettings } from "./link-simulator.ts";

const FRAME = 168;
const LAN: LinkSettings = { bytesPerSecond: 125e6, roundTripMs: 0.5 };
const NEAR: LinkSettings = { ...LAN, roundTripMs: 0.05 };

describe("the window follows the link", () => {
  for (const { late, seconds, least } of [
    { late: 600, seconds: 40, least: 1.6 },
    { late: 2000, seconds: 60, least: 1.58 },
    // 8 MiB each 5 s is the most there can be; half of the time goes by until the window is open.
    { late: 5000, seconds: 120, least: 1 },
  ]) {
    it(`PONGs ${late} ms late behind inbound bulk: ${least} MB/s of 1.68 are confirmed`, (t) => {
      const rig = new LinkRig({ ...LAN, pongLateMs: late });
      rig.link.inbound(20);
      rig.steady(10_000, FRAME);
      rig.clock.advance(seconds * 1000);
      const rate = rig.confirmed / seconds / 1e6;
      t.diagnostic(`PONGs ${late} ms late: ${rate.toFixed(2)} MB/s confirmed, window ${rig.log.window / KIB} KiB`);
      assert.deepEqual(rig.stalls, []);
      assert.ok(rate >= least, `${rate} MB/s`);
    });
  }

  it("does not change under a load that it fits: 14 000 messages a second, round trip 100 ms", (t) => {
    const rig = new LinkRig({ ...LAN, roundTripMs: 100 });
    rig.steady(14_000, FRAME);
    rig.clock.advance(10_000);
    const size = rig.log.window;
    let last = size;
    let changes = 0;
    rig.eachMs(() => {
      if (rig.log.window !== last) changes++;
      last = rig.log.window;
    });
    rig.clock.advance(60_000);
    t.diagnostic(`14 000 msg/s x 100 ms: ${changes} changes a minute, window ${size / KIB} KiB`);
    assert.equal(changes, 0);
    assert.ok(rig.unconfirmed < size, "it keeps up");
  });

  it("is not stuck small when the round trip grows from 0 to 600 ms", (t) => {
    const rig = new LinkRig(NEAR);
    rig.steady(10_000, FRAME);
    rig.clock.advance(5000);
    assert.equal(rig.log.window, 64 * KIB);
    rig.link.change({ roundTripMs: 600 });
    rig.clock.advance(20_000);
    t.diagnostic(`round trip 0 to 600 ms: ${(rig.unconfirmed / 1e6).toFixed(1)} MB unconfirmed after 20 s`);
    // What 0.6 s bring.
    assert.ok(rig.unconfirmed < 1.5e6, `${rig.unconfirmed} bytes unconfirmed after 20 s`);
  });

  it("is not stuck small in a flood whose round trip grows from 1 to 200 ms", (t) => {
    const rig = new LinkRig({ bytesPerSecond: 12.5e6, roundTripMs: 1 });
    rig.flood(4 * KIB);
    rig.clock.advance(5000);
    const before = rig.log.window;
    rig.link.change({ roundTripMs: 200 });
    rig.clock.advance(20_000);
    const read = rig.link.read;
    rig.clock.advance(10_000);
    const share = (rig.link.read - read) / 10 / 12.5e6;
    t.diagnostic(
      `flood, 1 to 200 ms: window ${before / KIB} to ${rig.log.window / KIB} KiB, share ${share.toFixed(2)} after 20 s`,
    );
    assert.ok(before < MIB, "it was small");
    assert.ok(share > 0.9, `${share}`);
  });

  it("is not stuck small under a program that publishes 1 MB in busy turns of 200 ms", (t) => {
    const rig = new LinkRig(NEAR);
    const turns = 100;
    for (let turn = 0; turn < turns; turn++) {
      rig.block(10, 20, () => {
        for (let i = 0; i < 298; i++) rig.publish(FRAME);
      });
    }
    const seconds = turns * 0.2;
    const offered = (turns * 20 * 298 * FRAME) / seconds / 1e6;
    const rate = rig.confirmed / seconds / 1e6;
    t.diagnostic(`busy turns of 200 ms: ${rate.toFixed(2)} of ${offered.toFixed(2)} MB/s confirmed`);
    assert.ok(rate >= 0.95 * offered, `${rate} of ${offered} MB/s`);
  });

  it("costs a burst of 1 MiB each second on a way of 100 ms little more than one round trip", (t) => {
    const rig = new LinkRig({ bytesPerSecond: 12.5e6, roundTripMs: 100 });
    const took: number[] = [];
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < MIB / FRAME; i++) rig.publish(FRAME);
      took.push(rig.finish(1000));
      rig.clock.advance(1000 - (took.at(-1) ?? 0));
    }
    const median = took.toSorted((a, b) => a - b)[10] ?? Number.NaN;
    t.diagnostic(`1 MiB each second, round trip 100 ms: confirmed after ${median} ms`);
    assert.ok(median <= 400, `${median} ms`);
  });
});
