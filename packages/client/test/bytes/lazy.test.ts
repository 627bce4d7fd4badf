import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LazyMap } from "../../src/bytes/lazy-map.ts";
import { LazySet } from "../../src/bytes/lazy-set.ts";

const key = fc.integer({ min: 0, max: 3 });
const step = fc.record({ what: fc.constantFrom("add", "add", "delete", "delete", "clear"), key });

test("a LazySet is a Set, empty or not", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const lazy = new LazySet<number>();
      const real = new Set<number>();
      for (const { what, key: item } of steps) {
        if (what === "add") {
          lazy.add(item);
          real.add(item);
        } else if (what === "delete") assert.equal(lazy.delete(item), real.delete(item));
        else {
          lazy.clear();
          real.clear();
        }
        assert.deepEqual([...lazy], [...real]);
        assert.equal(lazy.size, real.size);
      }
    }),
  );
});

test("a LazyMap is a Map, empty or not", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const lazy = new LazyMap<number, number>();
      const real = new Map<number, number>();
      for (const [value, { what, key: item }] of steps.entries()) {
        if (what === "add") {
          lazy.set(item, value);
          real.set(item, value);
        } else assert.equal(lazy.delete(item), real.delete(item));
        assert.deepEqual([...lazy.values()], [...real.values()]);
        assert.equal(lazy.size, real.size);
        for (let each = 0; each <= 3; each++) {
          assert.equal(lazy.get(each), real.get(each));
          assert.equal(lazy.has(each), real.has(each));
        }
      }
    }),
  );
});

test("everything may be deleted while it is gone through", () => {
  const set = new LazySet<number>();
  const map = new LazyMap<number, number>();
  for (let i = 0; i < 5; i++) {
    set.add(i);
    map.set(i, i);
  }
  const seen: number[] = [];
  for (const item of set) {
    seen.push(item);
    set.delete(item);
  }
  for (const item of map.values()) {
    seen.push(item);
    map.delete(item);
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  assert.deepEqual([set.size, map.size], [0, 0]);
});
