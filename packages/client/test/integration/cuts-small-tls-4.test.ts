/** TLS, at-least-once: the connection is cut after every byte of 200 small messages that the server reads: one half, the bytes that at-most-once leaves out; the other in the soak. */
import { test } from "node:test";
import { CutRig } from "./cuts-rig.ts";
import { everyByteOfSmall } from "./cuts-small.ts";

test("TLS, at-least-once: a cut after any byte of 200 small messages loses nothing and resumes nothing (2 of 2)", async (t) => {
  const rig = await CutRig.start(t, { delivery: "at-least-once", tls: true });
  await everyByteOfSmall(rig, 1, 2);
  t.diagnostic(rig.figures);
});
