import asciichart from "asciichart";
import { bytes, seconds } from "./format.ts";
import { type Canvas, clip } from "./live-canvas.ts";
import { type DemoOptions, publishingMs } from "./options.ts";
import type { RunRecord } from "./run-record.ts";

/** In front of the curve stand the value, a space and the axis. */
const valueWidth = 7;
const marginWidth = valueWidth + 2;
const margin = " ".repeat(marginWidth);
const fewestColumns = 16;

/**
 * How full Holdfast's buffer was until `nowMs`, against its limit: a title, and a curve of `height` lines. Empty when Holdfast takes no part,
 * or there is no room.
 */
export function bufferChart(record: RunRecord, options: DemoOptions, nowMs: number, canvas: Canvas, height: number): string[] {
  const columns = canvas.width - marginWidth;
  if (!options.clients.includes("holdfast") || columns < fewestColumns) return [];
  const curve = heldByColumn(record, options, nowMs, columns);
  const limit = Array.from({ length: columns }, () => options.bufferBytes);
  const { green, yellow } = asciichart;
  const plot = asciichart.plot(curve.length === 0 ? [limit] : [limit, curve], {
    min: 0,
    max: Math.max(options.bufferBytes, ...curve),
    height: height - 1,
    format: (value) => clip(bytes(value), valueWidth).padStart(valueWidth),
    ...(canvas.hasColours ? { colors: [yellow, green] } : {}),
  });
  const title = `what Holdfast holds, against its limit of ${bytes(options.bufferBytes)}`;
  return [clip(title, canvas.width), ...plot.split("\n").map((line) => line.trimEnd())];
}

/** The time from the first message to the last, with the fault in it, and below it the seconds. It stands under the chart. */
export function timeline(record: RunRecord, options: DemoOptions, nowMs: number, canvas: Canvas): string[] {
  const columns = canvas.width - marginWidth;
  if (columns < fewestColumns) return [];
  const total = publishingMs(options);
  const columnOf = (ms: number): number => Math.min(columns, Math.max(0, Math.round((ms / total) * columns)));
  const beganMs = record.faultBeganMs ?? options.leadMs;
  const [began, ended] = [columnOf(beganMs), columnOf(record.faultEndedMs ?? beganMs + options.outageMs)];
  const now = columnOf(nowMs);
  const piece = (from: number, to: number, past: string, ahead: string): string =>
    past.repeat(Math.max(0, Math.min(to, now) - from)) + ahead.repeat(Math.max(0, to - Math.max(from, now)));
  const line =
    piece(0, began, "━", "─") + canvas.paint("yellow", piece(began, ended, "▓", "░")) + piece(ended, columns, "━", "─");
  const end = seconds(total);
  const name = began < 5 ? `     ${options.fault}` : options.fault.padStart(began + options.fault.length);
  const label = `0 s${name.slice(3)}`;
  return [`${margin}${line}`, `${margin}${label.padEnd(columns - end.length).slice(0, columns - end.length)}${end}`];
}

/** What was held at the time of each column, up to now. */
function heldByColumn(record: RunRecord, options: DemoOptions, nowMs: number, columns: number): number[] {
  const samples = record.samplesOf("holdfast");
  const total = publishingMs(options);
  const until = Math.min(columns, Math.ceil((nowMs / total) * columns));
  const held: number[] = [];
  let next = 0;
  for (let column = 0; column < until; column++) {
    const ms = ((column + 1) / columns) * total;
    while ((samples[next]?.atMs ?? Number.POSITIVE_INFINITY) <= ms) next += 1;
    held.push(samples[next - 1]?.heldBytes ?? 0);
  }
  return held;
}
