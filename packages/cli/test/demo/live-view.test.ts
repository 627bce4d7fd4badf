import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { closingView, liveView } from "../../src/demo/live-view.ts";
import { RunRecord } from "../../src/demo/run-record.ts";
import { defaultOptions as options, recordUntil } from "./results.ts";

const wide = { columns: 100, rows: 40, hasColours: false };

test("both clients side by side, with rates where there is room", () => {
  const lines = liveView(recordUntil(5_000), options, 5_000, wide).join("\n");
  assert.match(lines, /^ +holdfast +nats\.js *$/m);
  assert.match(lines, /^connection +reconnecting +reconnecting *$/m);
  assert.match(lines, /^published +50,000 · 10,000\/s +50,000 · 10,000\/s *$/m);
  assert.match(lines, /^to the server +0 B\/s +0 B\/s *$/m);
  assert.match(lines, /^held +8\.0 MB of 8\.0 MB \(100 %\) +unknown, no limit *$/m);
  assert.match(lines, /^handed back +12 +– *$/m);
  assert.match(lines, /^lost silently +0 so far +0 so far *$/m);
});

test("in a narrow terminal each client has its figure alone", () => {
  const lines = liveView(recordUntil(7_000), options, 7_000, { ...wide, columns: 48 }).join("\n");
  assert.match(lines, /^published +70,000 +70,000 *$/m);
  assert.match(lines, /^lost silently +0 +30,140 *$/m);
});

for (const columns of [1, 5, 10, 20, 30, 44, 60, 79, 80, 100, 240]) {
  test(`nothing is wider than a terminal of ${columns} columns or higher than it, with colours and without`, () => {
    for (const rows of [1, 2, 5, 10, 18, 20, 24, 60]) {
      for (const ms of [0, 1_000, 4_000, 7_000, 12_000]) {
        const screen = { columns, rows, hasColours: false };
        const plain = liveView(recordUntil(ms), options, ms, screen);
        for (const line of plain) assert.ok(line.length < Math.max(columns, 2), `${rows} rows, ${ms} ms: ${line}`);
        assert.ok(plain.length < Math.max(rows, 2));
        const coloured = liveView(recordUntil(ms), options, ms, { ...screen, hasColours: true });
        assert.deepEqual(coloured.map(stripVTControlCharacters), plain);
        const largest = { ...options, bufferBytes: Number.MAX_SAFE_INTEGER };
        for (const line of liveView(recordUntil(ms), largest, ms, screen)) assert.ok(line.length < Math.max(columns, 2), line);
      }
    }
  });
}

test("colours say what is bad, and are there only when the terminal has them", () => {
  const record = recordUntil(7_000);
  assert.ok(!liveView(record, options, 7_000, wide).join("").includes("\x1b"));
  const coloured = liveView(record, options, 7_000, { ...wide, hasColours: true }).join("\n");
  assert.match(coloured.replaceAll("\x1b", "ESC"), /ESC\[31m30,140 so far *ESC\[39m/);
});

test("the curve goes up to the limit and no further than now, and the fault lies under it", () => {
  const lines = liveView(recordUntil(5_000), options, 5_000, wide);
  const title = lines.indexOf("what Holdfast holds, against its limit of 8.0 MB");
  const chart = lines.slice(title + 1, title + 10);
  assert.match(chart[0] ?? "", /^ 8\.0 MB [┼┤]─+.*─+$/);
  assert.match(chart.at(-1) ?? "", /^ {4}0 B ┼─+╯$/);
  const [course = "", seconds = ""] = lines.slice(title + 10);
  assert.match(course, /^ {9}━+▓+░+─+$/);
  // 90 columns for 10 s.
  assert.deepEqual([course.indexOf("▓"), course.indexOf("░"), course.lastIndexOf("░")], [9 + 27, 9 + 45, 9 + 53]);
  assert.match(seconds, /^ {9}0 s +rst +10 s$/);
  assert.equal(seconds.indexOf("rst"), course.indexOf("▓"));
});

test("a low terminal goes without the curve, and so does a run without Holdfast", () => {
  assert.ok(
    !liveView(recordUntil(5_000), options, 5_000, { ...wide, rows: 20 })
      .join("")
      .includes("8.0 MB ┼"),
  );
  const alone = liveView(recordUntil(5_000), { ...options, clients: ["nats.js"] }, 5_000, wide).join("\n");
  assert.doesNotMatch(alone, /Holdfast|┼/);
  assert.match(alone, /━▓+░/);
});

test("each stage says what it is and what is left", () => {
  const stage = (record: RunRecord, ms: number): string => liveView(record, options, ms, wide)[2] ?? "";
  assert.equal(stage(new RunRecord(), 0), "connecting");
  assert.equal(stage(recordUntil(1_800), 1_800), "the fault begins in 1.2 s · 8.2 s in all");
  assert.equal(stage(recordUntil(4_800), 4_800), "the fault: 1.2 s left · 5.2 s in all");
  assert.equal(stage(recordUntil(8_000), 8_000), "the fault is over · 2.0 s left");
  assert.equal(stage(recordUntil(10_000), 10_400), "the clients send what they hold, and close");
  const record = recordUntil(10_000);
  record.hear({ kind: "published" });
  assert.equal(stage(record, 11_000), "reading the streams: what has arrived?");
});

test("at the end the whole curve stays", () => {
  const lines = closingView(recordUntil(10_000), options, wide);
  assert.equal(lines[0], "what Holdfast holds, against its limit of 8.0 MB");
  assert.match(lines.at(-2) ?? "", /^ {9}━+▓+━+$/);
  assert.match(lines.at(-3) ?? "", /0 B ┼─+╯ +╰─+$/);
});
