import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { isOptionsObject, isWithin, kindOf, printable } from "../src/option-checks.ts";

test("printable is short, on one line, and runs no code of the caller", () => {
  const hostile = {
    toString() {
      throw new Error("called");
    },
    toJSON() {
      throw new Error("called");
    },
  };
  assert.equal(printable(hostile), "an object");
  assert.equal(printable("a\r\nb"), '"a\\r\\nb"');
  assert.equal(printable("x".repeat(1e6)).length, 43);
  assert.equal(printable(10n ** 10_000n), "a bigint");
  assert.equal(printable(Number.NaN), "NaN");
  assert.equal(printable(undefined), "undefined");
});

test("kindOf never tells the value", () => {
  assert.deepEqual(["s3cret", 5, true, null, undefined, [], {}, () => {}, 5n, Symbol("s3cret")].map(kindOf), [
    ...["a string", "a number", "a boolean", "null", "undefined", "an array", "an object", "a function"],
    ...["a bigint", "a symbol"],
  ]);
});

test("an options object may be of any class, realm or prototype, but must have its content in properties", () => {
  class Config {
    readonly name = "x";
    get [Symbol.toStringTag](): string {
      return "Config";
    }
  }
  const good = [{}, Object.create(null), new Config(), runInNewContext("({ a: 1 })"), runInNewContext("({})")];
  assert.deepEqual(good.map(isOptionsObject), [true, true, true, true, true]);
  const bad = [
    null,
    undefined,
    "x",
    [],
    runInNewContext("[1]"),
    new Map([[1, 2]]),
    new Set(),
    new Date(),
    new Uint8Array(2),
    () => {},
  ];
  assert.deepEqual(bad.filter(isOptionsObject), []);
});

test("NaN is within no range, and Infinity is whole", () => {
  const all = { min: -Infinity, max: Infinity, whole: false, allowed: "" };
  assert.equal(isWithin(Number.NaN, all), false);
  assert.equal(isWithin(Infinity, { ...all, whole: true }), true);
  assert.equal(isWithin(0.5, { ...all, whole: true }), false);
});
