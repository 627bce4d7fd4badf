import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Fifo } from "../../src/inbound/fifo.ts";

interface Item {
  readonly n: number;
}

test("gives back what was put in, in order, whatever the order of calls", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("push", "shift", "clear"), { maxLength: 200 }), (calls) => {
      const fifo = new Fifo<Item>();
      let model: Item[] = [];
      calls.forEach((call, n) => {
        if (call === "push") {
          fifo.push({ n });
          model.push({ n });
        } else if (call === "shift") {
          assert.deepEqual(fifo.shift(), model.shift());
        } else {
          fifo.clear();
          model = [];
        }
        assert.equal(fifo.size, model.length);
      });
    }),
  );
});

test("lets go of what was taken", async () => {
  const fifo = new Fifo<Item>();
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  (() => {
    for (let n = 0; n < 100; n++) {
      const item = { n };
      registry.register(item, undefined);
      fifo.push(item);
    }
    // Half of them: the rest of the array is still in use.
    for (let n = 0; n < 50; n++) fifo.shift();
  })();
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--expose-gc");
  const { runInNewContext } = await import("node:vm");
  for (let i = 0; i < 20 && collected < 49; i++) {
    runInNewContext("gc")();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(collected >= 49, `${collected} of 50 collected`);
  assert.equal(fifo.size, 50);
});
