import type { MadeRow, ResultFile } from "./result-file.ts";
import type { Spread } from "./statistics.ts";

/** RESULTS.md. */
export function report({ machine, rows }: ResultFile): string {
  return `# Results

Made by \`npm run bench\` on ${machine}; everything on loopback. The figures behind this page, with their quartiles, are in [RESULTS.json](RESULTS.json).

**How to read it.** Each side is a client in a process of its own; they take turns round by round, in an order that chance makes; the first round warms up and does not count. A
figure is the median of the rounds, with its quartiles. A ratio is Holdfast by the other, round by round, again the median with its quartiles. *Control* is Holdfast against a
second process of itself: how far a ratio is from 1 by chance. Other work may have run beside it: compare ratios, and treat ±15 % as equal. CPU is the client's process alone, and
steadier than a rate. Holdfast has everything on: validation, limits, accounting, fences, window. Every round was verified: the server's (or the stream's) count of messages is exactly what was
published, Holdfast's \`counts()\` adds up to it, and each client's first messages were read one by one by a subscriber; who receives looks at every message's number.

![Holdfast against the others](RESULTS.svg)

${goals(rows)}
${rows.map(section).join("\n")}`;
}

/** The goals of issue 6 beside what was reached. */
function goals(rows: readonly MadeRow[]): string {
  const lines = rows.flatMap(({ name, unit, sides, goals: wanted }) =>
    Object.entries(wanted).flatMap(([peer, goal]) => {
      const reached = peer === "itself" ? sides.holdfast?.value : sides[peer]?.ratio;
      if (reached === undefined) return [];
      const lowIsGood = unit !== "msg/s";
      const met = lowIsGood ? reached.median <= goal : reached.median >= goal;
      return `| [${name}](#${name}) | ${peer} | ${lowIsGood ? "≤" : "≥"} ${goal} | ${spreadText(reached)} | ${met ? "yes" : "**no**"} |`;
    }),
  );
  return `## Goals\n\n| row | against | goal | reached | |\n|---|---|---|---|---|\n${lines.join("\n")}\n`;
}

function section({ name, title, unit, messages, rounds, sides, missing, made }: MadeRow): string {
  const lines = Object.entries(sides).map(([side, { value, cpuNs, ratio, p99Us }]) => {
    const by = side === "holdfast" ? "" : spreadText(ratio);
    const p99 = p99Us === undefined ? "" : `; p99 ${spreadText(p99Us)} µs`;
    return `| ${side === "holdfast" ? "**holdfast**" : side} ${made.peers[side] ?? ""} | ${spreadText(value)}${p99} | ${by} | ${cpuNs.median.toFixed(0)} |`;
  });
  const window = sides.holdfast?.window === undefined ? "" : ` Window at the end: ${sides.holdfast.window / 1024} KiB.`;
  const absent = Object.entries(missing).map(([peer, reason]) => ` Without ${peer}: ${reason}.`);
  return `### ${name}

${title}. ${messages.toLocaleString("en")} messages a round, ${rounds} rounds.${window}${absent.join("")} *${made.date}, Node ${made.node}, nats-server ${made.natsServer}, commit ${made.commit}.*

| side | ${unit} | Holdfast / it | CPU ns a message |
|---|---|---|---|
${lines.join("\n")}
`;
}

function spreadText({ median, quarter, threeQuarters }: Spread): string {
  return `${number(median)} (${number(quarter)}–${number(threeQuarters)})`;
}

function number(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
