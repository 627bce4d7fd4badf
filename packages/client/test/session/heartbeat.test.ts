import assert from "node:assert/strict";
import { test } from "node:test";
import { Heartbeat } from "../../src/session/heartbeat.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

interface Watched {
  readonly clock: VirtualClock;
  readonly heartbeat: Heartbeat;
  /** What happened, as text: "ping 1", "send", "stale". */
  readonly log: string[];
  /** `onPong` of each PING that was sent. */
  readonly pongs: (() => void)[];
}

function watch(maxPingOut: number): Watched {
  const clock = new VirtualClock();
  const log: string[] = [];
  const pongs: (() => void)[] = [];
  const heartbeat = new Heartbeat(1000, maxPingOut, clock, {
    ping: (pendingPings) => log.push(`ping ${pendingPings}`),
    send: (onPong) => {
      log.push("send");
      pongs.push(onPong);
    },
    stale: () => log.push("stale"),
  });
  heartbeat.start();
  return { clock, heartbeat, log, pongs };
}

test("a connection is stale when the interval ends with maxPingOut PINGs unanswered", () => {
  const { clock, log } = watch(2);
  clock.advance(2999);
  assert.deepEqual(log, ["ping 1", "send", "ping 2", "send"]);
  clock.advance(1);
  assert.deepEqual(log, ["ping 1", "send", "ping 2", "send", "ping 3", "stale"]);
  assert.equal(clock.pending.timers, 0);
});

test("a PONG answers for all PINGs before it", () => {
  const { clock, log, pongs } = watch(2);
  clock.advance(2000);
  pongs[1]?.();
  clock.advance(2000);
  assert.deepEqual(log, ["ping 1", "send", "ping 2", "send", "ping 1", "send", "ping 2", "send"]);
});

test("a connection that answers is never stale", () => {
  const { clock, log, pongs } = watch(1);
  for (let beat = 0; beat < 100; beat++) {
    clock.advance(1000);
    pongs.at(-1)?.();
  }
  assert.equal(log.includes("stale"), false);
  assert.equal(log.length, 200);
});

test("a stopped heartbeat leaves no timer", () => {
  const { clock, heartbeat, log } = watch(2);
  heartbeat.stop();
  clock.advance(10_000);
  assert.deepEqual([log, clock.pending.timers], [[], 0]);
});

test("starting again begins anew with one timer and no PING outstanding", () => {
  const { clock, heartbeat, log } = watch(2);
  clock.advance(2500);
  heartbeat.start();
  assert.equal(clock.pending.timers, 1);
  clock.advance(1000);
  assert.equal(log.at(-2), "ping 1");
});

test("the heartbeat never keeps the process alive", () => {
  const { clock } = watch(2);
  assert.equal(clock.pending.keptAlive, 0);
  clock.advance(1500);
  assert.deepEqual([clock.pending.timers, clock.pending.keptAlive], [1, 0]);
});
