import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { UndeliveredState } from "holdfast";
import { examine } from "../../src/demo/oracle.ts";
import { RangeRecorder, type Ranges } from "../../src/demo/ranges.ts";

const states: readonly UndeliveredState[] = ["rejected", "inDoubt", "dropped", "expired", "undeliverable", "abandoned"];
const cannotHaveIt: readonly UndeliveredState[] = ["dropped", "expired", "undeliverable", "abandoned"];

/** What became of each message, and a stream that may hold anything. */
const run = fc.integer({ min: 0, max: 30 }).chain((attempted) =>
  fc.record({
    fates: fc.array(fc.constantFrom("accepted", "refused", ...states), { minLength: attempted, maxLength: attempted }),
    receipts: fc.uniqueArray(fc.integer({ min: 0, max: Math.max(0, attempted - 1) }), {
      maxLength: attempted === 0 ? 0 : 30,
    }),
    stream: fc.array(fc.integer({ min: 0, max: Math.max(0, attempted - 1) }), { maxLength: attempted === 0 ? 0 : 40 }),
  }),
);

test("the oracle agrees with the definitions written as sets, for any evidence", () => {
  fc.assert(
    fc.property(run, ({ fates, stream, receipts }) => {
      const found = examine({
        attempted: fates.length,
        refused: ranges(numbersWith(fates, ["refused"])),
        handedBack: new Map(states.map((state) => [state, ranges(numbersWith(fates, [state]))])),
        stream,
        receipts: ranges(receipts),
      });
      const all = numbersWith(fates, ["accepted", "refused", ...states]);
      const refused = new Set(numbersWith(fates, ["refused"]));
      const stored = new Set(stream);
      const handedBack = new Set(numbersWith(fates, states));
      const inDoubt = new Set(numbersWith(fates, ["inDoubt"]));
      const confirmed = new Set(receipts);
      const reached = new Set([...stored, ...confirmed]);
      const wrong = numbersWith(fates, cannotHaveIt).filter((number) => reached.has(number));
      const missing = all.filter((n) => !refused.has(n) && !stored.has(n) && !handedBack.has(n));
      const refusedAndRead = [...refused].filter((number) => reached.has(number));
      const rejectedAndStored = numbersWith(fates, ["rejected"]).filter((number) => stored.has(number));
      assert.deepEqual(found, {
        attempted: fates.length,
        refused: refused.size,
        stored: stored.size,
        handedBack: handedBack.size,
        inDoubt: inDoubt.size,
        storedInDoubt: [...inDoubt].filter((number) => stored.has(number)).length,
        lostSilently: missing.filter((number) => !confirmed.has(number)).length,
        wronglyHandedBack: wrong.length,
        duplicated: stream.length - stored.size,
        outOfOrder: outOfOrder([...stored]),
        confirmedThenLost: missing.filter((number) => confirmed.has(number)).length,
        impossible: refusedAndRead.length + rejectedAndStored.length,
      });
    }),
    { numRuns: 2_000 },
  );
});

/** A Set keeps the order of first insertion: its members are the first copies, in stream order. */
function outOfOrder(firstCopies: readonly number[]): number {
  return firstCopies.filter((number, at) => firstCopies.slice(0, at).some((earlier) => earlier > number)).length;
}

function numbersWith(fates: readonly string[], wanted: readonly string[]): number[] {
  return fates.flatMap((fate, number) => (wanted.includes(fate) ? [number] : []));
}

function ranges(numbers: readonly number[]): Ranges {
  const recorder = new RangeRecorder();
  for (const number of numbers) recorder.add(number);
  return recorder.ranges();
}
