import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { drawWait } from "../../src/session/backoff.ts";

const options = { reconnectTimeWait: 2000, reconnectJitter: 100, reconnectJitterTLS: 1000, reconnectDelayHandler: undefined };
const fail = (error: Error): void => assert.fail(error);

test("a wait is reconnectTimeWait plus whole milliseconds up to and including the jitter", () => {
  assert.equal(
    drawWait(options, false, () => 0, fail),
    2000,
  );
  assert.equal(
    drawWait(options, false, () => 0.999999, fail),
    2100,
  );
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      const wait = drawWait(options, false, () => random, fail);
      assert.ok(Number.isInteger(wait) && wait >= 2000 && wait <= 2100);
    }),
  );
});

test("under TLS the other jitter applies", () => {
  assert.equal(
    drawWait(options, true, () => 0.999999, fail),
    3000,
  );
});

test("without jitter the wait is exact", () => {
  assert.equal(
    drawWait({ ...options, reconnectJitter: 0 }, false, () => 0.999999, fail),
    2000,
  );
});

test("a handler replaces wait and jitter", () => {
  assert.equal(
    drawWait({ ...options, reconnectDelayHandler: () => 7 }, false, () => 0.5, fail),
    7,
  );
  assert.equal(
    drawWait({ ...options, reconnectDelayHandler: () => 0 }, false, () => 0.5, fail),
    0,
  );
});

for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
  test(`a handler that returns ${bad} is reported and replaced by the default`, () => {
    const errors: Error[] = [];
    assert.equal(
      drawWait(
        { ...options, reconnectDelayHandler: () => bad },
        false,
        () => 0,
        (error) => errors.push(error),
      ),
      2000,
    );
    assert.deepEqual(
      errors.map((error) => error.message),
      [`'reconnectDelayHandler' must return milliseconds, 0 or more; it returned ${bad}`],
    );
  });
}

test("a handler that returns no number is reported and replaced by the default", () => {
  const errors: Error[] = [];
  const handler = (): number => JSON.parse('"soon"');
  assert.equal(
    drawWait(
      { ...options, reconnectDelayHandler: handler },
      false,
      () => 0,
      (error) => errors.push(error),
    ),
    2000,
  );
  assert.match(errors[0]?.message ?? "", /it returned a value of type string$/);
});

test("a handler that throws is reported with its error and replaced by the default", () => {
  const errors: Error[] = [];
  const cause = new Error("no idea");
  const handler = (): number => {
    throw cause;
  };
  assert.equal(
    drawWait(
      { ...options, reconnectDelayHandler: handler },
      false,
      () => 0,
      (error) => errors.push(error),
    ),
    2000,
  );
  assert.equal(errors[0]?.message, "'reconnectDelayHandler' threw: no idea");
  assert.equal(errors[0]?.cause, cause);
});
