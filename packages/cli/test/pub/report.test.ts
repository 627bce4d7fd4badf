import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutletCounts } from "../../src/pub/outlet.ts";
import { exitCodeOf, lastLine, type PubEnd, reportObject } from "../../src/pub/report.ts";

function end(counts: Partial<OutletCounts>, more: Partial<PubEnd> = {}): PubEnd {
  const none = {
    taken: 10,
    sent: 10,
    confirmed: 10,
    inDoubt: 0,
    rejected: 0,
    unsent: 0,
    refused: 0,
    held: 0,
    heldBytes: 0,
    resent: 0,
    duplicates: null,
  };
  return { counts: { ...none, ...counts }, jetStream: false, stopped: null, undelivered: null, seconds: 1, ...more };
}

test("the exit code is 0 when all is confirmed, 3 when the rest is in doubt, 1 when something is missing", () => {
  assert.equal(exitCodeOf(end({})), 0);
  assert.equal(exitCodeOf(end({ taken: 0, confirmed: 0 })), 0);
  assert.equal(exitCodeOf(end({ confirmed: 8, inDoubt: 2 })), 3);
  for (const state of ["rejected", "unsent", "refused"])
    assert.equal(exitCodeOf(end({ confirmed: 8, inDoubt: 1, [state]: 1 })), 1, state);
  assert.equal(exitCodeOf(end({}, { stopped: "interrupted" })), 1);
  assert.equal(exitCodeOf(end({ confirmed: 9, inDoubt: 1 }, { undelivered: { path: "f", written: 0, failure: "full" } })), 1);
});

test("the last line says what became of the messages, and where they are", () => {
  const kept = { path: "f", written: 4, failure: null };
  assert.equal(lastLine(end({})), "holdfast: 10 messages: 10 confirmed");
  assert.equal(
    lastLine(
      end(
        { confirmed: 6, inDoubt: 1, rejected: 1, unsent: 1, refused: 1, resent: 2 },
        { undelivered: kept, stopped: "interrupted" },
      ),
    ),
    "holdfast: 10 messages: 6 confirmed, 1 in doubt, 1 refused by the server, 1 not sent, 1 refused (too large, or no room), " +
      "2 sent again (may be there twice); 4 written to f: holdfast pub --from f; interrupted; the rest of the input was not published",
  );
  assert.match(lastLine(end({ confirmed: 9, inDoubt: 1 })), /; it is not kept: --undelivered FILE would have, for --from$/);
  assert.match(
    lastLine(end({ confirmed: 9, inDoubt: 1 }, { undelivered: { path: "f", written: 0, failure: "cannot write f" } })),
    /; cannot write f$/,
  );
  assert.match(lastLine(end({ duplicates: 3 }, { jetStream: true })), /10 stored, 3 recognised as second copies$/);
});

test("the object for programs has every count", () => {
  const { seconds, ...report } = reportObject(end({ confirmed: 9, inDoubt: 1, duplicates: 2 }, { jetStream: true }));
  assert.equal(seconds, 1);
  assert.deepEqual(report, {
    messages: 10,
    stored: 9,
    duplicates: 2,
    inDoubt: 1,
    rejected: 0,
    unsent: 0,
    refused: 0,
    undelivered: null,
    written: 0,
    stopped: null,
  });
});
