import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedConnectionError, DrainingConnectionError } from "@nats-io/nats-core";
import { Life } from "../../src/client/life.ts";

test("an open connection allows everything", () => {
  const life = new Life();
  life.checkPublish();
  life.checkSubscribe();
  assert.deepEqual([life.isClosed, life.isDraining], [false, false]);
});

test("while draining publishing is allowed, subscribing is not", () => {
  const life = new Life();
  life.drain();
  life.checkPublish();
  assert.throws(() => life.checkSubscribe(), DrainingConnectionError);
  assert.deepEqual([life.isClosed, life.isDraining], [false, true]);
});

test("once the subscriptions are drained publishing is refused", () => {
  const life = new Life();
  life.drain();
  life.settle();
  assert.throws(() => life.checkPublish(), DrainingConnectionError);
});

test("after close nothing is allowed, and a drain is remembered", () => {
  const closed = new Life();
  closed.close();
  for (const check of ["checkPublish", "checkSubscribe"] as const) assert.throws(() => closed[check](), ClosedConnectionError);
  assert.deepEqual([closed.isClosed, closed.isDraining], [true, false]);
  const drained = new Life();
  drained.drain();
  drained.close();
  drained.settle();
  assert.deepEqual([drained.isClosed, drained.isDraining], [true, true]);
});
