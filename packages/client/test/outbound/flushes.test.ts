import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { ClosedConnectionError, InvalidArgumentError, TimeoutError } from "@nats-io/nats-core";
import { FlushError } from "../../src/errors.ts";
import { Flushes } from "../../src/outbound/flushes.ts";
import type { Patience } from "../../src/outbound/patience.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { Watched } from "./waits.ts";

class Rig {
  readonly clock = new VirtualClock();
  readonly flushes = new Flushes(this.clock);

  /** A flush behind `position`, for the log frames before that. */
  flush(position: number, patience?: Patience): Watched {
    return new Watched(this.flushes.add(position, { from: 0, to: position }, { from: 0, to: 1 }, true, patience));
  }

  /** A fence at `position` and its PONG. */
  pong(position: number): void {
    this.flushes.ask(position)?.();
  }
}

test("a flush is due when its position was written, and settles at the PONG of its PING", async () => {
  const rig = new Rig();
  const [first, second, third] = [rig.flush(10), rig.flush(20), rig.flush(30)];
  assert.equal(rig.flushes.isDue(9), false);
  assert.equal(rig.flushes.ask(9), undefined);
  assert.equal(rig.flushes.isDue(10), true);
  const settle = rig.flushes.ask(20);
  assert.equal(rig.flushes.isDue(29), false, "a PING is on its way for the others");
  assert.equal(await first.now(), "waiting");
  settle?.();
  assert.deepEqual([await first.now(), await second.now(), await third.now()], ["resolved", "resolved", "waiting"]);
});

test("it rejects with counts of what ended otherwise, of its own messages only", async () => {
  const rig = new Rig();
  const [small, large] = [rig.flush(10), rig.flush(20)];
  rig.flushes.framesEnded("expired", { from: 8, to: 13 });
  rig.flushes.framesEnded("rejected", { from: 0, to: 1 });
  rig.flushes.itemEnded("inDoubt", 0);
  rig.flushes.itemEnded("inDoubt", 1);
  rig.pong(20);
  for (const [flush, expired] of [
    [small, 2],
    [large, 5],
  ] as const) {
    const error = await flush.now();
    assert.ok(error instanceof FlushError);
    assert.deepEqual(error.counts, { rejected: 1, inDoubt: 1, dropped: 0, expired, undeliverable: 0, abandoned: 0 });
  }
});

test("one whose messages were only rejected resolves", async () => {
  const rig = new Rig();
  const flush = rig.flush(10);
  rig.flushes.framesEnded("rejected", { from: 0, to: 10 });
  rig.pong(10);
  assert.equal(await flush.now(), "resolved");
});

test("what ends while the PING is on its way, and on the next connection, counts once", async () => {
  const rig = new Rig();
  const flush = rig.flush(10);
  rig.flushes.ask(10);
  rig.flushes.framesEnded("inDoubt", { from: 0, to: 2 });
  rig.flushes.detached();
  rig.flushes.framesEnded("expired", { from: 2, to: 5 });
  rig.pong(10);
  const error = await flush.now();
  assert.ok(error instanceof FlushError);
  assert.deepEqual([error.counts.inDoubt, error.counts.expired], [2, 3]);
});

test("a round trip does not care how messages ended", async () => {
  const flushes = new Flushes(new VirtualClock());
  const trip = new Watched(flushes.add(10, { from: 0, to: 10 }, { from: 0, to: 0 }, false));
  flushes.framesEnded("expired", { from: 0, to: 10 });
  flushes.ask(10)?.();
  assert.equal(await trip.now(), "resolved");
});

test("those asked for on a connection that ended are due again on the next one, before those that were not", async () => {
  const rig = new Rig();
  const first = rig.flush(10);
  const stale = rig.flushes.ask(10);
  const second = rig.flush(20);
  rig.flushes.detached();
  stale?.();
  assert.equal(rig.flushes.isDue(10), true);
  rig.pong(10);
  assert.deepEqual([await first.now(), await second.now()], ["resolved", "waiting"]);
});

test("the end rejects all that wait", async () => {
  const rig = new Rig();
  const asked = rig.flush(10);
  rig.flushes.ask(10);
  const [waiting, lossy] = [rig.flush(20), rig.flush(30)];
  rig.flushes.framesEnded("abandoned", { from: 25, to: 30 });
  rig.flushes.end();
  assert.ok((await asked.now()) instanceof ClosedConnectionError);
  assert.ok((await waiting.now()) instanceof ClosedConnectionError);
  assert.ok((await lossy.now()) instanceof FlushError);
});

test("a timeout ends the waiting with TimeoutError, before and after the PING went", async () => {
  const rig = new Rig();
  const asked = rig.flush(10, { timeout: 100 });
  const settle = rig.flushes.ask(10);
  const waiting = rig.flush(20, { timeout: 50 });
  const patient = rig.flush(20);
  rig.clock.advance(99);
  assert.ok((await waiting.now()) instanceof TimeoutError);
  assert.equal(await asked.now(), "waiting");
  rig.clock.advance(1);
  assert.ok((await asked.now()) instanceof TimeoutError);
  assert.equal(await patient.now(), "waiting");
  settle?.();
  assert.equal(await patient.now(), "waiting", "the PONG of a flush that gave up settles no other");
  rig.pong(20);
  assert.equal(await patient.now(), "resolved");
});

test("one that gave up is forgotten: no PING is due for it, and it costs nothing later", async () => {
  const rig = new Rig();
  const gone = rig.flush(10, { timeout: 5 });
  rig.clock.advance(5);
  assert.ok((await gone.now()) instanceof TimeoutError);
  assert.equal(rig.flushes.isDue(10), false);
  assert.equal(rig.flushes.ask(10), undefined);
});

test("one that gave up after its PING went is not due again on the next connection", async () => {
  const rig = new Rig();
  const gone = rig.flush(10, { timeout: 5 });
  rig.flushes.ask(10);
  rig.clock.advance(5);
  assert.ok((await gone.now()) instanceof TimeoutError);
  rig.flushes.detached();
  assert.equal(rig.flushes.isDue(10), false);
});

test("a signal ends the waiting with its reason; one that was aborted before asks for no PING", async () => {
  const rig = new Rig();
  const abort = new AbortController();
  const flush = rig.flush(10, { signal: abort.signal, timeout: 1000 });
  const reason = { any: "value" };
  abort.abort(reason);
  assert.equal(await flush.now(), reason);
  assert.equal(await rig.flush(10, { signal: abort.signal }).now(), reason);
  assert.equal(rig.flushes.isDue(10), false);
  assert.equal(rig.clock.pending.timers, 0);
});

test("neither a timer nor a listener stays behind, however the waiting ends", async () => {
  for (const end of ["pong", "timeout", "abort", "end", "end of one asked for"] as const) {
    const rig = new Rig();
    const abort = new AbortController();
    const flush = rig.flush(10, { signal: abort.signal, timeout: 1000 });
    assert.deepEqual([rig.clock.pending.timers, getEventListeners(abort.signal, "abort").length], [1, 1]);
    if (end === "pong") rig.pong(10);
    if (end === "timeout") rig.clock.advance(1000);
    if (end === "abort") abort.abort();
    if (end === "end of one asked for") rig.flushes.ask(10);
    assert.equal(rig.flushes.waiting, end === "pong" || end === "timeout" || end === "abort" ? 0 : 1);
    if (end.startsWith("end")) rig.flushes.end();
    assert.equal(rig.flushes.waiting, 0, `${end}: a waiter stays behind`);
    assert.notEqual(await flush.now(), "waiting", end);
    assert.deepEqual([rig.clock.pending.timers, getEventListeners(abort.signal, "abort").length], [0, 0], end);
  }
});

test("its timer alone does not keep the process alive, and Infinity needs none", async () => {
  const rig = new Rig();
  rig.flush(10, { timeout: 1000 });
  assert.deepEqual([rig.clock.pending.timers, rig.clock.pending.keptAlive], [1, 0]);
  assert.equal(await rig.flush(10, { timeout: Infinity }).now(), "waiting");
  assert.equal(rig.clock.pending.timers, 1);
});

test("a timeout of 0 gives up in the next turn", async () => {
  const rig = new Rig();
  const flush = rig.flush(10, { timeout: 0 });
  assert.equal(await flush.now(), "waiting");
  rig.clock.advance(0);
  assert.ok((await flush.now()) instanceof TimeoutError);
});

test("a timeout or signal that makes no sense rejects by name, and asks for no PING", async () => {
  const rig = new Rig();
  for (const timeout of [Number.NaN, -1, "5", null, 5n, Symbol("soon"), {}]) {
    const error = await rig.flush(10, { timeout: timeout as number }).now();
    assert.ok(error instanceof InvalidArgumentError && error.message.includes("timeout"), String(error));
  }
  for (const signal of [null, {}, "now"]) {
    const error = await rig.flush(10, { signal: signal as AbortSignal }).now();
    assert.ok(error instanceof InvalidArgumentError && error.message.includes("signal"), String(error));
  }
  assert.equal(rig.flushes.isDue(10), false);
  assert.equal(rig.clock.pending.timers, 0);
});
