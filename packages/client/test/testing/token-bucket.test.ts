import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TokenBucket } from "../../src/testing/token-bucket.ts";

test("a bucket begins empty and fills at its rate", () => {
  const bucket = new TokenBucket(1_000, 0);
  assert.equal(bucket.take(100, 0), 0);
  assert.equal(bucket.take(100, 10), 10);
  assert.equal(bucket.take(4, 20), 4);
  assert.equal(bucket.take(100, 20), 6);
});

test("an idle bucket saves up 50 ms of its rate, and at least two bytes", () => {
  assert.equal(new TokenBucket(1_000, 0).take(1_000, 60_000), 50);
  const slow = new TokenBucket(0.5, 0);
  assert.equal(slow.take(10, 1_999), 0);
  assert.ok(slow.waitMs() >= 1);
  assert.equal(slow.take(10, 2_000), 1);
  assert.equal(slow.take(10, 60_000), 2);
});

test("property: asked when it says, it gives its mean rate, never more", () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 10_000_000 }), fc.integer({ min: 0, max: 20 }), (rate, lateMs) => {
      const bucket = new TokenBucket(rate, 0);
      let now = 0;
      let taken = 0;
      while (now < 10_000) {
        taken += bucket.take(Number.MAX_SAFE_INTEGER, now);
        now += bucket.waitMs() + lateMs;
      }
      const expected = (now / 1_000) * rate;
      assert.ok(taken <= expected + 1, `${taken} of ${expected}`);
      assert.ok(taken >= expected * 0.97 - rate * 0.2, `${taken} of ${expected}`);
    }),
  );
});
