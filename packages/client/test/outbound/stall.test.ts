import assert from "node:assert/strict";
import { test } from "node:test";
import { Stall } from "../../src/outbound/stall.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** The rule for a connection that waits for a PONG, and when it was ended. */
function waiting(timeout: number): { clock: VirtualClock; stall: Stall; ends: number[] } {
  const clock = new VirtualClock();
  const ends: number[] = [];
  const view = { waiting: true, ahead: 0 };
  const stall = new Stall(
    timeout,
    clock,
    view,
    () => {
      ends.push(clock.now());
      view.waiting = false;
    },
    () => {},
  );
  stall.attached();
  return { clock, stall, ends };
}

// 500 and 1000: limits that the clock reaches before it passes a second, where bytes alone do not set it to zero at once.
for (const timeout of [500, 1000, 2000]) {
  test(`stallTimeout ${timeout}: bytes that the kernel had behind the tick which found the limit are a sign of life`, () => {
    const { clock, stall, ends } = waiting(timeout);
    // Set before the tick, so that its turn comes before that of the last chance: as bytes do, which are read in between.
    clock.timer(timeout, () => clock.nextTurn(() => stall.heard()));
    stall.watch(clock.now());
    clock.advance(timeout);
    assert.deepEqual(ends, []);
    clock.advance(timeout);
    assert.deepEqual(ends, [2 * timeout], "and not a second time");
  });

  test(`stallTimeout ${timeout}: bytes before the tick that found the limit are one, too, also behind a blocked loop`, () => {
    const { clock, stall, ends } = waiting(timeout);
    stall.watch(clock.now());
    clock.block(3 * timeout);
    clock.nextTurn(() => stall.heard());
    clock.advance(0);
    assert.deepEqual(ends, []);
  });
}
