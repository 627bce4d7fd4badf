import assert from "node:assert/strict";
import { test } from "node:test";
import type { UndeliveredState } from "holdfast";
import { type Evidence, examine } from "../../src/demo/oracle.ts";
import { RangeRecorder, type Ranges } from "../../src/demo/ranges.ts";

type Returned = readonly (readonly [UndeliveredState, readonly number[]])[];

function ranges(numbers: readonly number[]): Ranges {
  const recorder = new RangeRecorder();
  for (const number of numbers) recorder.add(number);
  return recorder.ranges();
}

/** Evidence of a client that hands back. */
function evidence(
  attempted: number,
  stream: readonly number[],
  refused: readonly number[] = [],
  returned: Returned = [],
  receipts: readonly number[] = [],
): Evidence {
  return {
    attempted,
    refused: ranges(refused),
    handedBack: new Map(returned.map(([state, numbers]) => [state, ranges(numbers)])),
    stream,
    receipts: ranges(receipts),
  };
}

const faultless = {
  lostSilently: 0,
  wronglyHandedBack: 0,
  duplicated: 0,
  outOfOrder: 0,
  confirmedThenLost: 0,
  impossible: 0,
};

function assertFindings(given: Evidence, expected: Partial<ReturnType<typeof examine>>): void {
  const found = examine(given);
  assert.deepEqual(found, { ...found, ...expected });
}

test("a run in which every message is stored once and in order has no findings", () => {
  assertFindings(evidence(4, [0, 1, 2, 3]), { ...faultless, attempted: 4, stored: 4, handedBack: 0, inDoubt: 0, refused: 0 });
});

test("accepted, not stored and not handed back is lost silently", () => {
  assertFindings(evidence(6, [0, 3, 5]), { ...faultless, stored: 3, lostSilently: 3 });
});

test("a refused message is not lost", () => {
  assertFindings(evidence(4, [0, 1], [2, 3]), { ...faultless, refused: 2 });
});

for (const state of ["dropped", "expired", "undeliverable", "abandoned"] as const) {
  test(`a message handed back as ${state} is not lost, and is wrongly handed back when it is stored`, () => {
    assertFindings(evidence(3, [0, 1], [], [[state, [2]]]), { ...faultless, handedBack: 1, inDoubt: 0 });
    assertFindings(evidence(3, [0, 1, 2], [], [[state, [2]]]), { ...faultless, handedBack: 1, wronglyHandedBack: 1 });
  });
}

test("a message in doubt may be stored or not: neither is a fault", () => {
  assertFindings(evidence(5, [0, 1, 3], [], [["inDoubt", [2, 3, 4]]]), {
    ...faultless,
    handedBack: 3,
    inDoubt: 3,
    storedInDoubt: 1,
  });
});

test("a rejected message is handed back; stored all the same it is impossible", () => {
  assertFindings(evidence(2, [0], [], [["rejected", [1]]]), { ...faultless, handedBack: 1, inDoubt: 0 });
  assertFindings(evidence(2, [0, 1], [], [["rejected", [1]]]), { ...faultless, impossible: 1 });
});

test("copies in the stream beyond the first are duplicates, and count neither as stored nor as out of order", () => {
  assertFindings(evidence(4, [0, 1, 2, 1, 2, 2, 3]), { ...faultless, stored: 4, duplicated: 3 });
});

test("a first copy behind a greater number is out of order", () => {
  assertFindings(evidence(5, [0, 3, 1, 2, 4]), { ...faultless, outOfOrder: 2 });
});

test("a late copy of an early message does not make its successors out of order", () => {
  assertFindings(evidence(4, [0, 1, 0, 2, 3]), { ...faultless, duplicated: 1 });
});

test("a message in the stream that was refused, never published or unreadable is impossible", () => {
  assertFindings(evidence(3, [0, 1, 2], [2]), { ...faultless, impossible: 1 });
  assertFindings(evidence(2, [0, 1, 7, -1]), { ...faultless, stored: 2, impossible: 2 });
});

test("a message handed back twice, though refused, or never published is impossible", () => {
  assertFindings(evidence(2, [0], [], [["dropped", [1, 1]]]), { ...faultless, handedBack: 1, impossible: 1 });
  const twice: Returned = [
    ["inDoubt", [1]],
    ["dropped", [1]],
  ];
  assertFindings(evidence(2, [0], [], twice), { impossible: 1, handedBack: 1, inDoubt: 1 });
  assertFindings(evidence(2, [0], [1], [["dropped", [1]]]), { impossible: 1 });
  assertFindings(evidence(2, [0, 1], [], [["dropped", [9]]]), { impossible: 1, handedBack: 0 });
});

test("for a client that hands nothing back, what it has no notion of is null", () => {
  const found = examine({ attempted: 3, refused: [], handedBack: null, stream: [0, 2], receipts: null });
  assert.deepEqual(found, {
    attempted: 3,
    refused: 0,
    stored: 2,
    handedBack: null,
    inDoubt: null,
    storedInDoubt: null,
    lostSilently: 1,
    wronglyHandedBack: null,
    duplicated: 0,
    outOfOrder: 0,
    confirmedThenLost: null,
    impossible: 0,
  });
});

test("what was sent again stands behind newer messages, and is out of order only where it comes for the first time", () => {
  // 3 was in flight when the connection ended; 3 to 5 are sent again, and 4 had arrived before.
  assertFindings(evidence(7, [0, 1, 2, 3, 4, 3, 4, 5, 6]), { ...faultless, stored: 7, duplicated: 2 });
  // The old connection is read on beside the new one: both are prefixes of one sequence.
  assertFindings(evidence(6, [0, 1, 1, 2, 2, 3, 4, 3, 5]), { ...faultless, stored: 6, duplicated: 3 });
  // 4 overtook 3.
  assertFindings(evidence(5, [0, 1, 2, 4, 3, 4]), { ...faultless, duplicated: 1, outOfOrder: 1 });
});

test("confirmed before witnesses and not stored was lost in the server, not silently", () => {
  assertFindings(evidence(6, [0, 1], [], [["inDoubt", [4, 5]]], [0, 1, 2, 3]), { ...faultless, stored: 2, confirmedThenLost: 2 });
});

test("what nobody saw confirmed is lost silently, also beside what the server lost", () => {
  assertFindings(evidence(4, [0], [], [], [0, 1]), { ...faultless, confirmedThenLost: 1, lostSilently: 2 });
});

test("a message in doubt was told of, so its loss is neither silent nor the server's", () => {
  assertFindings(evidence(3, [0], [], [["inDoubt", [1, 2]]], [0, 1]), { ...faultless, inDoubt: 2 });
});

test("a message that the server confirmed is wrongly handed back as one it cannot have, stored or not", () => {
  assertFindings(evidence(2, [0], [], [["abandoned", [1]]], [0, 1]), { ...faultless, handedBack: 1, wronglyHandedBack: 1 });
});

test("confirmed twice is nothing; confirmed though refused or never published is impossible", () => {
  assertFindings(evidence(3, [0, 1, 2], [], [], [0, 1, 1, 2]), faultless);
  assertFindings(evidence(2, [0], [1], [], [0, 1]), { ...faultless, refused: 1, impossible: 1 });
  assertFindings(evidence(2, [0, 1], [], [], [0, 1, 2, -1]), { ...faultless, impossible: 2 });
});

test("a refusal of a message that was never published is an error in the evidence", () => {
  assert.throws(() => examine(evidence(2, [], [2])), RangeError);
});
