import assert from "node:assert/strict";
import { test } from "node:test";
import { copyOf, viewOf } from "../../src/bytes/copies.ts";

const source: Uint8Array = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7 + 1) % 251));
const words = new DataView(source.buffer, source.byteOffset, source.length);

test("copies are right at every length, and stay so whatever is copied after them", () => {
  for (const view of [undefined, words]) {
    const lengths = [...Array.from({ length: 200 }, (_, i) => i), 1023, 1024, 1025, 4000];
    const copies = lengths.map((length) => copyOf(source, 3, 3 + length, view));
    for (const [i, copy] of copies.entries()) {
      assert.equal(Object.getPrototypeOf(copy), Uint8Array.prototype);
      assert.equal(Buffer.compare(copy, source.subarray(3, 3 + (lengths[i] ?? 0))), 0);
    }
  }
});

test("a copy does not change when its source does, nor when its neighbour does", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const [first, second] = [copyOf(bytes, 0, 8), copyOf(bytes, 0, 8)];
  bytes.fill(0);
  first.fill(9);
  assert.deepEqual(second, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
});

test("whoever transfers the memory of a copy to another thread does not stop the next copy", () => {
  for (const length of [16, 500]) {
    const taken = copyOf(source, 0, length);
    const { buffer } = taken;
    assert.ok(buffer instanceof ArrayBuffer);
    structuredClone(taken, { transfer: [buffer] });
    for (const view of [undefined, words])
      assert.equal(Buffer.compare(copyOf(source, 0, length, view), source.subarray(0, length)), 0);
  }
});

test("a view shares the memory of what it is of", () => {
  const bytes = Buffer.from([1, 2, 3, 4]);
  const view = viewOf(bytes, 1, 3);
  bytes[1] = 9;
  assert.deepEqual(view, Uint8Array.of(9, 3));
});
