import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/nats-core";
import { streamHeaders } from "../../src/stream/headers.ts";

test("a schedule has the official module's headers, in each of its forms", () => {
  const at = new Date("2027-01-02T03:04:05Z");
  const forms = [
    ["@every 5s", "@every 5s"],
    [at, "@at 2027-01-02T03:04:05.000Z"],
    [{ at }, "@at 2027-01-02T03:04:05.000Z"],
    [{ at: "2027-01-02T03:04:05Z" }, "@at 2027-01-02T03:04:05Z"],
    [{ every: "1m" }, "@every 1m"],
    [{ cron: "0 0 5 * * *" }, "0 0 5 * * *"],
    [{ predefined: "@daily" }, "@daily"],
  ] as const;
  for (const [specification, expected] of forms) {
    const schedule = {
      specification,
      target: "orders",
      ttl: "1h",
      timezone: "Europe/Rome",
      source: "last",
      rollup: "sub",
    } as const;
    const made = streamHeaders("s", { schedule });
    assert.equal(made?.get("Nats-Schedule"), expected);
    const rest = ["Target", "TTL", "Time-Zone", "Source", "Rollup"].map((name) => made?.get(`Nats-Schedule-${name}`));
    assert.deepEqual(rest, ["orders", "1h", "Europe/Rome", "last", "sub"]);
  }
});

test("a message that cancels a schedule says so, and not on the schedule's own subject", () => {
  const cancelSchedule = { scheduleSubject: "schedules.1" };
  const made = streamHeaders("orders", { cancelSchedule });
  assert.deepEqual([made?.get("Nats-Scheduler"), made?.get("Nats-Schedule-Next")], ["schedules.1", "purge"]);
  assert.throws(() => streamHeaders("schedules.1", { cancelSchedule }), { name: "InvalidArgumentError" });
  const schedule = { specification: "@daily", target: "t" };
  assert.throws(() => streamHeaders("orders", { schedule, cancelSchedule }), { name: "InvalidArgumentError" });
});

test("what the caller passed is copied, and nothing makes no headers", () => {
  const given = headers();
  given.append("A", "1");
  given.append("A", "2");
  const made = streamHeaders("s", { headers: given });
  given.set("A", "3");
  assert.deepEqual(made?.values("A"), ["1", "2"]);
  assert.equal(streamHeaders("s", {}), undefined);
});
