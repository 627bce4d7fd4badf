/** Links that are slow and healthy: no reconnect. The tests wait more than they work, so they run side by side. */
import { describe, test } from "node:test";
import { survives } from "./slow-links-rig.ts";

const KIB = 1024;
const limit = { timeout: 110_000 } as const;

describe("a slow link is not taken for a dead one", { concurrency: true }, () => {
  for (const delivery of ["at-most-once", "at-least-once"] as const) {
    // 64 kbit/s and a stallTimeout of 10 s in a fifth of the time; slow-links.soak.test.ts has the figures themselves.
    test(`${delivery}: 320 kbit/s with a stallTimeout of 2 s, a backlog of 256 KiB of 128-byte messages`, limit, (t) =>
      survives(t, { bytesPerSecond: 40_000, roundTrip: 0, backlog: 256 * KIB, frame: 128 }, { delivery, stallTimeout: 2_000 }),
    );

    test(`${delivery}: 1 Mbit/s and 600 ms round trip, 1 MiB`, limit, (t) =>
      survives(t, { bytesPerSecond: 125_000, roundTrip: 600, backlog: KIB * KIB, frame: 1_000 }, { delivery }),
    );

    test(`${delivery}: 1 Mbit/s and 600 ms round trip with a stallTimeout of 1 s, frames of 100 kB`, limit, (t) =>
      survives(
        t,
        { bytesPerSecond: 125_000, roundTrip: 600, backlog: 600_000, frame: 100_000 },
        { delivery, stallTimeout: 1_000 },
      ),
    );
  }
});
