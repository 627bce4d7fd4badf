import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A clock and a list of what ran when. */
function recorded(options = {}): { clock: VirtualClock; ran: string[]; note: (what: string) => () => void } {
  const clock = new VirtualClock(options);
  const ran: string[] = [];
  return { clock, ran, note: (what) => () => void ran.push(`${what}@${clock.now()}`) };
}

test("time stands still until it is moved, and the wall clock moves with it", () => {
  const clock = new VirtualClock({ start: 500, epoch: 10_000 });
  assert.equal(clock.now(), 500);
  clock.advance(250.5);
  assert.equal(clock.now(), 750.5);
  assert.equal(clock.epoch(), 10_250.5);
});

test("timers run by due time, and in order of creation among equals", () => {
  const { clock, ran, note } = recorded();
  clock.timer(20, note("c"));
  clock.timer(10, note("a"));
  clock.timer(10, note("b"));
  clock.timer(30, note("late"));
  clock.advance(20);
  assert.deepEqual(ran, ["a@10", "b@10", "c@20"]);
  assert.equal(clock.now(), 20);
});

test("a timer set by a timer runs in the same call when it is due in time", () => {
  const { clock, ran, note } = recorded();
  clock.timer(10, () => clock.timer(5, note("second")));
  clock.advance(14);
  assert.deepEqual(ran, []);
  clock.advance(1);
  assert.deepEqual(ran, ["second@15"]);
});

test("a cancelled timer does not run, and cancelling it again or after it fired does nothing", () => {
  const { clock, ran, note } = recorded();
  const cancelled = clock.timer(1, note("never"));
  const fired = clock.timer(1, note("fired"));
  cancelled.cancel();
  cancelled.cancel();
  clock.advance(1);
  fired.cancel();
  assert.deepEqual(ran, ["fired@1"]);
});

test("deferred tasks run after each task, before the next timer of the same time", () => {
  const { clock, ran, note } = recorded();
  clock.timer(1, () => {
    note("one")();
    clock.defer(() => {
      note("deferred")();
      clock.defer(note("deferred by deferred"));
    });
  });
  clock.timer(1, note("two"));
  clock.advance(1);
  assert.deepEqual(ran, ["one@1", "deferred@1", "deferred by deferred@1", "two@1"]);
});

test("turns alternate: what a turn adds belongs to the next one, and due timers come between turns", () => {
  const { clock, ran, note } = recorded();
  clock.nextTurn(() => {
    note("turn 1")();
    clock.nextTurn(note("turn 2"));
    clock.timer(0, note("timer"));
  });
  clock.nextTurn(note("also turn 1"));
  clock.advance();
  assert.deepEqual(ran, ["turn 1@0", "also turn 1@0", "timer@0", "turn 2@0"]);
});

test("all timers of one time come before the turns that they ask for", () => {
  const { clock, ran, note } = recorded();
  clock.timer(5, () => {
    note("one")();
    clock.nextTurn(note("turn"));
  });
  clock.timer(5, note("two"));
  clock.advance(5);
  assert.deepEqual(ran, ["one@5", "two@5", "turn@5"]);
});

test("a timer of 0 ms that sets itself again does not starve the turns", () => {
  const { clock, ran, note } = recorded();
  let left = 3;
  const again = (): void => {
    note("timer")();
    left -= 1;
    if (left > 0) clock.timer(0, again);
  };
  clock.timer(0, again);
  clock.nextTurn(note("turn"));
  clock.advance();
  assert.deepEqual(ran, ["turn@0", "timer@0", "timer@0", "timer@0"]);
  ran.length = 0;
  left = 2;
  clock.timer(5, () => {
    clock.nextTurn(note("turn"));
    again();
  });
  clock.advance(5);
  assert.deepEqual(ran, ["timer@5", "turn@5", "timer@5"]);
});

test("runUntil() refuses to go back, and a delay that is not finite is refused", () => {
  const clock = new VirtualClock();
  clock.advance(10);
  assert.throws(() => clock.runUntil(9), /at 10 ms and cannot go to 9/);
  assert.throws(() => clock.advance(Number.NaN), RangeError);
  assert.throws(() => clock.timer(Number.NaN, () => {}), RangeError);
  assert.throws(() => clock.timer(Number.POSITIVE_INFINITY, () => {}), RangeError);
});

test("a negative delay is due now", () => {
  const { clock, ran, note } = recorded();
  clock.timer(-5, note("now"));
  clock.advance();
  assert.deepEqual(ran, ["now@0"]);
});

test("block() lets time pass without running anything; what is overdue runs late, once", () => {
  const { clock, ran, note } = recorded();
  clock.timer(10, note("overdue"));
  clock.block(15_000);
  assert.deepEqual(ran, []);
  clock.advance();
  assert.deepEqual(ran, ["overdue@15000"]);
});

test("runAll() ends with nothing pending, and a timer that sets itself for ever is an error", () => {
  const { clock, ran, note } = recorded();
  clock.timer(3_600_000, note("an hour"));
  clock.defer(note("deferred"));
  clock.nextTurn(note("turn"));
  clock.runAll();
  assert.deepEqual(ran, ["deferred@0", "turn@0", "an hour@3600000"]);
  assert.deepEqual(clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
  const forever = (): void => void clock.timer(1, forever);
  forever();
  assert.throws(() => clock.runAll(1_000), /1000 tasks ran/);
});

test("an endless loop without time is an error, not a hang", () => {
  const clock = new VirtualClock({ maxTasksAtOnce: 100 });
  const forever = (): void => clock.nextTurn(forever);
  forever();
  assert.throws(() => clock.advance(1), /the time does not move on/);
});

test("pending counts what is left behind, and which timers keep the process alive", () => {
  const clock = new VirtualClock();
  const timer = clock.timer(5, () => {});
  clock.timer(6, () => {}).keepAlive(false);
  clock.defer(() => {});
  clock.nextTurn(() => {});
  assert.deepEqual(clock.pending, { timers: 2, keptAlive: 1, deferred: 1, turns: 1 });
  assert.equal(clock.nextTimer, 5);
  timer.cancel();
  assert.deepEqual(clock.pending, { timers: 1, keptAlive: 0, deferred: 1, turns: 1 });
});

test("an error thrown by a task comes out, and the rest can go on", () => {
  const { clock, ran, note } = recorded();
  clock.timer(1, () => {
    throw new Error("boom");
  });
  clock.timer(2, note("after"));
  assert.throws(() => clock.advance(5), /boom/);
  clock.advance(5);
  assert.deepEqual(ran, ["after@2"]);
});

test("a task may not move the clock", () => {
  const clock = new VirtualClock();
  clock.timer(1, () => clock.advance(1));
  assert.throws(() => clock.advance(1), /may not move the clock itself/);
});

test("the async methods let promise jobs run between tasks; the plain ones do not", async () => {
  const { clock, ran, note } = recorded();
  const start = (): void => {
    clock.timer(1, () => {
      note("one")();
      void (async () => {
        for (let hop = 0; hop < 50; hop++) await null;
        note("job")();
        clock.defer(note("deferred by job"));
      })();
    });
    clock.timer(1, note("two"));
  };
  start();
  await clock.advanceAsync(1);
  assert.deepEqual(ran, ["one@1", "job@1", "deferred by job@1", "two@1"]);
  ran.length = 0;
  start();
  clock.advance(1);
  assert.deepEqual(ran, ["one@2", "two@2"]);
});

test("runAllAsync() and runUntilAsync() run what promise jobs add", async () => {
  const { clock, ran, note } = recorded();
  void Promise.resolve().then(() => clock.timer(10, () => void Promise.resolve().then(() => clock.timer(5, note("chained")))));
  await clock.runUntilAsync(12);
  assert.equal(clock.now(), 12);
  await clock.runAllAsync();
  assert.deepEqual(ran, ["chained@15"]);
  const forever = (): void => void clock.timer(1, forever);
  forever();
  await assert.rejects(clock.runAllAsync(10), /10 tasks ran/);
});

test("the same seed gives the same numbers in [0, 1), another seed others", () => {
  const numbers = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed));
  assert.deepEqual(numbers(7), numbers(7));
  assert.notDeepEqual(numbers(7), numbers(8));
  const clock = new VirtualClock({ seed: 7 });
  assert.deepEqual(
    Array.from({ length: 5 }, () => clock.random()),
    numbers(7),
  );
  const random = seededRandom(3);
  const buckets = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 100_000; draw++) {
    const bucket = Math.floor(random() * 10);
    buckets[bucket] = (buckets[bucket] ?? Number.NaN) + 1;
  }
  // 10 000 expected in each, with a standard deviation of 95.
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 600, `an uneven bucket: ${buckets.join(" ")}`);
  assert.throws(() => seededRandom(0.5), RangeError);
});

test("property: timers run as if sorted by due time and creation, whatever is cancelled in between", () => {
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), delay: fc.nat(50) }),
    fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(100) }),
    fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const clock = new VirtualClock();
      const timers: { due: number; cancel: () => void }[] = [];
      const ran: number[] = [];
      const expected: number[] = [];
      let waiting: number[] = [];
      const settle = (): void => {
        const due = waiting.filter((id) => (timers[id]?.due ?? 0) <= clock.now());
        due.sort((one, other) => (timers[one]?.due ?? 0) - (timers[other]?.due ?? 0) || one - other);
        expected.push(...due);
        waiting = waiting.filter((id) => !due.includes(id));
      };
      for (const step of operations) {
        if (step.kind === "add") {
          const id = timers.length;
          const { cancel } = clock.timer(step.delay, () => void ran.push(id));
          timers.push({ due: clock.now() + step.delay, cancel });
          waiting.push(id);
        } else if (step.kind === "cancel") {
          timers[step.which]?.cancel();
          waiting = waiting.filter((id) => id !== step.which);
        } else {
          clock.advance(step.ms);
          settle();
        }
        assert.equal(clock.pending.timers, waiting.length);
      }
      assert.deepEqual(ran, expected);
    }),
  );
});
