import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { benchCommand } from "../../src/bench/command.ts";
import { LatencyHistogram } from "../../src/bench/histogram.ts";
import { Feed, shares } from "../../src/bench/job.ts";
import type { Round } from "../../src/bench/messages.ts";
import { findNatsJs } from "../../src/bench/nats-js.ts";
import type { BenchOptions, RateBenchOptions } from "../../src/bench/options.ts";
import { throughProxy } from "../../src/bench/outage-lane.ts";
import { brokenPromises, type OutageClient, type OutageResult } from "../../src/bench/outage-result.ts";
import { type RateResult, rateTable } from "../../src/bench/rate-report.ts";
import { spread } from "../../src/bench/statistics.ts";
import { readServerSettings } from "../../src/connection/server-options.ts";
import type { Findings } from "../../src/demo/oracle.ts";
import { scratch } from "../pub/watch.ts";

test("without the official client one line says how to install it; with it, its version is known", (t) => {
  const folder = scratch(t);
  assert.throws(
    () => findNatsJs([join(folder, "/")]),
    new Error(
      `--compare nats.js: @nats-io/transport-node is not installed: run \`npm install @nats-io/transport-node\` in ${folder} or beside holdfast-cli`,
    ),
  );
  assert.match(findNatsJs([join(folder, "/"), import.meta.filename]).version, /^3\./);
});

test("a histogram's quantiles are within one in a hundred, and the greatest is exact", () => {
  const one = new LatencyHistogram();
  const two = new LatencyHistogram();
  assert.equal(one.quantile(0.5), null);
  for (let i = 1; i <= 1_000; i++) (i % 2 === 0 ? one : two).record(i / 10);
  one.add(two.toJson());
  assert.equal(one.count, 1_000);
  for (const share of [0.01, 0.5, 0.9, 0.99]) {
    const exact = share * 100;
    assert.ok(Math.abs((one.quantile(share) ?? 0) - exact) <= 0.011 * exact, `${share}: ${one.quantile(share)}`);
  }
  assert.equal(one.quantile(1), 100);
  assert.deepEqual(LatencyHistogram.from(one.toJson()).quantile(0.5), one.quantile(0.5));
});

test("a spread has the median between the two in the middle", () => {
  assert.equal(spread([]), null);
  assert.deepEqual(spread([3]), { low: 3, median: 3, high: 3 });
  assert.deepEqual(spread([9, 1, 2, 4]), { low: 1, median: 3, high: 9 });
});

test("shares add up to the whole, and differ by one at most", () => {
  assert.deepEqual(shares(10, 3), [4, 3, 3]);
  assert.deepEqual(shares(1, 3), [1, 0, 0]);
  assert.deepEqual(shares(Number.POSITIVE_INFINITY, 2), [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
});

test("a fed publisher waits until it may go on", async () => {
  const feed = new Feed();
  feed.allow(2);
  await feed.room(1);
  let went = false;
  const waiting = feed.room(2).then(() => {
    went = true;
  });
  feed.allow(1);
  await Promise.resolve();
  assert.equal(went, false);
  feed.allow(3);
  await waiting;
  assert.equal(went, true);
});

for (const [given, expected] of [
  ["10.0.0.1:4222", "127.0.0.1:9"],
  ["tls://nats.example:4222", "tls://127.0.0.1:9"],
  ["nats://ann:p%40ss@10.0.0.1,nats://other", "nats://ann:p%40ss@127.0.0.1:9"],
] as const) {
  test(`through the proxy ${given} is ${expected}`, () => {
    const settings = readServerSettings({ context: false, server: given, timeout: 1_000 }, "test");
    assert.deepEqual(throughProxy(settings, { host: "127.0.0.1", port: 9 }).servers, [expected]);
  });
}

test("the table has the medians, and the ratio is that of each round", () => {
  const rounds = (...rates: readonly number[]): Round[] =>
    rates.map((rate) => ({ messages: 1_000, done: 1_000, ms: 1e6 / rate, cpuMs: 2, failures: {}, latencies: null }));
  const options = readRates(["pub", "--compare", "nats.js", "--rounds", "3", "--size", "1000"]);
  const result: RateResult = {
    options,
    responds: false,
    serverVersion: "2.15.2",
    sides: [
      { client: "holdfast", version: "0.1.0", rounds: rounds(2_000, 4_000, 3_000) },
      { client: "nats.js", version: "3.4.0", rounds: rounds(1_000, 1_000, 2_000) },
    ],
  };
  const table = rateTable(result);
  assert.match(
    table,
    /│ messages a second, median +│ +3,000 │ +1,000 │\n│ {3}slowest to fastest round +│ 2,000 to 4,000 │ 1,000 to 2,000 │/,
  );
  assert.match(table, /│ payload a second +│ +3\.0 MB\/s │ +1\.0 MB\/s │\n│ CPU time a message +│ +2 µs │ +2 µs │/);
  assert.match(table, /│ {3}confirmed +│ +3,000 │ +3,000 │/);
  assert.match(table, /\n\nHoldfast \/ nats\.js: 2\.00 \(1\.50 to 4\.00 in 3 rounds\)$/);
});

/** What `run` would get. */
function readRates(args: readonly string[]): RateBenchOptions {
  let read: BenchOptions | undefined;
  const command = benchCommand(async (options) => {
    read = options;
  });
  command.parse([...args, "--no-context"], { from: "user" });
  assert.ok(read !== undefined && read.kind !== "outage");
  return read;
}

test("what Holdfast did not keep is said, and only that", () => {
  const findings: Findings = {
    ...{
      attempted: 10,
      refused: 0,
      stored: 9,
      handedBack: 2,
      inDoubt: 1,
      storedInDoubt: 1,
      lostSilently: 0,
      wronglyHandedBack: 0,
    },
    ...{ duplicated: 0, outOfOrder: 0, confirmedThenLost: null, impossible: 0 },
  };
  const broken = (change: Partial<Findings>, more: Partial<OutageClient> = {}, delivery = "at-most-once"): string[] => {
    const report = { counts: { resent: 1 }, unreadable: 0 };
    const client = { name: "holdfast", findings: { ...findings, ...change }, report, countsAgree: true, ...more };
    // Only what is looked at.
    return brokenPromises({ clients: [client], options: { holdfast: { delivery } } } as unknown as OutageResult);
  };
  assert.deepEqual(broken({}), []);
  assert.deepEqual(broken({ lostSilently: 1 }), ["it lost 1 silently"]);
  assert.deepEqual(broken({ wronglyHandedBack: 2 }), ["it handed back 2 that arrived"]);
  assert.deepEqual(broken({ duplicated: 1 }), ["1 arrived twice, and it sent 0 again"]);
  assert.deepEqual(broken({ duplicated: 1 }, {}, "at-least-once"), []);
  assert.deepEqual(broken({ duplicated: 2 }, {}, "at-least-once"), ["2 arrived twice, and it sent 1 again"]);
  assert.deepEqual(broken({ outOfOrder: 3 }), ["3 arrived out of order"]);
  assert.deepEqual(broken({ impossible: 1 }), ["what arrived or was handed back is not what was published"]);
  assert.deepEqual(broken({}, { countsAgree: false }), ["its own counts differ from what was observed"]);
});
