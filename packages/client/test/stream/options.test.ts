import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveStreamOptions } from "../../src/stream/options.ts";

test("every option has its default, by mode", () => {
  assert.deepEqual(resolveStreamOptions(undefined), {
    mode: "each",
    stream: undefined,
    timeout: 5_000,
    retries: 60,
    dedupe: true,
    dedupeWindow: undefined,
    apiPrefix: "$JS.API",
    inboxPrefix: "_INBOX",
    maxOutstanding: 512,
    maxOutstandingBytes: 16 * 1024 * 1024,
    ackInterval: 500,
    maxOutstandingAcks: 8,
  });
  const fast = resolveStreamOptions({ mode: "fast" });
  assert.deepEqual([fast.maxOutstanding, fast.dedupe], [8_192, false]);
  assert.equal(resolveStreamOptions({ mode: "atomic" }).maxOutstanding, 8);
  assert.equal(resolveStreamOptions({ domain: "hub" }).apiPrefix, "$JS.hub.API");
});

test("what cannot be is refused with the option's name", () => {
  const bad: [Record<string, unknown>, RegExp][] = [
    [{ mode: "slow" }, /mode/],
    [{ maxOutstanding: 0 }, /maxOutstanding.*1 to 65536/],
    [{ maxOutstanding: 65_537 }, /maxOutstanding/],
    [{ mode: "atomic", maxOutstanding: 51 }, /maxOutstanding.*1 to 50/],
    [{ maxOutstandingBytes: 0.5 }, /maxOutstandingBytes/],
    [{ timeout: 0 }, /timeout/],
    [{ retries: -1 }, /retries/],
    [{ dedupe: "yes" }, /dedupe/],
    [{ dedupeWindow: 0 }, /dedupeWindow/],
    [{ ackInterval: 5 }, /ackInterval/],
    [{ mode: "fast", ackInterval: 70_000 }, /ackInterval/],
    [{ mode: "fast", maxOutstandingAcks: 0 }, /maxOutstandingAcks/],
    [{ stream: "a.b" }, /stream/],
    [{ apiPrefix: "$JS.>" }, /apiPrefix/],
    [{ apiPrefix: "$JS.x", domain: "hub" }, /domain/],
    [{ inboxPrefix: "a b" }, /inboxPrefix/],
    [{ maxOutstandin: 5 }, /maxOutstandin/],
  ];
  for (const [options, message] of bad) {
    assert.throws(() => resolveStreamOptions(options), { name: "InvalidArgumentError", message }, JSON.stringify(options));
  }
  assert.throws(() => resolveStreamOptions(7), { name: "InvalidArgumentError" });
});
