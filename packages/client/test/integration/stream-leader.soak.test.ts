import { test } from "node:test";
import { throughLeader } from "./stream-leader.ts";

for (const mode of ["each", "fast"] as const) {
  for (const where of ["leader", "other"] as const) {
    test(`100 000 messages are stored once each while the leader is killed and comes back, from the ${where} (${mode})`, async (t) => {
      t.diagnostic(JSON.stringify(await throughLeader(t, { count: 100_000, mode, fault: "kill", where })));
    });
  }
}
