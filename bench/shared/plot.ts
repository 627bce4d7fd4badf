import { BarChart, type BarSeriesOption } from "echarts/charts";
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  TitleComponent,
  type TitleComponentOption,
} from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { MadeRow } from "./result-file.ts";

type Option = ComposeOption<BarSeriesOption | GridComponentOption | LegendComponentOption | TitleComponentOption>;

/** Who is drawn: the others are in the table. */
const PEERS = ["nats.js", "nats.go", "nats.c", "async-nats"];
const COLOURS = ["#d08770", "#5e81ac", "#8fbcbb", "#b48ead"];
const WIDTH = 960;
const ROW_HEIGHT = 44;

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** RESULTS.svg: how many times as fast as each peer, on a logarithmic axis. Memory is another matter, and in the table. */
export function plot(all: readonly MadeRow[]): string {
  const rows = all.filter(({ unit }) => unit !== "of the wire bytes").toReversed();
  const height = 110 + ROW_HEIGHT * rows.length;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption<Option>({
    animation: false,
    backgroundColor: "#fff",
    color: COLOURS,
    title: { text: "Holdfast, times as fast as …", left: "center", top: 8 },
    legend: { top: 38, data: PEERS },
    grid: { left: 190, right: 40, top: 80, bottom: 30 },
    xAxis: { type: "log", min: 0.2, max: 20, logBase: 10, axisLabel: { formatter: "{value}x" } },
    yAxis: { type: "category", data: rows.map(({ name }) => name) },
    series: PEERS.map((peer) => ({ type: "bar", name: peer, barGap: 0.1, data: rows.map((row) => timesAsFast(row, peer)) })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** "-" where the peer is not in the row. */
function timesAsFast({ unit, sides }: MadeRow, peer: string): number | "-" {
  const ratio = sides[peer]?.ratio.median;
  if (ratio === undefined) return "-";
  return Number((unit === "µs" ? 1 / ratio : ratio).toFixed(2));
}
