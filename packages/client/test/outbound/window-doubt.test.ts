import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KIB, LinkRig, MIB } from "./link-rig.ts";
import type { LinkSettings } from "./link-simulator.ts";

const FRAME = 168;
const LOOPBACK: LinkSettings = { bytesPerSecond: 240e6, roundTripMs: 0.05 };
const LAN: LinkSettings = { bytesPerSecond: 125e6, roundTripMs: 0.5 };

/** A row of the acceptance table (docs/WINDOW.md): bytes in doubt if the link died now. */
interface Doubt {
  readonly name: string;
  readonly settings: LinkSettings;
  /** The shortest and longest hiccup of the server, ms, one each second. */
  readonly hiccups?: readonly [number, number];
  readonly seconds: number;
  /** KiB. */
  readonly p99: number;
  /** The largest share of the time above 64 KiB. */
  readonly above: number;
}

const ROWS: readonly Doubt[] = [
  { name: "loopback, quiet", settings: LOOPBACK, seconds: 20, p99: 64, above: 0 },
  { name: "LAN, quiet", settings: LAN, seconds: 20, p99: 64, above: 0 },
  { name: "loopback, the server hiccups for 10 to 50 ms", settings: LOOPBACK, hiccups: [10, 50], seconds: 30, p99: 64, above: 0 },
  { name: "LAN, the server hiccups for 10 to 50 ms", settings: LAN, hiccups: [10, 50], seconds: 30, p99: 64, above: 0 },
  { name: "LAN, 50 to 200 ms", settings: LAN, hiccups: [50, 200], seconds: 60, p99: 64, above: 0.006 },
  {
    name: "round trip 20 ms, 50 to 200 ms",
    settings: { ...LAN, roundTripMs: 20 },
    hiccups: [50, 200],
    seconds: 60,
    p99: 128,
    above: 0.08,
  },
];

describe("bytes in doubt at 10 000 messages a second", () => {
  for (const { name, settings, hiccups, seconds, p99, above } of ROWS) {
    it(`${name}: at most ${p99} KiB in 99 % of the time`, (t) => {
      const rig = new LinkRig(settings);
      const samples: number[] = [];
      rig.steady(10_000, FRAME);
      // A link that dies does not stop the writer: it hands over all that the window allows.
      rig.eachMs(() => samples.push(Math.max(rig.log.window, rig.log.counts().inFlight * FRAME)));
      if (hiccups !== undefined) rig.hiccups(...hiccups);
      rig.clock.advance(seconds * 1000);
      const sorted = samples.toSorted((a, b) => a - b);
      const measured = (sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN) / KIB;
      const share = samples.filter((bytes) => bytes > 64 * KIB).length / samples.length;
      t.diagnostic(`${name}: p99 ${measured} KiB, above 64 KiB ${(share * 100).toFixed(2)} % of the time`);
      assert.ok(rig.unconfirmed < 64 * KIB, "it keeps up");
      assert.ok(measured <= p99, `p99 ${measured} KiB`);
      assert.ok(share <= above, `${share} of the time above 64 KiB`);
    });
  }

  it("64 KiB again 0.2 s after a flood of 64 MiB", (t) => {
    const rig = new LinkRig(LAN);
    rig.flood(FRAME, 64 * MIB);
    rig.clock.advance(10);
    rig.steady(10_000, FRAME);
    while (rig.unconfirmed > MIB) rig.clock.advance(1);
    assert.ok(rig.log.window > 512 * KIB, "the flood opened the window");
    const end = rig.clock.now();
    let above = end;
    rig.eachMs(() => {
      if (rig.log.window > 64 * KIB) above = rig.clock.now();
    });
    rig.clock.advance(20_000);
    t.diagnostic(`after a flood: above 64 KiB for ${(above - end).toFixed(0)} ms`);
    assert.ok(above - end <= 200, `above 64 KiB for ${above - end} ms`);
  });
});
