import assert from "node:assert/strict";
import { test } from "node:test";
import { msToDetect, onMonotonicClock } from "../../src/demo/detection.ts";

test("detection counts from the beginning of the fault to the first disconnect after it", () => {
  assert.equal(msToDetect(3_000.4, [3_012.9, 6_200]), 13);
});

test("a disconnect before the fault is not its detection", () => {
  assert.equal(msToDetect(3_000, [1_500, 3_500]), 500);
  assert.equal(msToDetect(3_000, [1_500]), null);
});

test("a client that never noticed has no time", () => {
  assert.equal(msToDetect(3_000, []), null);
});

test("the clocks of two processes may differ by their reading, never so that the answer is negative", () => {
  assert.equal(msToDetect(3_000, [2_999]), 0);
});

test("a moment of the wall clock keeps its distance on the monotonic one", () => {
  const ahead = onMonotonicClock(Date.now() + 10_000) - performance.now();
  // The wall clock may be set while this runs; a second is no such thing.
  assert.ok(ahead > 9_000 && ahead <= 10_002, String(ahead));
});
