import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Heap } from "../../src/bytes/heap.ts";

describe("heap", () => {
  it("gives the lowest key first, whatever went in and out before", () => {
    const heap = new Heap<{ readonly key: number }>();
    assert.equal(heap.peek(), undefined);
    assert.equal(heap.pop(), undefined);
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: fc.nat(50) }, fc.constant("pop" as const))), (steps) => {
        heap.clear();
        let model: number[] = [];
        for (const step of steps) {
          if (step === "pop") {
            assert.equal(heap.pop()?.key, model[0]);
            model = model.slice(1);
          } else {
            heap.push({ key: step });
            model = [...model, step].sort((a, b) => a - b);
          }
          assert.equal(heap.peek()?.key, model[0]);
          assert.equal(heap.length, model.length);
        }
      }),
    );
  });
});
