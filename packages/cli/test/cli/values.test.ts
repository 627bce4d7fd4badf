import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, several, size, wholeNumber } from "../../src/cli/values.ts";

test("durations are written as in Go", () => {
  const parse = duration(0);
  assert.deepEqual(["0", "0s", "300ms", "5s", "1m30s", "2h", "1.5s"].map(parse), [0, 0, 300, 5_000, 90_000, 7_200_000, 1_500]);
  for (const bad of ["", "5", "-1s", "5 s", "1d", "s", "1s5"])
    assert.throws(() => parse(bad), /It must be a duration such as 500ms, 5s or 1m30s\./, bad);
  assert.throws(() => duration(1)("0"), /1m30s, 1ms or more\./);
});

test("sizes have units, of 1000 or of 1024", () => {
  const parse = size(1, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    ["1", "64KiB", "64k", "8MB", "1.5MiB", "2 GB"].map(parse),
    [1, 65_536, 65_536, 8_000_000, 1_572_864, 2_000_000_000],
  );
  for (const bad of ["", "0", "-1", "8XB", "MB", "1e3", "Infinity"])
    assert.throws(() => parse(bad), /It must be a number of bytes from 1, such as 65536/, bad);
  assert.throws(() => size(65_536, 1024 ** 3)("1"), /from 65536 to 1073741824/);
});

test("numbers are whole and in their range", () => {
  assert.equal(wholeNumber(1, 10)("10"), 10);
  for (const bad of ["0", "11", "1.5", "x", ""])
    assert.throws(() => wholeNumber(1, 10)(bad), /It must be a whole number from 1 to 10\./, bad);
});

test("an option that may be given several times keeps them in order", () => {
  assert.deepEqual(several("b", several("a", undefined)), ["a", "b"]);
});
