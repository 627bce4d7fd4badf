import assert from "node:assert/strict";
import { test } from "node:test";
import { type AckedMessage, countRefusal, Outstanding, readToken, storeState, tokenOf } from "../../src/stream/outstanding.ts";

test("a token is read back as it was written, whatever stands before it", () => {
  const token = { slot: 0, serial: 0, attempt: 0 };
  for (const [slot, serial, attempts] of [
    [0, 1, 1],
    [511, 123_456_789_012, 1],
    [7, 8, 3],
  ] as const) {
    const message = { ...plain(serial), slot, attempts };
    assert.ok(readToken(`_INBOX.x.${tokenOf(message)}`, 9, token));
    assert.deepEqual(token, { slot, serial, attempt: attempts });
  }
  for (const subject of ["", "1", "1-2-3-4", "a-1", "1-b", "1 - 2"]) assert.equal(readToken(subject, 0, token), false, subject);
});

test("a slot is used again, and a late answer to what had it before finds nothing", () => {
  const outstanding = new Outstanding();
  const [first, second] = [plain(1), plain(2)];
  outstanding.add(first);
  outstanding.remove(first);
  outstanding.add(second);
  assert.equal(second.slot, first.slot);
  assert.equal(outstanding.get(first.slot, 1), undefined);
  assert.equal(outstanding.get(second.slot, 2), second);
  assert.deepEqual(outstanding.inOrder(), [second]);
});

test("a message is in doubt until every copy of it was refused", () => {
  const message = plain(1);
  assert.equal(storeState(message), "notStored");
  message.attempts = 2;
  message.doubtSince = 5;
  countRefusal(message, 2);
  countRefusal(message, 2);
  assert.deepEqual([storeState(message), message.doubtSince], ["inDoubt", 5]);
  countRefusal(message, 1);
  assert.deepEqual([storeState(message), message.doubtSince], ["notStored", undefined]);
});

function plain(serial: number): AckedMessage {
  return {
    subject: "s",
    payload: "",
    bytes: 0,
    headers: undefined,
    parts: undefined,
    msgID: "id",
    serial,
    timeout: 1,
    retries: 1,
    slot: -1,
    stage: "waiting",
    attempts: 0,
    refusals: 0,
    lastRefused: 0,
    retried: 0,
    doubtSince: undefined,
    sentAt: 0,
    verdict: undefined,
    resolve: () => {},
    reject: () => {},
  };
}
