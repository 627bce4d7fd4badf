import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { numberLimit, PayloadFormat, smallestPayload, unreadable } from "../../src/demo/payload.ts";

test("a payload has exactly the size asked for, and shows the client's name and the number", () => {
  const payload = new PayloadFormat("nats.js", 20).write(1234);
  assert.equal(Buffer.from(payload).toString("latin1"), "nats.js 00001234....");
});

test("every number survives writing and reading, at every size", () => {
  fc.assert(
    fc.property(fc.nat(numberLimit - 1), fc.integer({ min: smallestPayload, max: 200 }), (number, size) => {
      const format = new PayloadFormat("holdfast", size);
      const payload = format.write(number);
      assert.equal(payload.length, size);
      assert.equal(format.read(payload), number);
    }),
  );
});

test("a payload with any one byte changed in name or padding, or with another length, is unreadable", () => {
  const format = new PayloadFormat("holdfast", 24);
  for (const at of [0, 7, 16, 23]) {
    const payload = format.write(7);
    payload[at] = (payload[at] ?? 0) ^ 1;
    assert.equal(format.read(payload), unreadable, `byte ${at}`);
  }
  assert.equal(format.read(format.write(7).subarray(1)), unreadable);
  assert.equal(format.read(new Uint8Array(0)), unreadable);
});

test("a payload whose number is not made of digits is unreadable", () => {
  const format = new PayloadFormat("holdfast", 16);
  const payload = format.write(7);
  payload[10] = 0x20;
  assert.equal(format.read(payload), unreadable);
});

test("every payload has memory of its own: a client may keep a reference to it", () => {
  const format = new PayloadFormat("nats.js", 16);
  const first = format.write(1);
  format.write(2);
  assert.equal(format.read(first), 1);
});

test("a number that does not fit and a size without room are refused", () => {
  assert.throws(() => new PayloadFormat("x", smallestPayload - 1), RangeError);
  assert.throws(() => new PayloadFormat("x", 16).write(numberLimit), RangeError);
  assert.throws(() => new PayloadFormat("x", 16).write(-1), RangeError);
});
