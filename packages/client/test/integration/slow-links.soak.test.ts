/** Slow and healthy links as they are, with the default stallTimeout; and what is found only after minutes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openLine } from "./peers-harness.ts";
import { survives } from "./slow-links-rig.ts";
import { blockedProgram, reconnected, stallOf } from "./stall-rig.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const limit = { timeout: 600_000 } as const;

describe("a slow link is not taken for a dead one", { concurrency: true }, () => {
  for (const delivery of ["at-most-once", "at-least-once"] as const) {
    test(`${delivery}: 64 kbit/s, a backlog of 256 KiB of 128-byte messages`, limit, (t) =>
      survives(t, { bytesPerSecond: 8_000, roundTrip: 0, backlog: 256 * KIB, frame: 128 }, { delivery }),
    );

    test(`${delivery}: 1 Mbit/s and 600 ms round trip, 4 MiB`, limit, (t) =>
      survives(t, { bytesPerSecond: 125_000, roundTrip: 600, backlog: 4 * MIB, frame: 1_000 }, { delivery }),
    );
  }

  test("an event loop that is blocked for 15 s does not take its server for dead", limit, async (t) => {
    assert.deepEqual(await blockedProgram(t, { stallTimeout: 10_000, blockMs: 15_000 }), { reconnects: 0, confirmed: 40 });
  });

  test("a frame of 8 MiB into a link that stops taking is found, and sent again from its first byte", limit, async (t) => {
    const line = await openLine(t, { server: { config: { max_payload: 16 * MIB } }, client: { stallTimeout: 1_000 } });
    await line.nc.flush();
    line.proxy.toServer.hold();
    const stall = stallOf(line.nc);
    const back = reconnected(line.nc);
    const start = performance.now();
    line.nc.publish("huge", new Uint8Array(8 * MIB));
    await stall;
    const seconds = (performance.now() - start) / 1000;
    line.proxy.toServer.forward();
    await back;
    await line.nc.flush();
    // 8 MiB at 1 Mbit/s, and a second: the kernel took half of it, and that is not known to be progress of the other end.
    assert.ok(seconds > 60 && seconds < 180, `found after ${seconds} s`);
    const { confirmed, inDoubt } = line.nc.outbound.counts();
    assert.deepEqual({ confirmed, inDoubt }, { confirmed: 1, inDoubt: 0 });
  });
});
