/** A frame that goes in pieces is cut around the boundary of each, and where the kernel never had it whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../src/testing/index.ts";
import { aroundCapacity, aroundPieces, LONG, neverWhole } from "./cuts-long.ts";
import { CutRig } from "./cuts-rig.ts";

const KIBIBYTE = 1024;
/** Of the message that is cut around its pieces, and of those: at least a first, a middle and a last one. */
const PIECES = { TCP: { payload: 300_000, chunk: 64 * KIBIBYTE }, TLS: { payload: LONG, chunk: 256 * KIBIBYTE } };

for (const tls of [false, true]) {
  for (const delivery of ["at-most-once", "at-least-once"] as const) {
    const transport = tls ? "TLS" : "TCP";
    const line = `${transport}, ${delivery}`;
    const { payload, chunk } = PIECES[transport];

    test(`${line}: a cut around any boundary of a frame of ${payload / 1000} kB and of its pieces loses nothing`, async (t) => {
      const rig = await CutRig.start(t, { delivery, tls });
      await aroundPieces(rig, payload, chunk);
      t.diagnostic(rig.figures);
    });

    test(`${line}: a message that the kernel never had whole is never in doubt, and sent from its first byte`, async (t) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      t.diagnostic(`seed ${seed}`);
      const rig = await CutRig.start(t, { delivery, tls });
      await neverWhole(rig, tls ? 15 : 30, seededRandom(seed));
      const { inDoubt, resent } = rig.nc.outbound.counts();
      assert.deepEqual({ inDoubt, resent }, { inDoubt: 0, resent: 0 });
      t.diagnostic(rig.figures);
    });
  }
}

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(`TCP, ${delivery}: a message was in flight if the kernel had it whole, and only then`, async (t) => {
    const rig = await CutRig.start(t, { delivery, tls: false });
    const { whole, parts } = await aroundCapacity(rig);
    assert.ok(whole > 0 && parts > 0, `${whole} whole, ${parts} in parts`);
    t.diagnostic(`${whole} whole, ${parts} in parts`);
  });
}
