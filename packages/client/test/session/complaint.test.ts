import assert from "node:assert/strict";
import { test } from "node:test";
import { parseServerError } from "../../src/protocol/server-error.ts";
import { Complaint } from "../../src/session/complaint.ts";

const reset = new Error("ECONNRESET");

for (const [text, closedWith, why] of [
  [undefined, null, undefined],
  [undefined, reset, "ECONNRESET"],
  ["Maximum Payload Violation", null, "Maximum Payload Violation"],
  // It says more than the reset that follows it.
  ["Maximum Payload Violation", reset, "Maximum Payload Violation"],
  ["Authorization Violation", reset, "Authorization Violation"],
  // Nobody knows whether the server closed because of it.
  ["Something New", reset, "ECONNRESET"],
  ["Something New", null, "Something New"],
  ['Permissions Violation for Publish to "a"', null, undefined],
  ["Invalid Subject", null, undefined],
] as const) {
  test(`after ${text ?? "no -ERR"} a close with ${closedWith?.message ?? "no error"} is explained by ${why ?? "nothing"}`, () => {
    const complaint = new Complaint();
    if (text !== undefined) complaint.heard(text, parseServerError(text));
    assert.equal(complaint.whyClosed(closedWith)?.error.message, why);
  });
}

test("the last complaint counts, and one that ended nothing does not replace it", () => {
  const complaint = new Complaint();
  for (const text of ["Parser Error", "Stale Connection", "Invalid Subject"]) complaint.heard(text, parseServerError(text));
  assert.equal(complaint.error?.message, "Stale Connection");
});
