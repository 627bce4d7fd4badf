/** A light and a dark set of colours. Each series has a dash of its own as well: not everybody tells these colours apart. */
const light = {
  ink: "#1f2328",
  soft: "#59616b",
  paper: "#ffffff",
  rule: "#dde1e6",
  band: "#f5dfb3",
  limit: "#8a6100",
  series: ["#0a7d55", "#c8442b", "#2f66c9", "#7d4fb8", "#59616b", "#9a5b00"],
};
const dark = {
  ink: "#e6e9ed",
  soft: "#a2abb6",
  paper: "#14181d",
  rule: "#323a44",
  band: "#4a3c1c",
  limit: "#e0b354",
  series: ["#43c592", "#f58a70", "#7eabff", "#bf9bf2", "#a2abb6", "#e5a54a"],
};
const dashes: readonly string[] = ["none", "7 4", "2 4", "10 4 2 4", "1 5", "5 2"];

/** How many series look different; the next ones begin again. */
export const seriesLooks: number = dashes.length;

/** The style sheet of a report. */
export const style: string = `
:root { ${variables(light)} }
@media (prefers-color-scheme: dark) { :root { ${variables(dark)} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 12px; }
h2 { font-size: 1.05rem; margin: 0 0 4px; }
p { margin: 0; max-width: 75ch; }
.summary { font-size: 1.1rem; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 20px 0 0; }
.facts dt { color: var(--soft); font-size: .85rem; }
.facts dd { margin: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 32px 40px; margin-top: 36px; }
figure { margin: 0; max-width: 640px; display: flex; flex-direction: column; }
figcaption p, .legend { color: var(--soft); font-size: .9rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 6px 0 0; padding: 0; }
.legend svg { width: 30px; height: 10px; margin-right: 7px; vertical-align: middle; }
figure > svg { width: 100%; height: auto; margin-top: auto; }
svg text { font-size: 13px; fill: var(--soft); }
.grid { stroke: var(--rule); }
.axis { stroke: var(--soft); }
.band { fill: var(--band); opacity: .7; }
svg .limit-name { fill: var(--limit); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 4 3; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.hint { fill: transparent; }
.hint:hover { fill: var(--ink); opacity: .35; }
${dashes.map((dash, i) => `.series-${i} { stroke: var(--series-${i}); stroke-dasharray: ${dash}; }`).join("\n")}
.table { overflow-x: auto; margin-top: 40px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 6px; }
th, td { padding: 5px 14px; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; }
th:first-child { text-align: left; padding-left: 0; font-weight: 400; white-space: pre-wrap; }
thead :is(th, td) { font-weight: 600; border-bottom: 2px solid var(--soft); }
@media (max-width: 500px) { th, td { padding: 5px 8px; font-size: .9rem; } svg text { font-size: 15px; } }
@media print { figure, tr { break-inside: avoid; } }
`;

function variables({ series, ...named }: typeof light): string {
  const all = [...Object.entries(named), ...series.map((colour, i) => [`series-${i}`, colour] as const)];
  return all.map(([name, colour]) => `--${name}: ${colour};`).join(" ");
}
