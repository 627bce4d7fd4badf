import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count, seconds } from "../../src/demo/format.ts";
import { faultKinds } from "../../src/demo/options.ts";
import { finalTable, liveLine } from "../../src/demo/report.ts";
import { demoResult, holdfastResult, officialResult, sampleOf } from "./results.ts";

test("a live line tells state, fill against the limit and rates since the line before", () => {
  const line = liveLine({
    sample: sampleOf(),
    previous: sampleOf({ atMs: 1_000, attempted: 10_000, sent: 1_000_000 }),
    bufferBytes: 8_388_608,
  });
  const words = line.replace(/ {2,}/g, " | ");
  assert.equal(
    words,
    " | 2.0 s | holdfast | reconnecting | buffer 4.2 MB of 8.4 MB (50 %) | published 10,000/s | to the server 1.5 MB/s | refused 0 | handed back 12",
  );
});

test("a client that does not say what it holds has no limit either", () => {
  const sample = sampleOf({ client: "nats.js", heldBytes: null, limitBytes: null, handedBack: null });
  const line = liveLine({ sample, previous: null, bufferBytes: 8_388_608 });
  assert.match(line, /buffer unknown, no limit +published 10,000\/s/);
  assert.doesNotMatch(line, /handed back/);
});

test("on a usable connection, where the limit is not in force, no percentage pretends that it is", () => {
  const sample = sampleOf({ state: "connected", heldBytes: 20_000_000, limitBytes: null });
  const line = liveLine({ sample, previous: null, bufferBytes: 8_388_608 });
  assert.match(line, /buffer 20\.0 MB \(8\.4 MB if cut\) {2}/);
});

test("the table has a column a client, and a dash where a client has no notion of a row", () => {
  const table = finalTable(demoResult([holdfastResult({ attempted: 100_000 }), officialResult({ lostSilently: 30_140 })]));
  assert.match(table, /│ +│ holdfast 0\.1\.0 │ nats\.js 3\.4\.0 │/);
  assert.match(table, /publish\(\) called +│ +100,000 │ +1,000 │/);
  assert.match(table, /lost silently +│ +0 │ +30,140 │/);
  assert.match(table, /handed back +│ +10 │ +– │/);
});

for (const fault of faultKinds) {
  const ends = fault === "restart" || fault === "kill";
  test(`after ${fault} the table ${ends ? "names what the server lost, and says where to turn" : "has no excuse for a lost message"}`, () => {
    const table = finalTable(demoResult([holdfastResult({ confirmedThenLost: 7 }), officialResult()], { fault }));
    assert.equal(/lost silently.*\n.*confirmed, then lost in the server +│ +7 │ +– │/.test(table), ends);
    assert.equal(/JetStream\s+acknowledgements/.test(table), ends);
  });
}

test("the table tells what was confirmed, sent again and in doubt, and when the fault was noticed", () => {
  const table = finalTable(demoResult([holdfastResult({ resent: 12 }), officialResult({ msToDetect: null })]));
  assert.match(table, /│ confirmed +│ +990 │ +– │/);
  assert.match(table, /│ sent again +│ +12 │ +– │/);
  assert.match(table, /in doubt +│ +10 │ +– │\n.*in doubt, and stored +│ +0 │ +– │/);
  assert.match(table, /fault noticed after +│ +3 ms │ +not at all │/);
});

test("numbers are formatted for people", () => {
  assert.deepEqual([count(1_234_567), count(1, "message"), count(0, "message")], ["1,234,567", "1 message", "0 messages"]);
  assert.deepEqual([0, 999, 999.6, 1_000, 99_960, 999_499, 1e9].map(bytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.0 kB",
    "100 kB",
    "999 kB",
    "1.0 GB",
  ]);
  assert.deepEqual([3_000, 800, 1_250, 99.4].map(seconds), ["3 s", "0.8 s", "1.25 s", "99 ms"]);
});
