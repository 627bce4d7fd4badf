import type { Run, Sample } from "./run.ts";

/** A panel: where it lies, and what its axis is worth. */
interface Panel {
  readonly top: number;
  readonly height: number;
  readonly most: number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

const WIDTH = 850;
const LEFT = 80;
const RIGHT = 640;
const MIB = 1024 * 1024;
const COLOURS = { holdfast: "#0a7d55", natsJs: "#c8442b", published: "#8a8f98", limit: "#b07d00", ink: "#24292f" } as const;

/** The outage as an SVG: what arrived of each client's messages, and below it how full Holdfast's buffer was. */
export function drawOutage(run: Run): string {
  const end = run.samples.at(-1)?.ms ?? 1;
  const x = (ms: number): number => LEFT + ((RIGHT - LEFT) * ms) / end;
  const ticks = [0, 20_000, 40_000, 60_000].map((value) => ({ value, label: spaced(value) }));
  const upper: Panel = { top: 70, height: 220, most: run.published * 1.05, ticks };
  const lower: Panel = {
    top: 360,
    height: 110,
    most: 9 * MIB,
    ticks: [0, 4, 8].map((n) => ({ value: n * MIB, label: n === 0 ? "0" : `${n} MiB` })),
  };
  const line = (panel: Panel, of: (sample: Sample) => number | null, style: string): string =>
    polylines(
      run.samples.map((sample) => ({ x: x(sample.ms), y: of(sample) })),
      panel,
      style,
    );
  const outage = (panel: Panel): string =>
    `<rect x="${fixed(x(run.cutMs))}" y="${panel.top}" width="${fixed(x(run.backMs) - x(run.cutMs))}" height="${panel.height}" fill="#f3e3c3" opacity="0.6"/>`;
  const seconds = Array.from({ length: Math.floor(end / 1_000) + 1 }, (_, second) => second);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} 520" font-family="system-ui, sans-serif" font-size="13" fill="${COLOURS.ink}">`,
    `<title>Messages that arrived through an outage of 3 seconds, and how full the buffer was</title>`,
    `<rect width="${WIDTH}" height="520" fill="#ffffff"/>`,
    text(
      LEFT,
      28,
      `Messages that arrived, of ${spaced(run.rate)} a second published by each client`,
      'font-size="16" font-weight="600"',
    ),
    text(
      LEFT,
      48,
      `The link is reset and the port closed for ${(run.backMs - run.cutMs) / 1_000} s (shaded)`,
      `fill="${COLOURS.published}"`,
    ),
    outage(upper),
    ...frame(upper),
    line(upper, (sample) => sample.published, `stroke="${COLOURS.published}" stroke-width="1.5" stroke-dasharray="5 4"`),
    line(upper, (sample) => sample.natsJs, `stroke="${COLOURS.natsJs}" stroke-width="2.5"`),
    line(upper, (sample) => sample.holdfast, `stroke="${COLOURS.holdfast}" stroke-width="2.5"`),
    ...labels(run, upper),
    text(LEFT, 345, "Held by Holdfast, against the limit in force", 'font-size="16" font-weight="600"'),
    outage(lower),
    ...frame(lower),
    line(lower, (sample) => sample.limit, `stroke="${COLOURS.limit}" stroke-width="2"`),
    line(lower, (sample) => sample.held, `stroke="${COLOURS.holdfast}" stroke-width="2.5"`),
    text(RIGHT + 10, yOf(lower, 8 * MIB) + 5, "limit, while it applies", `fill="${COLOURS.limit}"`),
    text(RIGHT + 10, yOf(lower, 0) + 5, "held", `fill="${COLOURS.holdfast}"`),
    ...seconds.map((second) => text(x(second * 1_000), 490, `${second} s`, 'text-anchor="middle" font-size="12"')),
    text(
      LEFT,
      512,
      `nats.js ${run.versions.natsJs}, nats-server ${run.versions.server}, Node ${run.versions.node.slice(1)}, on one machine`,
      `font-size="11" fill="${COLOURS.published}"`,
    ),
    "</svg>",
    "",
  ].join("\n");
}

/** What each line came to, beside its end. */
function labels(run: Run, panel: Panel): string[] {
  const last = run.samples.at(-1);
  if (last === undefined) return [];
  const holdfast = yOf(panel, last.holdfast);
  const natsJs = yOf(panel, last.natsJs);
  return [
    text(RIGHT + 10, holdfast - 4, "published", `fill="${COLOURS.published}"`),
    text(
      RIGHT + 10,
      holdfast + 16,
      `Holdfast: ${spaced(run.lost.holdfast)} lost silently`,
      `fill="${COLOURS.holdfast}" font-weight="600"`,
    ),
    text(RIGHT + 10, holdfast + 33, `${spaced(run.inDoubt)} in doubt, handed`, `fill="${COLOURS.holdfast}"`),
    text(RIGHT + 10, holdfast + 49, `back; ${spaced(run.inDoubtArrived)} had arrived`, `fill="${COLOURS.holdfast}"`),
    text(RIGHT + 10, natsJs + 4, `nats.js: ${spaced(run.lost.natsJs)} lost,`, `fill="${COLOURS.natsJs}" font-weight="600"`),
    text(RIGHT + 10, natsJs + 21, "without an error", `fill="${COLOURS.natsJs}"`),
  ];
}

function frame(panel: Panel): string[] {
  return panel.ticks.flatMap(({ value, label }) => {
    const y = fixed(yOf(panel, value));
    return [
      `<line x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}" stroke="#d8dbe0" stroke-width="1"/>`,
      text(LEFT - 8, yOf(panel, value) + 4, label, 'text-anchor="end" font-size="12"'),
    ];
  });
}

/** A line with gaps where there is no value. */
function polylines(points: readonly { readonly x: number; readonly y: number | null }[], panel: Panel, style: string): string {
  const parts: string[][] = [[]];
  for (const { x, y } of points) {
    if (y === null) parts.push([]);
    else parts.at(-1)?.push(`${fixed(x)},${fixed(yOf(panel, y))}`);
  }
  const drawn = parts.filter((part) => part.length > 0);
  return drawn.map((part) => `<polyline points="${part.join(" ")}" fill="none" ${style}/>`).join("\n");
}

function yOf(panel: Panel, value: number): number {
  return panel.top + panel.height * (1 - value / panel.most);
}

function text(x: number, y: number, words: string, style: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${style}>${words}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

/** 30160 as 30 160. */
function spaced(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}
