import assert from "node:assert/strict";
import { test } from "node:test";
import { oneLine, withLimit } from "../../src/demo/time-limit.ts";

test("a step that ends, one that fails and one that throws at once are told apart", async () => {
  assert.equal((await withLimit(() => Promise.resolve(), 1_000)).kind, "done");
  const failed = await withLimit(() => Promise.reject(new Error("no\n  way")), 1_000);
  assert.deepEqual({ ...failed, ms: 0 }, { kind: "failed", ms: 0, reason: "no way" });
  const thrown = await withLimit(() => {
    throw new Error("at once");
  }, 1_000);
  assert.equal(thrown.kind, "failed");
});

test("a step that never ends is left at the limit", async () => {
  assert.equal((await withLimit(() => new Promise(() => {}), 10)).kind, "timed out");
});

test("an error of several lines becomes one", () => {
  assert.equal(oneLine(new Error("first\n\n   second\n")), "first second");
  assert.equal(oneLine("text"), "text");
});
