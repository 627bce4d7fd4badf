import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { KIB, LinkRig, MIB, withoutWindow } from "./link-rig.ts";
import type { LinkSettings } from "./link-simulator.ts";

/** A row of the acceptance table (docs/WINDOW.md). */
interface Flood {
  readonly over: string;
  readonly settings: LinkSettings;
  readonly frame: number;
  readonly total: number;
  /** The least share of the throughput without a window. */
  readonly share: number;
  /** The window that the law reaches, KiB; one step off is allowed. */
  readonly window: number;
}

const FLOODS: readonly Flood[] = [
  {
    over: "loopback, 240 MB/s",
    settings: { bytesPerSecond: 240e6, roundTripMs: 0.05 },
    frame: 16 * KIB,
    total: 512 * MIB,
    share: 0.98,
    window: 8192,
  },
  {
    over: "1 Gbit/s, 0.5 ms",
    settings: { bytesPerSecond: 125e6, roundTripMs: 0.5 },
    frame: 8 * KIB,
    total: 512 * MIB,
    share: 0.98,
    window: 2048,
  },
  {
    over: "100 Mbit/s, 100 ms",
    settings: { bytesPerSecond: 12.5e6, roundTripMs: 100 },
    frame: 4 * KIB,
    total: 512 * MIB,
    share: 0.96,
    window: 4096,
  },
  {
    over: "100 Mbit/s, 20 ms, a queue of 1 s",
    settings: { bytesPerSecond: 12.5e6, roundTripMs: 20, kernelBytes: 12.5e6 },
    frame: 4 * KIB,
    total: 512 * MIB,
    share: 0.97,
    window: 1024,
  },
  {
    over: "10 Mbit/s, 300 ms",
    settings: { bytesPerSecond: 1.25e6, roundTripMs: 300 },
    frame: KIB,
    total: 64 * MIB,
    share: 0.94,
    window: 1024,
  },
  {
    over: "1 Mbit/s, 50 ms",
    settings: { bytesPerSecond: 125e3, roundTripMs: 50 },
    frame: KIB,
    total: 8 * MIB,
    share: 0.97,
    window: 512,
  },
  {
    over: "64 kbit/s, 600 ms",
    settings: { bytesPerSecond: 8e3, roundTripMs: 600 },
    frame: 168,
    total: 2 * MIB,
    share: 0.97,
    window: 256,
  },
];

/** The largest window, looked at each millisecond. */
function watchWindow(rig: LinkRig): { largest: number } {
  const watch = { largest: 0 };
  rig.eachMs(() => {
    watch.largest = Math.max(watch.largest, rig.log.window);
  });
  return watch;
}

/** The share of the throughput without a window, and the largest window. */
function flood({ settings, frame, total }: Flood, maxInFlight: number): { share: number; largest: number } {
  const rig = new LinkRig(settings, { maxInFlight });
  const watch = watchWindow(rig);
  rig.flood(frame, total);
  return { share: withoutWindow(settings, total) / rig.finish(1e7), largest: watch.largest };
}

describe("a flood through the window", () => {
  for (const row of FLOODS) {
    it(`is as fast as without one: ${row.over}`, (t) => {
      const { share, largest } = flood(row, 8 * MIB);
      t.diagnostic(`${row.over}: share ${share.toFixed(3)}, window ${largest / KIB} KiB`);
      assert.ok(share >= row.share, `${share.toFixed(3)} of the throughput without a window, not ${row.share}`);
      const steps = Math.log2(largest / KIB / row.window);
      assert.ok(Math.abs(steps) <= 1, `the window reached ${largest / KIB} KiB, not ${row.window} KiB or one step off`);
    });
  }

  it("would be slow through a fixed 64 KiB over a long way: the simulator does not flatter the law", (t) => {
    const row = FLOODS.find((each) => each.over === "100 Mbit/s, 100 ms");
    assert.ok(row !== undefined);
    const { share } = flood({ ...row, total: 16 * MIB }, 64 * KIB);
    t.diagnostic(`fixed 64 KiB: share ${share.toFixed(3)}`);
    assert.ok(share < 0.1, `${share}`);
  });

  for (const seed of [1, 2])
    it(`is as fast as without one while the rate changes 50:1 every few seconds, seed ${seed}`, (t) => mobile(t, seed));
});

function mobile(t: TestContext, seed: number): void {
  const [fast, slow] = [2.5e6, 50e3];
  const rig = new LinkRig({ bytesPerSecond: fast, roundTripMs: 60 }, {}, seed);
  const watch = watchWindow(rig);
  let rate = fast;
  let possible = 0;
  let since = 0;
  const change = (): void => {
    const now = rig.clock.now();
    possible += ((now - since) / 1000) * rate;
    since = now;
    rate = rate === fast ? slow : fast;
    rig.link.change({ bytesPerSecond: rate });
    rig.clock.timer(2000 + 3000 * rig.clock.random(), change);
  };
  rig.clock.timer(3000, change);
  rig.flood(KIB);
  rig.clock.advance(90_000);
  possible += ((rig.clock.now() - since) / 1000) * rate;
  const share = rig.link.read / possible;
  t.diagnostic(`20 Mbit/s and 400 kbit/s by turns, seed ${seed}: share ${share.toFixed(3)}, window ${watch.largest / KIB} KiB`);
  assert.ok(share >= 0.95, `${share.toFixed(3)} of what the link could carry`);
}
