import { test } from "node:test";
import { throughLeader } from "./stream-leader.ts";

const limit = { timeout: 150_000 } as const;

for (const where of ["leader", "other"] as const) {
  test(`20 000 messages are stored once each while the leader is killed and comes back, from the ${where}`, limit, async (t) => {
    t.diagnostic(JSON.stringify(await throughLeader(t, { count: 20_000, mode: "each", fault: "kill", where })));
  });
}

test("20 000 messages of fast batches are stored once each while the leader is killed and comes back", limit, async (t) => {
  t.diagnostic(JSON.stringify(await throughLeader(t, { count: 20_000, mode: "fast", fault: "kill", where: "other" })));
});

for (const mode of ["each", "fast"] as const) {
  test(`20 000 messages are stored once each while the lead goes to another server (${mode})`, limit, async (t) => {
    t.diagnostic(JSON.stringify(await throughLeader(t, { count: 20_000, mode, fault: "stepdown", where: "leader" })));
  });
}
