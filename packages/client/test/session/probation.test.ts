import assert from "node:assert/strict";
import { test } from "node:test";
import { Probation } from "../../src/session/probation.ts";

for (const [what, pong, lived, unanswered, good] of [
  ["had a PONG", true, 0, false, true],
  ["had a PONG and still owes one", true, 0, true, true],
  ["was given nothing and lived five seconds", false, 5000, false, true],
  ["was given nothing and lived less", false, 4999, false, false],
  ["took messages and answered nothing for an hour", false, 3_600_000, true, false],
] as const) {
  test(`a connection that ${what} ${good ? "proved good" : "did not prove good"}`, () => {
    const probation = new Probation(1000);
    if (pong) probation.pong();
    assert.equal(probation.end(1000 + lived, unanswered), good);
  });
}

test("the verdict stands, whatever comes after the end", () => {
  const probation = new Probation(0);
  assert.equal(probation.end(10, false), false);
  probation.pong();
  assert.equal(probation.end(60_000, false), false);
});
