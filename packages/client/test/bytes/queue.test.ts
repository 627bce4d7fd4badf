import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Queue } from "../../src/bytes/queue.ts";

describe("Queue", () => {
  it("does what an array does, whatever is done to it", () => {
    const step = fc.oneof(
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
      fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
        const queue = new Queue<number>();
        let model: number[] = [];
        for (const { op, n } of steps) {
          if (op === "push") queue.push(n), model.push(n);
          else if (op === "shift") assert.equal(queue.shift(), model.shift());
          else if (op === "unshift") queue.unshift(n), model.unshift(n);
          else if (op === "drop") queue.drop(n), model.splice(0, Math.max(0, n));
          else if (op === "filter")
            queue.filter((each) => each % 3 !== n % 3), (model = model.filter((each) => each % 3 !== n % 3));
          else if (model.length > 20) queue.clear(), (model = []);
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
