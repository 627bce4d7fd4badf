import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Queue } from "../../src/bytes/queue.ts";

/** Does one step to both; returns the array. */
function step(queue: Queue<number>, model: readonly number[], op: string, n: number): number[] {
  switch (op) {
    case "push":
      queue.push(n);
      return [...model, n];
    case "unshift":
      queue.unshift(n);
      return [n, ...model];
    case "shift":
      assert.equal(queue.shift(), model[0]);
      return model.slice(1);
    case "drop":
      queue.drop(n);
      return model.slice(Math.max(0, n));
    case "filter":
      queue.filter((each) => each % 3 !== n % 3);
      return model.filter((each) => each % 3 !== n % 3);
    default:
      if (model.length <= 20) return [...model];
      queue.clear();
      return [];
  }
}

describe("Queue", () => {
  it("does what an array does, whatever is done to it", () => {
    const steps = fc.oneof(
      { weight: 4, arbitrary: fc.record({ op: fc.constant("push" as const), n: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("shift" as const, "clear" as const), n: fc.constant(0) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          op: fc.constantFrom("drop" as const, "unshift" as const, "filter" as const),
          n: fc.integer({ min: -2, max: 40 }),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 300, size: "max" }), (list) => {
        const queue = new Queue<number>();
        let model: number[] = [];
        for (const { op, n } of list) {
          model = step(queue, model, op, n);
          assert.deepEqual([...queue], model);
          assert.equal(queue.length, model.length);
          assert.equal(queue.peek(), model[0]);
          assert.equal(queue.last(), model.at(-1));
          assert.equal(queue.at(3), model[3]);
        }
      }),
    );
  });

  it("finds the end of the prefix for which something holds", () => {
    const queue = new Queue<number>();
    for (const n of [0, 1, 3, 5, 8]) queue.push(n);
    queue.shift();
    assert.equal(
      queue.lastWhere((n) => n < 1),
      -1,
    );
    assert.equal(
      queue.lastWhere((n) => n <= 3),
      1,
    );
    assert.equal(
      queue.lastWhere((n) => n < 100),
      3,
    );
  });
});
