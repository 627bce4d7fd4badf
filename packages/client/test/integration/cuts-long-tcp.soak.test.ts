/**
 * TCP: a frame of 700 kB is cut after every single byte of it, which takes an hour or two for each level. With SOAK (minutes) each ends
 * after so long; the bytes come in an order that spreads over the whole frame from the beginning.
 */
import { test } from "node:test";
import { everyByteOfLong } from "./cuts-long.ts";
import { CutRig } from "./cuts-rig.ts";

const MINUTES = Number(process.env.SOAK ?? Infinity);

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(`TCP, ${delivery}: a cut after any byte of a frame of 700 kB loses nothing`, async (t) => {
    const rig = await CutRig.start(t, { delivery, tls: false });
    t.diagnostic(await everyByteOfLong(rig, MINUTES * 60_000));
  });
}
