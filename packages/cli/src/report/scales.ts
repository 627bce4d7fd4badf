import { type ScaleContinuousNumeric, scaleLinear, scaleLog } from "d3-scale";
import type { Chart } from "./report.ts";

type Scale = ScaleContinuousNumeric<number, number>;

/** Where the plot lies within its picture: the axes and their labels are outside of it. */
export const plot = { width: 480, height: 270, left: 62, right: 466, top: 26, bottom: 236 } as const;

/** Where values lie in the picture, and where its axes have their marks. */
export interface Scales {
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
}

/** From when to when charts go that are to be compared, in seconds. */
export function spanOf(charts: readonly Chart[]): readonly [from: number, to: number] {
  const times = charts.flatMap(({ series, bands = [] }) => [
    ...series.flatMap(({ points }) => points.map(([seconds]) => seconds)),
    ...bands.flatMap(({ from, to }) => [from, to]),
  ]);
  const from = Math.min(0, least(times, 0));
  // What was measured just before a second belongs to it.
  return [from, Math.max(Math.ceil(greatest(times, 0) * 20) / 20, from + 0.05)];
}

/** Axes that have room for all that the chart shows, and end at round values. */
export function scalesOf(chart: Chart, span: readonly [from: number, to: number]): Scales {
  const points = chart.series.flatMap((series) => series.points);
  const values = points.flatMap(([, value]) => (value === null ? [] : [value]));
  const limit = chart.limit === undefined ? [] : [chart.limit.value];
  const x = scaleLinear(span, [plot.left, plot.right]);
  const y = chart.log === true ? logAxis([...values, ...limit]) : linearAxis([...values, ...limit]);
  return { x, y, xTicks: x.ticks(6), yTicks: marksOf(chart, y) };
}

function marksOf(chart: Chart, y: Scale): number[] {
  // A logarithmic axis gives nine marks a decade: one a decade can be read.
  if (chart.log === true) return y.ticks().filter((tick) => Number.isInteger(Math.log10(tick)));
  const marks = y.ticks(5);
  return chart.unit === "count" ? marks.filter(Number.isInteger) : marks;
}

function linearAxis(values: readonly number[]): Scale {
  const top = greatest(values, 0);
  return scaleLinear([Math.min(0, least(values, 0)), top === 0 ? 1 : top * 1.04], [plot.bottom, plot.top]).nice(5);
}

function logAxis(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const from = 10 ** Math.floor(Math.log10(least(positive, 1)));
  const to = 10 ** Math.ceil(Math.log10(greatest(positive, 10)));
  return scaleLog([from, Math.max(to, from * 10)], [plot.bottom, plot.top]);
}

function least(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => Math.min(a, b));
}

function greatest(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => Math.max(a, b));
}
