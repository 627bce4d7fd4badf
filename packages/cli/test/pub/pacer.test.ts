import assert from "node:assert/strict";
import { test } from "node:test";
import { Pacer } from "../../src/pub/pacer.ts";

const never = new AbortController().signal;

test("without an interval nothing waits", () => {
  const pacer = new Pacer(0);
  assert.equal(pacer.next(never), undefined);
  assert.equal(pacer.next(never), undefined);
});

test("messages are the interval apart, and after a wait there is no burst", async () => {
  const pacer = new Pacer(30);
  const begin = performance.now();
  assert.equal(pacer.next(never), undefined, "the first is due");
  await pacer.next(never);
  assert.ok(performance.now() - begin >= 29);
  await new Promise((resolve) => setTimeout(resolve, 200));
  // Of the seven that fell due meanwhile one goes at once.
  assert.equal(pacer.next(never), undefined);
  const waiting = pacer.next(never);
  assert.ok(waiting instanceof Promise);
  await waiting;
});

test("a wait ends with the signal", async () => {
  const pacer = new Pacer(60_000);
  const stop = new AbortController();
  void pacer.next(stop.signal);
  const waiting = pacer.next(stop.signal);
  stop.abort();
  await assert.rejects(async () => await waiting, { name: "AbortError" });
});
