import assert from "node:assert/strict";
import { test } from "node:test";
import { RateMeter } from "../../src/pub/rate-meter.ts";

test("the rate is that of the last two seconds", () => {
  const meter = new RateMeter();
  assert.equal(meter.rate(0, 0), 0);
  assert.equal(meter.rate(1_000, 500), 500);
  assert.equal(meter.rate(2_000, 1_500), 750);
  assert.equal(meter.rate(4_000, 1_500), 0, "nothing for two seconds");
});

test("the time left follows from the average so far, and is unknown at the beginning or without an end", () => {
  const meter = new RateMeter();
  assert.equal(meter.timeLeft(0, null), null);
  assert.equal(meter.timeLeft(1_000, 0), null);
  assert.equal(meter.timeLeft(1_500, 0.005), null);
  assert.equal(meter.timeLeft(2_000, 0.25), 3_000);
  assert.equal(meter.timeLeft(5_000, 1), 0);
});
