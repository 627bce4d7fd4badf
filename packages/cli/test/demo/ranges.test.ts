import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eachNumber, RangeRecorder } from "../../src/demo/ranges.ts";

test("consecutive numbers become one range", () => {
  const recorder = new RangeRecorder();
  for (const number of [3, 4, 5, 9, 10, 2]) recorder.add(number);
  assert.deepEqual(recorder.ranges(), [
    [3, 5],
    [9, 10],
    [2, 2],
  ]);
  assert.equal(recorder.count, 6);
});

test("the ranges give back every number in the order it was added, also twice", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (numbers) => {
      const recorder = new RangeRecorder();
      for (const number of numbers) recorder.add(number);
      assert.deepEqual([...eachNumber(recorder.ranges())], numbers);
      assert.equal(recorder.count, numbers.length);
    }),
  );
});
