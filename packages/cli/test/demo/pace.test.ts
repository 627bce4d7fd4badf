import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dueAt } from "../../src/demo/pace.ts";
import { publishOnSchedule } from "../../src/demo/publishing.ts";

test("message n is due at n * 1000 / rate, not earlier and not later", () => {
  assert.equal(dueAt(-1, 10_000, 100), 0);
  assert.equal(dueAt(0, 10_000, 100), 1);
  assert.equal(dueAt(0.09, 10_000, 100), 1);
  assert.equal(dueAt(0.1, 10_000, 100), 2);
  assert.equal(dueAt(1, 10_000, 100), 11);
  assert.equal(dueAt(1_000, 10_000, 100), 100);
});

test("what is due depends on the time alone: late looks at the clock lose nothing and nothing drifts", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 })), fc.integer({ min: 1, max: 1_000_000 }), (looks, rate) => {
      const total = 10_000;
      const seen = [...looks].sort((a, b) => a - b).map((at) => dueAt(at, rate, total));
      assert.ok(seen.every((due, index) => due >= (seen[index - 1] ?? 0) && due <= total));
      assert.equal(dueAt((1_000 * (total - 1)) / rate + 1, rate, total), total);
    }),
  );
});

test("publishing calls every number once, in order, and waits for the start", async () => {
  const numbers: number[] = [];
  const start = performance.now() + 20;
  let firstAt = 0;
  await publishOnSchedule({ start, rate: 100_000, total: 7_000, giveUpMs: 10_000 }, (number) => {
    if (number === 0) firstAt = performance.now();
    numbers.push(number);
  });
  assert.ok(firstAt >= start);
  assert.deepEqual(
    numbers,
    Array.from({ length: 7_000 }, (_, number) => number),
  );
});

test("publishing gives up when it is far behind its schedule, and says how long it took", async () => {
  let published = 0;
  const blockMs = 30;
  const took = await publishOnSchedule({ start: performance.now(), rate: 1_000, total: 1_000_000, giveUpMs: 50 }, () => {
    published += 1;
    if (published > 1) return;
    const end = performance.now() + blockMs;
    while (performance.now() < end);
  });
  assert.ok(took >= 50);
  assert.ok(published > 1 && published < 1_000_000);
});
