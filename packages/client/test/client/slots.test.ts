import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../src/client/slots.ts";

test("finds what was added until it is removed", () => {
  const slots = new Slots<{ name: string }>();
  const slot = slots.add({ name: "a" });
  assert.equal(slots.get(slot.index, slot.generation)?.name, "a");
  slots.remove(slot);
  slots.remove(slot);
  assert.equal(slots.get(slot.index, slot.generation), undefined);
  assert.equal(slots.size, 0);
});

test("uses a place again under another generation", () => {
  const slots = new Slots<{ name: string }>();
  const first = slots.add({ name: "first" });
  slots.add({ name: "stays" });
  slots.remove(first);
  const second = slots.add({ name: "second" });
  assert.equal(second.index, first.index);
  assert.equal(slots.get(first.index, first.generation), undefined);
  slots.remove(first);
  assert.deepEqual(slots.values(), [{ name: "second" }, { name: "stays" }]);
});

test("a generation never comes back, not even after everything was removed", () => {
  const slots = new Slots<object>();
  const first = slots.add({});
  slots.remove(first);
  const second = slots.add({});
  assert.deepEqual([second.index, second.generation > first.generation], [0, true]);
});

test("knows nothing of places that never were", () => {
  const slots = new Slots<object>();
  assert.equal(slots.get(5, 1), undefined);
  assert.equal(slots.get(2 ** 60, 2 ** 60), undefined);
});
