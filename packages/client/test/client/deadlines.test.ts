import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Deadlines } from "../../src/client/deadlines.ts";
import { VirtualClock } from "../../src/testing/index.ts";

test("each runs at its time, never early, in the order of their times; one timer for all of a length, none when nothing waits", () => {
  const step = fc.oneof(
    fc.record({ begin: fc.constantFrom(0, 1, 10, 10, 10, 1000.5) }),
    fc.record({ cancel: fc.nat(30) }),
    fc.record({ pass: fc.double({ min: 0, max: 20, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new VirtualClock();
      const deadlines = new Deadlines(clock);
      const begun: { readonly due: number; readonly delay: number; ranAt: number | undefined; over: boolean; cancel(): void }[] =
        [];
      for (const each of steps) {
        if ("begin" in each) {
          const wait = {
            due: clock.now() + each.begin,
            delay: each.begin,
            ranAt: undefined as number | undefined,
            over: false,
            cancel: () => {},
          };
          const deadline = deadlines.timer(each.begin, () => {
            assert.equal(wait.over, false);
            wait.over = true;
            wait.ranAt = clock.now();
          });
          wait.cancel = () => deadline.cancel();
          begun.push(wait);
        } else if ("cancel" in each) {
          const wait = begun[each.cancel];
          wait?.cancel();
          if (wait !== undefined) wait.over = true;
        } else {
          clock.advance(each.pass);
        }
        const waiting = begun.filter((wait) => !wait.over);
        assert.equal(clock.pending.timers, new Set(waiting.map((wait) => wait.delay)).size);
        for (const { due } of waiting) assert.ok(due > clock.now() - 1e-6 || "begin" in each);
      }
      clock.advance(2000);
      for (const { due, ranAt, over } of begun) {
        assert.ok(over);
        if (ranAt !== undefined) assert.ok(ranAt >= due && ranAt - due < 1e-6, `due ${due}, ran at ${ranAt}`);
      }
      assert.equal(clock.pending.timers, 0);
    }),
  );
});

test("a task may begin and cancel others: what is cancelled in the turn of its time does not run", () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const ran: string[] = [];
  deadlines.timer(10, () => {
    ran.push("first");
    second.cancel();
    deadlines.timer(10, () => ran.push("third"));
  });
  const second = deadlines.timer(10, () => ran.push("second"));
  clock.advance(10);
  assert.deepEqual([ran, clock.pending.timers], [["first"], 1]);
  clock.advance(10);
  assert.deepEqual([ran, clock.pending.timers], [["first", "third"], 0]);
});

test("a task that throws does not take the others with it", () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const ran: string[] = [];
  deadlines.timer(10, () => {
    throw new Error("mine");
  });
  deadlines.timer(10, () => ran.push("second"));
  assert.throws(() => clock.advance(10), /mine/);
  clock.advance(10);
  assert.deepEqual(ran, ["second"]);
});

test("cancelling again what is over changes nothing", () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const first = deadlines.timer(10, () => assert.fail("cancelled"));
  first.cancel();
  const ran: string[] = [];
  deadlines.timer(10, () => ran.push("second"));
  first.cancel();
  deadlines.timer(10, () => ran.push("third"));
  assert.equal(clock.pending.timers, 1);
  clock.advance(10);
  assert.deepEqual(ran, ["second", "third"]);
});
