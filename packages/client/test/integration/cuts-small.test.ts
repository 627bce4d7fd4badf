/** TCP: the connection is cut after every byte of 200 small messages that the server reads. */
import { test } from "node:test";
import { CutRig } from "./cuts-rig.ts";
import { everyByteOfSmall } from "./cuts-small.ts";

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(`TCP, ${delivery}: a cut after any byte of 200 small messages loses nothing and resumes nothing`, async (t) => {
    const rig = await CutRig.start(t, { delivery, tls: false });
    await everyByteOfSmall(rig);
    t.diagnostic(rig.figures);
  });
}
