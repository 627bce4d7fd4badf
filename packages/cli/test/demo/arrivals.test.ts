import assert from "node:assert/strict";
import { test } from "node:test";
import { lostSoFar } from "../../src/demo/arrivals.ts";
import { sampleOf } from "./results.ts";

test("lost is what the stream has passed over, less what was refused or handed back", () => {
  const arrivals = { stored: 900, passedOver: 100 };
  assert.equal(lostSoFar(arrivals, sampleOf({ refused: 0, handedBack: null })), 100);
  assert.equal(lostSoFar(arrivals, sampleOf({ refused: 60, handedBack: 30 })), 10);
  // Refused behind the last message that the stream has: it has not passed over them yet.
  assert.equal(lostSoFar(arrivals, sampleOf({ refused: 500, handedBack: 12 })), 0);
});
