import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../src/demo/verdict.ts";
import { demoResult, holdfastResult, officialResult } from "./results.ts";

test("a run in which Holdfast kept its promise is exit code 0, whatever the official client lost", () => {
  assert.deepEqual(judge(demoResult([holdfastResult(), officialResult()])), {
    exitCode: 0,
    sentence:
      "Holdfast lost nothing silently: of 1,000 messages, 990 stored in order, 10 handed back as in doubt; " +
      "the official client lost 300 of its 1,000 messages without an error.",
  });
});

for (const [what, changes] of [
  ["1 message lost silently", { lostSilently: 1 }],
  ["2 messages handed back although stored", { wronglyHandedBack: 2 }],
  ["3 messages stored twice", { duplicated: 3 }],
  ["1 message out of order", { outOfOrder: 1 }],
  ["1 message that cannot be", { impossible: 1 }],
  ["counts that differ from what was observed", { countsAgree: false }],
] as const) {
  test(`${what} by Holdfast is exit code 1, and the sentence says so`, () => {
    const verdict = judge(demoResult([holdfastResult(changes), officialResult()]));
    assert.equal(verdict.exitCode, 1);
    assert.ok(verdict.sentence.startsWith(`Holdfast broke its promise: ${what}`), verdict.sentence);
  });
}

test("at-least-once may store twice what it sent again, and no more", () => {
  const clean = { delivery: "at-least-once", handedBack: 0, inDoubt: 0, stored: 1_000, resent: 30 } as const;
  assert.deepEqual(judge(demoResult([holdfastResult({ ...clean, duplicated: 30 })])), {
    exitCode: 0,
    sentence:
      "Holdfast lost nothing silently: of 1,000 messages, 1,000 stored in order, 30 sent again of which 30 are stored twice.",
  });
  const broken = judge(demoResult([holdfastResult({ ...clean, duplicated: 32 })]));
  assert.deepEqual(broken, {
    exitCode: 1,
    sentence: "Holdfast broke its promise: 2 messages stored twice beyond those sent again.",
  });
});

test("at-least-once hands nothing back as long as the server can be reached", () => {
  const returned = { delivery: "at-least-once", handedBack: 4, inDoubt: 4 } as const;
  assert.equal(judge(demoResult([holdfastResult(returned)])).exitCode, 1);
  const unreachable = { kind: "timed out", ms: 20_000 } as const;
  assert.equal(judge(demoResult([holdfastResult({ ...returned, flush: unreachable })])).exitCode, 0);
});

test("what the server lost after it had confirmed it is named, and is not Holdfast's fault", () => {
  const { exitCode, sentence } = judge(demoResult([holdfastResult({ stored: 985, confirmedThenLost: 5 })], { fault: "kill" }));
  assert.equal(exitCode, 0);
  assert.ok(sentence.endsWith("10 handed back as in doubt, 5 confirmed and then lost in the server."), sentence);
});

test("the official client alone is never judged", () => {
  const verdict = judge(demoResult([officialResult({ duplicated: 4, outOfOrder: 4 })]));
  assert.deepEqual(verdict, { exitCode: 0, sentence: "The official client lost 300 of its 1,000 messages without an error." });
});

test("an invalid run is exit code 2 and says why, even if Holdfast seems to have lost something", () => {
  const result = demoResult([holdfastResult({ lostSilently: 5 })], {
    valid: false,
    invalidBecause: ["the server dropped messages"],
  });
  assert.deepEqual(judge(result), {
    exitCode: 2,
    sentence: "This run is invalid and proves nothing: the server dropped messages.",
  });
});

test("messages in doubt that are stored all the same are named, so that the numbers add up", () => {
  const { sentence } = judge(demoResult([holdfastResult({ stored: 996, storedInDoubt: 6 })]));
  assert.ok(sentence.endsWith("996 stored in order, 10 handed back as in doubt of which 6 are stored."), sentence);
});

test("refusals and states other than in doubt are told apart", () => {
  const { sentence } = judge(demoResult([holdfastResult({ refused: 1_500, handedBack: 12, inDoubt: 2 })]));
  assert.ok(sentence.endsWith("12 handed back (2 of them in doubt), 1,500 refused with an error."), sentence);
});
