import Table from "cli-table3";
import { shownServers } from "../connection/connect-options.ts";
import { bytes, count } from "../demo/format.ts";
import type { ClientName } from "./clients.ts";
import { LatencyHistogram } from "./histogram.ts";
import type { Round } from "./messages.ts";
import type { RateBenchOptions } from "./options.ts";
import { type Spread, spread } from "./statistics.ts";

/** What a run came to. */
export interface RateResult {
  readonly options: RateBenchOptions;
  /** Of requests: whether they were answered by us. */
  readonly responds: boolean;
  readonly serverVersion: string;
  readonly sides: readonly SideResult[];
}

export interface SideResult {
  readonly client: ClientName;
  readonly version: string;
  readonly rounds: readonly Round[];
}

type Row = readonly [label: string, cell: (side: Figures) => string];

/** A side in figures. */
interface Figures extends SideResult {
  readonly rate: Spread | null;
  readonly bytesPerSecond: number | null;
  readonly cpuUsPerMessage: number | null;
  readonly messages: number;
  readonly done: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly latencies: LatencyHistogram | null;
}

const doneWords = { pub: "confirmed", sub: "received", req: "answered" } as const;

/** The table at the end, one column a client. */
export function rateTable(result: RateResult): string {
  const { options, sides } = result;
  const all = sides.map((side) => figuresOf(side, options.size));
  const noun = options.kind === "req" ? "requests" : "messages";
  const isRepeated = options.rounds > 1;
  const rows: Row[] = [
    [isRepeated ? `${noun} a second, median` : `${noun} a second`, ({ rate }) => number(rate?.median)],
    ...(isRepeated ? [rangeRow] : []),
    ["payload a second", ({ bytesPerSecond }) => (bytesPerSecond === null ? "–" : `${bytes(bytesPerSecond)}/s`)],
    ...(options.kind === "req" ? latencyRows : []),
    [
      `CPU time a ${noun.slice(0, -1)}`,
      ({ cpuUsPerMessage }) => (cpuUsPerMessage === null ? "–" : `${significant(cpuUsPerMessage)} µs`),
    ],
    [noun, ({ messages }) => count(messages)],
    [`  ${doneWords[options.kind]}`, ({ done }) => count(done)],
    ...reasonsIn(all).map((reason): Row => [`  ${reason}`, ({ failures }) => count(failures[reason] ?? 0)]),
  ];
  const head = ["", ...all.map(({ client, version }) => `${client} ${version}`)];
  const colAligns: ("left" | "right")[] = head.map((_, column) => (column === 0 ? "left" : "right"));
  const table = new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
  for (const [label, cell] of rows) table.push([label, ...all.map(cell)]);
  const ratio = ratioOf(sides);
  return ratio === null ? table.toString() : `${table.toString()}\n\n${ratioLine(ratio, options)}`;
}

/** The same for programs. */
export function rateObject(result: RateResult): Readonly<Record<string, unknown>> {
  const { options, serverVersion, sides, responds } = result;
  const { kind, subject, size, msgs, durationMs, clients, rounds } = options;
  return {
    bench: kind,
    server: { url: shownServers(options.server), version: serverVersion },
    node: process.versions.node,
    subject,
    size,
    msgs: finite(msgs),
    durationMs: finite(durationMs),
    connections: clients,
    rounds,
    ...(options.kind === "req" ? { outstanding: options.outstanding, ownResponder: responds } : {}),
    clients: sides.map((side) => sideObject(figuresOf(side, size), kind)),
    ratio: ratioOf(sides),
  };
}

/** A line for each round. */
export function csvOf({ options, sides }: RateResult): string {
  const head = "bench,client,version,round,messages,done,seconds,per_second,cpu_ms,p50_ms,p90_ms,p99_ms";
  const lines = sides.flatMap(({ client, version, rounds }) =>
    rounds.map((round, i) => {
      const latencies = round.latencies === null ? null : LatencyHistogram.from(round.latencies);
      const times = [0.5, 0.9, 0.99].map((share) => latencies?.quantile(share)?.toFixed(3) ?? "");
      const { messages, done, ms, cpuMs } = round;
      const figures = [messages, done, (ms / 1000).toFixed(6), Math.round(rateOf(round) ?? 0), cpuMs.toFixed(1), ...times];
      return [options.kind, client, version, i + 1, ...figures].join(",");
    }),
  );
  return `${[head, ...lines].join("\n")}\n`;
}

const rangeRow: Row = ["  slowest to fastest round", ({ rate }) => range(rate)];
const latencyRows: readonly Row[] = [
  ["answered within: half of them", ({ latencies }) => time(latencies, 0.5)],
  ["  90 of 100", ({ latencies }) => time(latencies, 0.9)],
  ["  99 of 100", ({ latencies }) => time(latencies, 0.99)],
  ["  all", ({ latencies }) => time(latencies, 1)],
];

function sideObject(side: Figures, kind: RateBenchOptions["kind"]): Readonly<Record<string, unknown>> {
  const { client, version, rate, bytesPerSecond, cpuUsPerMessage, messages, done, failures, latencies, rounds } = side;
  return {
    name: client,
    version,
    messages,
    [doneWords[kind]]: done,
    failures,
    rate,
    bytesPerSecond,
    cpuUsPerMessage,
    ...(kind === "req"
      ? {
          latencyMs: {
            p50: latencies?.quantile(0.5) ?? null,
            p90: latencies?.quantile(0.9) ?? null,
            p99: latencies?.quantile(0.99) ?? null,
            max: latencies?.quantile(1) ?? null,
          },
        }
      : {}),
    rounds: rounds.map((round) => ({
      messages: round.messages,
      [doneWords[kind]]: round.done,
      seconds: round.ms / 1000,
      rate: rateOf(round),
      cpuMs: round.cpuMs,
    })),
  };
}

function figuresOf(side: SideResult, size: number): Figures {
  const { rounds } = side;
  const rate = spread(rounds.flatMap((round) => rateOf(round) ?? []));
  const sum = (value: (round: Round) => number): number => rounds.reduce((total, round) => total + value(round), 0);
  const done = sum((round) => round.done);
  const failures: Record<string, number> = {};
  const latencies = new LatencyHistogram();
  for (const round of rounds) {
    for (const [reason, n] of Object.entries(round.failures)) failures[reason] = (failures[reason] ?? 0) + n;
    if (round.latencies !== null) latencies.add(round.latencies);
  }
  return {
    ...side,
    rate,
    bytesPerSecond: rate === null ? null : rate.median * size,
    cpuUsPerMessage: done === 0 ? null : (sum((round) => round.cpuMs) * 1000) / done,
    messages: sum((round) => round.messages),
    done,
    failures,
    latencies: latencies.count === 0 ? null : latencies,
  };
}

/** Messages a second; null when none was done, or all at one moment. */
function rateOf({ done, ms }: Round): number | null {
  return done === 0 || ms === 0 ? null : (done * 1000) / ms;
}

/** Holdfast's rate divided by the official client's, in each round; null where there is nothing to compare. */
function ratioOf(sides: readonly SideResult[]): Spread | null {
  const [ours, theirs] = [sides.find(({ client }) => client === "holdfast"), sides.find(({ client }) => client === "nats.js")];
  if (ours === undefined || theirs === undefined) return null;
  return spread(
    ours.rounds.flatMap((round, i) => {
      const other = theirs.rounds[i];
      const [a, b] = [rateOf(round), other === undefined ? null : rateOf(other)];
      return a === null || b === null ? [] : [a / b];
    }),
  );
}

function ratioLine({ low, median, high }: Spread, { rounds }: RateBenchOptions): string {
  const each = rounds > 1 ? ` (${low.toFixed(2)} to ${high.toFixed(2)} in ${count(rounds)} rounds)` : "";
  return `Holdfast / nats.js: ${median.toFixed(2)}${each}`;
}

function reasonsIn(all: readonly Figures[]): string[] {
  return [...new Set(all.flatMap(({ failures }) => Object.keys(failures)))];
}

function time(latencies: LatencyHistogram | null, share: number): string {
  const ms = latencies?.quantile(share) ?? null;
  return ms === null ? "–" : `${significant(ms)} ms`;
}

function number(value: number | undefined): string {
  return value === undefined ? "–" : count(Math.round(value));
}

function range(rate: Spread | null): string {
  return rate === null ? "–" : `${count(Math.round(rate.low))} to ${count(Math.round(rate.high))}`;
}

/** Three digits, and no fewer than the whole ones. */
export function significant(value: number): string {
  return value >= 100 ? count(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
