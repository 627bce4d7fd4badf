import type { Sample } from "./event.ts";
import { faults } from "./faults.ts";
import { bytes, count } from "./format.ts";
import { type Canvas, canvasOf, clip, type Look, type Screen } from "./live-canvas.ts";
import { bufferChart, timeline } from "./live-chart.ts";
import { type DemoOptions, publishingMs } from "./options.ts";
import type { RunRecord } from "./run-record.ts";

/** What a cell is made of: the last sample, and one a second older for the rates; `isWide` when there is room for more than a number. */
type Cell = (now: Sample, before: Sample | undefined, isWide: boolean) => string;
type Row = readonly [label: string, cell: Cell, look?: (now: Sample) => Look | null];

/** Samples are a quarter of a second apart. */
const samplesASecond = 4;
/** From here on a cell has room for its second figure. */
const wideCell = 26;
const widestCell = 34;
const narrowestCell = 9;
const tallestChart = 9;
/** Fewer lines show no curve. */
const lowestChart = 3;

const rows: readonly Row[] = [
  ["connection", ({ state }) => state, ({ state }) => (state === "connected" ? "green" : "yellow")],
  ["published", (now, before, isWide) => withRate(now, before, isWide)],
  ["to the server", (now, before) => `${bytes(aSecond(now, before, ({ sent }) => sent))}/s`],
  ["stored", ({ stored }) => orDash(stored)],
  ["confirmed", ({ confirmed }) => orDash(confirmed)],
  ["held", (now, _before, isWide) => held(now, isWide)],
  ["refused", ({ refused }) => count(refused), ({ refused }) => (refused > 0 ? "yellow" : null)],
  ["handed back", ({ handedBack }) => orDash(handedBack)],
  [
    "lost silently",
    ({ lost }, _before, isWide) => `${orDash(lost)}${isWide && lost !== null ? " so far" : ""}`,
    ({ lost }) => ((lost ?? 0) > 0 ? "red" : null),
  ],
];

/** The run as lines of text that fit the screen. `nowMs`: milliseconds since the start of the publishing. */
export function liveView(record: RunRecord, options: DemoOptions, nowMs: number, screen: Screen): string[] {
  const canvas = canvasOf(screen);
  const head = [
    "",
    canvas.paint("bold", clip(`holdfast demo · ${options.fault}: ${faults[options.fault].explanation}`, canvas.width)),
    clip(stageInWords(record, options, nowMs), canvas.width),
    "",
  ];
  const table = [...lanes(record, options, canvas), ""];
  const course = timeline(record, options, nowMs, canvas);
  // The cursor waits on a line of its own, and the chart has a title.
  const height = Math.min(tallestChart, screen.rows - head.length - table.length - course.length - 2);
  const chart = height < lowestChart ? [] : bufferChart(record, options, nowMs, canvas, height);
  return [...head, ...table, ...chart, ...course].slice(0, Math.max(1, screen.rows - 1));
}

/** What is worth keeping on the screen above the table with the result: the curve of the whole run. */
export function closingView(record: RunRecord, options: DemoOptions, screen: Screen): string[] {
  const canvas = canvasOf(screen);
  const end = publishingMs(options);
  return [...bufferChart(record, options, end, canvas, tallestChart), ...timeline(record, options, end, canvas)];
}

function lanes(record: RunRecord, options: DemoOptions, { width, paint }: Canvas): string[] {
  const labelWidth = Math.max(...rows.map(([label]) => label.length)) + 2;
  const cellWidth = Math.min(widestCell, Math.floor((width - labelWidth) / options.clients.length));
  // No room for figures: what is left says at least that it goes on.
  if (cellWidth < narrowestCell) return [];
  const fit = (text: string): string => clip(text, cellWidth - 1).padEnd(cellWidth);
  return [
    " ".repeat(labelWidth) + options.clients.map((client) => paint("bold", fit(client))).join(""),
    ...rows.map(([label, cell, look]) => {
      const cells = options.clients.map((client) => {
        const samples = record.samplesOf(client);
        const now = samples.at(-1);
        if (now === undefined) return fit("–");
        return paint(look?.(now) ?? null, fit(cell(now, samples.at(-1 - samplesASecond), cellWidth > wideCell)));
      });
      return label.padEnd(labelWidth) + cells.join("");
    }),
  ];
}

function stageInWords(record: RunRecord, options: DemoOptions, nowMs: number): string {
  const left = publishingMs(options) - nowMs;
  switch (record.stage) {
    case "connecting":
      return "connecting";
    case "before":
      return `the fault begins in ${tenths(options.leadMs - nowMs)} · ${tenths(left)} in all`;
    case "fault":
      return `the fault: ${tenths((record.faultBeganMs ?? nowMs) + options.outageMs - nowMs)} left · ${tenths(left)} in all`;
    case "after":
      return left > 0 ? `the fault is over · ${tenths(left)} left` : "the clients send what they hold, and close";
    case "reading":
      return "reading the streams: what has arrived?";
  }
}

function tenths(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}

function withRate(now: Sample, before: Sample | undefined, isWide: boolean): string {
  const total = count(now.attempted);
  return isWide ? `${total} · ${count(aSecond(now, before, ({ attempted }) => attempted))}/s` : total;
}

function held({ heldBytes, limitBytes }: Sample, isWide: boolean): string {
  if (heldBytes === null) return isWide ? "unknown, no limit" : "unknown";
  // On a usable connection the limit is not in force.
  if (limitBytes === null) return bytes(heldBytes);
  const percent = `${Math.round((100 * heldBytes) / limitBytes)} %`;
  return isWide ? `${bytes(heldBytes)} of ${bytes(limitBytes)} (${percent})` : `${bytes(heldBytes)} ${percent}`;
}

function aSecond(now: Sample, before: Sample | undefined, of: (sample: Sample) => number): number {
  const elapsed = Math.max(1, now.atMs - (before?.atMs ?? 0)) / 1_000;
  return Math.round((of(now) - (before === undefined ? 0 : of(before))) / elapsed);
}

function orDash(value: number | null): string {
  return value === null ? "–" : count(value);
}
