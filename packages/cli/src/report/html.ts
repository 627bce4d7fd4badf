import { chartSvg, type Frame } from "./chart.ts";
import { escaped } from "./escape.ts";
import type { Chart, Report, ReportTable } from "./report.ts";
import { spanOf } from "./scales.ts";
import { seriesLooks, style } from "./style.ts";

/** The page loads nothing and runs nothing: whoever opens a report that was sent to them need not trust it. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

/** The report as one HTML file: no script, nothing from the network; light or dark as the reader has it. */
export function htmlReport(report: Report): string {
  const frame = { colours: coloursOf(report.charts), span: spanOf(report.charts) };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(report.title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(report.title)}</h1>
<p class="summary">${escaped(report.summary)}</p>
<dl class="facts">
${report.facts.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join("\n")}
</dl>
<div class="charts">
${report.charts.map((chart, i) => figure(chart, `chart-${i + 1}`, frame)).join("\n")}
</div>
${report.tables.map(table).join("\n")}
</main>
</body>
</html>
`;
}

/** A number for every name of a series, in order of appearance. */
function coloursOf(charts: readonly Chart[]): ReadonlyMap<string, number> {
  const names = new Set(charts.flatMap(({ series }) => series.map(({ name }) => name)));
  return new Map([...names].map((name, i) => [name, i % seriesLooks]));
}

function figure(chart: Chart, id: string, frame: Frame): string {
  const legend = chart.series.map(({ name }) => {
    const sample = `<svg viewBox="0 0 30 10" aria-hidden="true"><path class="line series-${frame.colours.get(name) ?? 0}" d="M2,5H28"/></svg>`;
    return `<li>${sample}${escaped(name)}</li>`;
  });
  return `<figure>
<figcaption><h2>${escaped(chart.title)}</h2><p>${escaped(chart.caption)}</p></figcaption>
<ul class="legend">${legend.join("")}</ul>
${chartSvg(chart, id, frame)}
</figure>`;
}

function table({ caption, columns, rows }: ReportTable): string {
  const head = columns.map((column) => (column === "" ? "<td></td>" : `<th scope="col">${escaped(column)}</th>`)).join("");
  const body = rows.map(([name = "", ...cells]) => {
    return `<tr><th scope="row">${escaped(name)}</th>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`;
  });
  // A wide table scrolls by itself on a phone, and by the keyboard.
  return `<div class="table" role="region" aria-label="${escaped(caption)}" tabindex="0">
<table>
<caption>${escaped(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join("\n")}
</tbody>
</table>
</div>`;
}
