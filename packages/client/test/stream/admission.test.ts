import assert from "node:assert/strict";
import { test } from "node:test";
import { Admission } from "../../src/stream/admission.ts";
import { VirtualClock } from "../../src/testing/index.ts";

test("a place that was promised and not taken in the same turn is promised to the next", async () => {
  const clock = new VirtualClock();
  const admission = new Admission(clock, 1, Infinity);
  await admission.ready(undefined);
  let second = false;
  const waiting = admission.ready(undefined).then(() => {
    second = true;
  });
  await Promise.resolve();
  assert.equal(second, false);
  clock.advance(0);
  await waiting;
});

test("an abort takes a waiter out of the line", async () => {
  const admission = new Admission(new VirtualClock(), 1, Infinity);
  admission.enter(0);
  const abort = new AbortController();
  const first = admission.ready(abort.signal);
  const second = admission.ready(undefined);
  abort.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  admission.leave(0);
  await second;
});
