import assert from "node:assert/strict";
import { test } from "node:test";
import { demoReport } from "../../src/demo/html-report.ts";
import { RunRecord } from "../../src/demo/run-record.ts";
import { htmlReport } from "../../src/report/html.ts";
import { defaultOptions, demoResult, holdfastResult, officialResult, recordUntil } from "./results.ts";

const result = demoResult([holdfastResult(), officialResult({ lostSilently: 30_140 })]);

test("the report has the verdict, the table, and the plots of both clients with the fault as a band", () => {
  const report = demoReport(recordUntil(10_000), defaultOptions, result, "Nothing was lost.");
  assert.equal(report.summary, "Nothing was lost.");
  const clients = (title: string): (readonly string[])[] =>
    report.charts.filter((chart) => chart.title.startsWith(title)).map(({ series }) => series.map(({ name }) => name));
  assert.deepEqual(clients("What Holdfast holds"), [["holdfast"]]);
  assert.deepEqual(clients("Bytes to the server"), [["holdfast", "nats.js"]]);
  assert.deepEqual(clients("Stored"), [["holdfast", "nats.js"]]);
  assert.deepEqual(clients("Lost without a word"), [["holdfast", "nats.js"]]);
  assert.deepEqual(clients("In doubt"), [["holdfast"]]);
  assert.deepEqual(clients("Refused"), [["holdfast", "nats.js"]]);
  for (const { bands } of report.charts) assert.deepEqual(bands, [{ name: "rst", from: 3, to: 6 }]);
  const [held] = report.charts;
  assert.deepEqual([held?.limit, held?.series[0]?.points[19]], [{ name: "reconnect buffer", value: 8_000_000 }, [5, 8_000_000]]);
  const [table] = report.tables;
  assert.deepEqual(table?.columns, ["", "holdfast 0.1.0", "nats.js 3.4.0"]);
  assert.deepEqual(
    table?.rows.find(([name]) => name === "lost silently"),
    ["lost silently", "0", "30,140"],
  );
});

test("rates are those between two samples", () => {
  const report = demoReport(recordUntil(10_000), defaultOptions, result, "");
  const rates = report.charts.find(({ title }) => title.startsWith("Bytes to the server"))?.series[0]?.points;
  assert.deepEqual(
    [rates?.[0], rates?.[11], rates?.[12]],
    [
      [0.25, 1_500_000],
      [3, 1_500_000],
      [3.25, 0],
    ],
  );
});

test("a run that was too short for a sample or a fault is a page without lines, not an error", () => {
  const page = htmlReport(demoReport(new RunRecord(), defaultOptions, result, ""));
  assert.doesNotMatch(page, /NaN|undefined|class="band"/);
});
