import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KIB, LinkRig, MIB } from "./link-rig.ts";
import type { LinkSettings } from "./link-simulator.ts";

const LAN: LinkSettings = { bytesPerSecond: 125e6, roundTripMs: 0.5 };

/** A row of the acceptance table (docs/WINDOW.md): a slow link that is alive, and how often it may be taken for dead. */
interface Slow {
  readonly kbit: number;
  readonly frame: number;
  readonly total: number;
  readonly stalls: number;
}

const ROWS: readonly Slow[] = [
  { kbit: 64, frame: 168, total: 256 * KIB, stalls: 0 },
  { kbit: 32, frame: 168, total: 256 * KIB, stalls: 0 },
  { kbit: 16, frame: 168, total: 256 * KIB, stalls: 0 },
  { kbit: 32, frame: 64 * KIB, total: 75 * 64 * KIB, stalls: 1 },
  { kbit: 256, frame: MIB, total: 20 * MIB, stalls: 2 },
  { kbit: 64, frame: MIB, total: 20 * MIB, stalls: 4 },
];

describe("a slow link is not taken for dead", () => {
  for (const { kbit, frame, total, stalls } of ROWS) {
    // The larger kernel takes a whole frame at once, so that no progress is seen but the PONG.
    for (const firstKernelBytes of [64 * KIB, 4 * MIB]) {
      it(`more than ${stalls} times: ${kbit} kbit/s, frames of ${frame} bytes, a kernel of ${firstKernelBytes / KIB} KiB`, (t) => {
        const settings = { bytesPerSecond: kbit * 125, roundTripMs: 600, firstKernelBytes };
        const rig = new LinkRig(settings, { delivery: "at-least-once" });
        const seconds = total / settings.bytesPerSecond;
        rig.flood(frame, total);
        const took = rig.finish(seconds * 2000 + 600_000) / 1000;
        t.diagnostic(
          `${kbit} kbit/s, ${frame} B, kernel ${firstKernelBytes / KIB} KiB: ${rig.stalls.length} false stalls, ` +
            `${took.toFixed(0)} s (ideal ${seconds.toFixed(0)})`,
        );
        assert.ok(rig.stalls.length <= stalls, `${rig.stalls.length} false stalls`);
      });
    }
  }

  it("while the event loop is blocked for 15 s", () => {
    for (const roundTripMs of [0.5, 100, 600]) {
      const rig = new LinkRig({ ...LAN, roundTripMs });
      rig.steady(2000, 168);
      for (let round = 0; round < 5; round++) {
        rig.clock.advance(3000 + 137 * round);
        rig.block(15_000);
      }
      rig.clock.advance(20_000);
      assert.deepEqual(rig.stalls, [], `round trip ${roundTripMs} ms`);
    }
  });

  it("when the sign of life came in while the event loop was blocked, just before the limit", () => {
    for (const dueMs of [9100, 9300, 9500, 9700]) {
      const rig = new LinkRig(LAN);
      rig.steady(2000, 168);
      rig.clock.advance(3000);
      rig.link.serverHiccup(9800);
      rig.clock.advance(dueMs);
      rig.block(5000);
      rig.clock.advance(5000);
      assert.deepEqual(rig.stalls, [], `blocked ${dueMs} ms after the server fell silent`);
      assert.ok(rig.log.usable);
    }
  });

  it("while a long frame moves, however slowly", () => {
    // At 1 Mbit/s it would take 67 s. Nothing is confirmed meanwhile: that the kernel takes more is all there is to see.
    const rig = new LinkRig({ bytesPerSecond: 64e3, roundTripMs: 100, kernelBytes: 256 * KIB });
    rig.publish(8 * MIB);
    const took = rig.finish(200_000);
    assert.ok(took > 120_000, `${took} ms`);
    assert.deepEqual(rig.stalls, []);
  });

  it("while nothing is outstanding", () => {
    const rig = new LinkRig(LAN);
    rig.publish(168);
    rig.clock.advance(1000);
    assert.equal(rig.unconfirmed, 0);
    rig.clock.advance(3_600_000);
    rig.publish(168);
    rig.clock.advance(1000);
    assert.equal(rig.unconfirmed, 0);
    assert.deepEqual(rig.stalls, []);
  });

  it("while the server hangs for 9 s", () => {
    const rig = new LinkRig(LAN);
    rig.steady(2000, 168);
    for (let round = 0; round < 3; round++) {
      rig.clock.advance(3000 + 137 * round);
      rig.link.serverHiccup(9000);
      rig.clock.advance(12_000);
    }
    assert.deepEqual(rig.stalls, []);
  });

  for (const late of [2000, 9000, 30_000]) {
    it(`while PONGs are ${late} ms late behind inbound bulk`, () => {
      const rig = new LinkRig({ ...LAN, pongLateMs: late });
      rig.link.inbound(20);
      rig.steady(1000, 168);
      rig.clock.advance(120_000);
      assert.deepEqual(rig.stalls, []);
    });
  }
});
