import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { htmlReport } from "../../src/report/html.ts";
import type { Chart, Report, Unit } from "../../src/report/report.ts";

const units: readonly Unit[] = ["bytes", "count", "per second", "ms"];

function report(changes: Partial<Report>): Report {
  return { title: "An outage", summary: "Nothing was lost.", facts: [], tables: [], charts: [], ...changes };
}

function chart(changes: Partial<Chart>): Chart {
  const points = [[0, 1] as const, [1, 5] as const, [2, null] as const, [3, 0] as const, [4, 7] as const];
  return { title: "Held", caption: "", unit: "bytes", series: [{ name: "holdfast", points }], ...changes };
}

/** Every element closed in its order, as an HTML parser and an XML parser both want it; gives the names. */
function elements(html: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  // What stands between tags, and in the quotes of attributes, has no < or > of its own.
  for (const [, slash, name = "", rest = ""] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:\s+[A-Za-z-]+="[^"<>]*")*\s*\/?)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name);
    else {
      names.push(name);
      if (name !== "meta" && !rest.endsWith("/")) open.push(name);
    }
  }
  assert.deepEqual(open, []);
  const style = /<style>[^<]*<\/style>/;
  const rest = html.replace(style, "").replaceAll(/<\/?[a-z][a-z0-9]*(?:\s+[A-Za-z-]+="[^"<>]*")*\s*\/?>|<!doctype html>/g, "");
  assert.doesNotMatch(rest, /[<>]/, "something that is neither a tag nor text");
  return names;
}

function paths(html: string): string[] {
  return [...html.matchAll(/class="line series-\d+" d="([^"]*)"/g)].map(([, d = ""]) => d).filter((d) => d !== "M2,5H28");
}

test("a report loads nothing and runs nothing", () => {
  const html = htmlReport(report({ charts: [chart({})], tables: [{ caption: "t", columns: ["a"], rows: [["b"]] }] }));
  assert.doesNotMatch(html, /https?:|\bsrc=|\bhref=|url\(|@import|<script|\son[a-z]+=/i);
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
});

test("text is text wherever it stands, whatever it looks like", () => {
  const hostile = `</title><script>alert("1")</script>&amp;'`;
  const html = htmlReport({
    title: hostile,
    summary: hostile,
    facts: [[hostile, hostile]],
    tables: [{ caption: hostile, columns: [hostile, hostile], rows: [[hostile, hostile]] }],
    charts: [
      chart({
        title: hostile,
        caption: hostile,
        series: [{ name: hostile, points: [[0, 1]] }],
        limit: { name: hostile, value: 2 },
        bands: [{ name: hostile, from: 0, to: 1 }],
      }),
    ],
  });
  assert.ok(!elements(html).includes("script"));
  assert.ok(html.includes("&lt;/title&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;"));
});

test("every picture has a name and says in words what it shows; every column and row of a table has its header", () => {
  const limit = { name: "limit", value: 8 };
  const bands = [{ name: "fault", from: 1, to: 3 }];
  const html = htmlReport(
    report({
      charts: [chart({ limit, bands }), chart({ title: "Rates" })],
      tables: [{ caption: "Ends", columns: ["", "holdfast"], rows: [["lost silently", "0"]] }],
    }),
  );
  for (const id of ["chart-1", "chart-2"]) {
    assert.ok(html.includes(`role="img" aria-labelledby="${id}-title ${id}-desc"`));
    assert.equal(html.split(`id="${id}-title"`).length, 2);
  }
  assert.ok(html.includes(">holdfast: 1 B at 0 s, at most 7 B at 4 s, 7 B at 4 s. limit: 8 B. fault: from 1 s to 3 s.</desc>"));
  assert.match(html, /<td><\/td><th scope="col">holdfast<\/th>/);
  assert.match(html, /<th scope="row">lost silently<\/th><td>0<\/td>/);
});

test("null is a gap in the line, and on a logarithmic axis so is what it has no place for", () => {
  const [linear = ""] = paths(htmlReport(report({ charts: [chart({})] })));
  assert.deepEqual(linear.replaceAll(/[\d.,]+/g, ""), "MLML");
  const [log = ""] = paths(htmlReport(report({ charts: [chart({ log: true })] })));
  assert.deepEqual(log.replaceAll(/[\d.,]+/g, ""), "MLMZ", "the 0 is left out; the value alone behind it is a point");
});

test("a limit above all values is in the picture, and so is a band beyond all times", () => {
  const html = htmlReport(
    report({ charts: [chart({ limit: { name: "limit", value: 1_000 }, bands: [{ name: "b", from: 5, to: 9 }] })] }),
  );
  const height = Number(/class="limit" d="M[\d.]+,(-?[\d.]+)H/.exec(html)?.[1]);
  assert.ok(height >= 26 && height <= 236, String(height));
  const [, left, width] = /class="band" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(html) ?? [];
  assert.ok(Number(left) + Number(width) <= 467);
});

test("what happens at the same time stands at the same place in every chart", () => {
  const early = chart({
    series: [
      {
        name: "a",
        points: [
          [0, 1],
          [4, 1],
        ],
      },
    ],
    bands: [{ name: "fault", from: 1, to: 2 }],
  });
  const late = chart({
    series: [
      {
        name: "a",
        points: [
          [2, 1],
          [9.998, 1],
        ],
      },
    ],
    bands: [{ name: "fault", from: 1, to: 2 }],
  });
  const html = htmlReport(report({ charts: [early, late] }));
  const places = [...html.matchAll(/class="band" x="([\d.]+)"/g)].map(([, x]) => x);
  assert.deepEqual([places.length, places[0]], [2, places[1]]);
  assert.equal(html.split(">10 s<").length, 3, "a sample that came a little early does not end the axis before its second");
});

test("what is counted has no fractions on its axis", () => {
  const html = htmlReport(
    report({
      charts: [
        chart({
          unit: "count",
          series: [
            {
              name: "a",
              points: [
                [0, 0],
                [1, 0],
              ],
            },
          ],
        }),
      ],
    }),
  );
  assert.doesNotMatch(html, />0\.\d</);
  assert.match(html, />1</);
});

test("a series has the same look in every chart of the report", () => {
  const points = [[0, 1] as const];
  const first = chart({
    series: [
      { name: "a", points },
      { name: "b", points },
    ],
  });
  const html = htmlReport(report({ charts: [first, chart({ series: [{ name: "b", points }] })] }));
  const looks = [...html.matchAll(/<path class="line (series-\d+)" d="M(?!2,5)/g)].map(([, look]) => look);
  assert.deepEqual(looks, ["series-0", "series-1", "series-1"]);
});

test("axes speak the unit of the chart", () => {
  const texts = (unit: Unit, value: number): string =>
    htmlReport(
      report({
        charts: [
          chart({
            unit,
            series: [
              {
                name: "a",
                points: [
                  [0, 0],
                  [1, value],
                ],
              },
            ],
          }),
        ],
      }),
    );
  assert.match(texts("bytes", 8_000_000), />8 MB</);
  assert.match(texts("count", 20_000), />20K</);
  assert.match(texts("per second", 1_200), />1K\/s</);
  assert.match(texts("ms", 0.5), />0\.1 ms</);
  assert.match(texts("ms", 4_000), />4 s</);
});

test("whatever a report holds, the page is well formed and every place in it a number", () => {
  // Thousandths: figures that come from a clock or a count.
  const number = fc.integer({ min: -1_000_000, max: Number.MAX_SAFE_INTEGER }).map((value) => value / 1_000);
  const seconds = fc.nat(100_000_000).map((value) => value / 1_000);
  const anyChart: fc.Arbitrary<Chart> = fc.record(
    {
      title: fc.string(),
      caption: fc.string({ unit: "binary" }),
      unit: fc.constantFrom(...units),
      series: fc.array(
        fc.record({
          name: fc.string(),
          points: fc.array(fc.tuple(seconds, fc.option(number, { nil: null })), { maxLength: 20 }),
        }),
        {
          maxLength: 8,
        },
      ),
      limit: fc.record({ name: fc.string(), value: number }),
      bands: fc.array(fc.record({ name: fc.string({ unit: "binary" }), from: seconds, to: seconds }), { maxLength: 3 }),
      log: fc.boolean(),
    },
    { requiredKeys: ["title", "caption", "unit", "series"] },
  );
  fc.assert(
    fc.property(fc.array(anyChart, { maxLength: 3 }), (charts) => {
      const html = htmlReport(report({ charts }));
      elements(html);
      for (const [, place = ""] of html.matchAll(/ (?:d|x|y|cx|cy|width|height)="([^"]*)"/g))
        assert.doesNotMatch(place, /NaN|Infinity|undefined|e/);
    }),
    { numRuns: 100 },
  );
});
