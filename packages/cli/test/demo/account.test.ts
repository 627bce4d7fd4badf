import assert from "node:assert/strict";
import { test } from "node:test";
import { countsAgree } from "../../src/demo/account.ts";
import type { PublisherReport } from "../../src/demo/messages.ts";

const counts = {
  accepted: 95,
  refused: 5,
  confirmed: 92,
  rejected: 0,
  inDoubt: 3,
  dropped: 0,
  expired: 0,
  undeliverable: 0,
  abandoned: 0,
  inFlight: 0,
  buffered: 0,
  resent: 0,
};

function report(changes: Record<string, number> | null): PublisherReport {
  return {
    version: "0.1.0",
    attempted: 100,
    refused: [[40, 44]],
    firstRefusal: "full",
    handedBack: [["inDoubt", [[10, 12]]]],
    unreadable: 0,
    msPublishing: 1,
    disconnectsMs: [],
    flush: { kind: "done", ms: 1 },
    close: { kind: "done", ms: 1 },
    counts: changes === null ? null : { ...counts, ...changes },
  };
}

test("counts that say what was observed agree", () => {
  assert.equal(countsAgree(report({})), true);
});

for (const state of Object.keys(counts).filter((name) => name !== "resent")) {
  test(`a count of "${state}" that is off by one does not agree`, () => {
    assert.equal(countsAgree(report({ [state]: (counts[state as keyof typeof counts] ?? 0) + 1 })), false);
  });
}

test("a client without counts can neither agree nor disagree", () => {
  assert.equal(countsAgree(report(null)), null);
});
