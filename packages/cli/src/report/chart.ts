import { line } from "d3-shape";
import { escaped } from "./escape.ts";
import type { Chart } from "./report.ts";
import { plot, type Scales, scalesOf } from "./scales.ts";
import { shown } from "./units.ts";

type Series = Chart["series"][number];
type Point = Series["points"][number];

/** So many points of a chart tell their value to the mouse; more are too near to be pointed at, and make the file large. */
const mostHints = 600;

/** What the charts of one page have in common. */
export interface Frame {
  /** Numbers the series by name, for the classes of style.ts. */
  readonly colours: ReadonlyMap<string, number>;
  /** In seconds: what happens at the same time stands at the same place. */
  readonly span: readonly [from: number, to: number];
}

/** The chart as an SVG element. `id` is its own on the page. */
export function chartSvg(chart: Chart, id: string, { colours, span }: Frame): string {
  const scales = scalesOf(chart, span);
  const hints = chart.series.reduce((sum, { points }) => sum + points.length, 0) <= mostHints;
  return [
    `<svg viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${escaped(chart.title)}</title>`,
    `<desc id="${id}-desc">${escaped(inWords(chart))}</desc>`,
    ...bands(chart, scales),
    ...axes(chart, scales),
    ...limit(chart, scales),
    ...chart.series.map((series) => curve(chart, series, scales, colours)),
    ...(hints ? chart.series.flatMap((series) => hintsOf(chart, series, scales)) : []),
    "</svg>",
  ].join("\n");
}

/** For who does not see the lines: where each begins, how high it goes, and where it ends. */
function inWords(chart: Chart): string {
  const say = ([seconds, value]: Point): string => `${shown(chart.unit, value ?? 0)} at ${round(seconds)} s`;
  const parts = chart.series.map((series) => {
    const known = drawn(chart, series).filter(([, value]) => value !== null);
    const [first, last] = [known[0], known.at(-1)];
    if (first === undefined || last === undefined) return `${series.name}: no values.`;
    const top = known.reduce((a, b) => ((b[1] ?? 0) > (a[1] ?? 0) ? b : a));
    return `${series.name}: ${say(first)}, at most ${say(top)}, ${say(last)}.`;
  });
  const bandParts = (chart.bands ?? []).map(({ name, from, to }) => `${name}: from ${round(from)} s to ${round(to)} s.`);
  const limitPart = chart.limit === undefined ? [] : [`${chart.limit.name}: ${shown(chart.unit, chart.limit.value)}.`];
  return [...parts, ...limitPart, ...bandParts].join(" ");
}

function bands(chart: Chart, { x }: Scales): string[] {
  return (chart.bands ?? []).flatMap(({ name, from, to }) => {
    const [left, right] = [x(from), x(to)];
    // The name of a short band at the edge must stay within the picture.
    const half = name.length * 3.6;
    const middle = Math.min(plot.right - half, Math.max(plot.left + half, (left + right) / 2));
    return [
      `<rect class="band" x="${round(left)}" y="${plot.top}" width="${round(right - left)}" height="${plot.bottom - plot.top}"/>`,
      text(middle, plot.top - 8, name, 'class="band-name" text-anchor="middle"'),
    ];
  });
}

function axes(chart: Chart, { x, y, xTicks, yTicks }: Scales): string[] {
  return [
    ...yTicks.flatMap((tick) => [
      `<path class="grid" d="M${plot.left},${round(y(tick))}H${plot.right}"/>`,
      text(plot.left - 8, y(tick) + 4.5, shown(chart.unit, tick), 'text-anchor="end"'),
    ]),
    `<path class="axis" d="M${plot.left},${plot.bottom}H${plot.right}"/>`,
    ...xTicks.flatMap((tick) => [
      `<path class="axis" d="M${round(x(tick))},${plot.bottom}v5"/>`,
      text(x(tick), plot.bottom + 21, `${round(tick)} s`, 'text-anchor="middle"'),
    ]),
  ];
}

function limit(chart: Chart, { y }: Scales): string[] {
  if (chart.limit === undefined || (chart.log === true && chart.limit.value <= 0)) return [];
  const height = y(chart.limit.value);
  const label = `${chart.limit.name} ${shown(chart.unit, chart.limit.value)}`;
  return [
    `<path class="limit" d="M${plot.left},${round(height)}H${plot.right}"/>`,
    text(plot.right - 2, height + 16, label, 'class="limit-name" text-anchor="end"'),
  ];
}

function curve(chart: Chart, series: Series, { x, y }: Scales, colours: ReadonlyMap<string, number>): string {
  const path = line<Point>()
    .defined(([, value]) => value !== null)
    .x(([seconds]) => x(seconds))
    .y(([, value]) => y(value ?? 0))
    .digits(1);
  return `<path class="line series-${colours.get(series.name) ?? 0}" d="${path(drawn(chart, series)) ?? ""}"/>`;
}

/** Points that nobody sees, and that tell their value under the mouse. */
function hintsOf(chart: Chart, series: Series, { x, y }: Scales): string[] {
  return drawn(chart, series).flatMap(([seconds, value]) => {
    if (value === null) return [];
    const words = `${series.name}, ${round(seconds)} s: ${shown(chart.unit, value)}`;
    return [
      `<circle class="hint" cx="${round(x(seconds))}" cy="${round(y(value))}" r="6"><title>${escaped(words)}</title></circle>`,
    ];
  });
}

/** Nothing but gaps where the axis has no place for a value. */
function drawn(chart: Chart, { points }: Series): readonly Point[] {
  if (chart.log !== true) return points;
  return points.map(([seconds, value]) => [seconds, value !== null && value > 0 ? value : null]);
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(words)}</text>`;
}

function round(value: number): string {
  return String(Number(value.toFixed(2)));
}
