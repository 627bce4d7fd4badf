import type { Chart, Report } from "../report/report.ts";
import type { Sample } from "./event.ts";
import { faults } from "./faults.ts";
import { bytes, count, seconds } from "./format.ts";
import type { DemoOptions } from "./options.ts";
import { tableCells } from "./report.ts";
import type { DemoResult } from "./result.ts";
import type { RunRecord } from "./run-record.ts";

type Series = Chart["series"][number];
type Figure = (sample: Sample, before: Sample | undefined) => number | null;

const lossKnown = "Passed over by the stream, and neither refused nor handed back.";
const lossUnknown =
  "Passed over by the stream. What Holdfast lost, only the table knows: the server may have lost what it had confirmed.";

/** The page of `--html`: the run over time, the fault as a band, and the table of the result. `verdict` in a sentence. */
export function demoReport(record: RunRecord, options: DemoOptions, result: DemoResult, verdict: string): Report {
  const [columns = [], ...rows] = tableCells(result);
  return {
    title: `holdfast demo: an outage of ${seconds(options.outageMs)} (${options.fault})`,
    summary: verdict,
    facts: facts(options, result),
    tables: [{ caption: "What became of the messages", columns, rows }],
    charts: chartsOf(record, options),
  };
}

function facts(options: DemoOptions, result: DemoResult): Report["facts"] {
  return [
    ["Fault", `${options.fault}: ${faults[options.fault].explanation}`],
    ["Each client", `${count(options.rate)} messages/s of ${bytes(options.size)}`],
    ["Holdfast's delivery", options.delivery],
    ["nats-server", `${result.server}, streams in ${result.storage === "file" ? "files" : "memory"}`],
    ["Node", process.versions.node],
  ];
}

function chartsOf(record: RunRecord, options: DemoOptions): Chart[] {
  const bands = bandsOf(record, options);
  const lines = (figure: Figure): Series[] =>
    options.clients.map((client) => {
      const samples = record.samplesOf(client);
      return { name: client, points: samples.map((sample, i) => [sample.atMs / 1_000, figure(sample, samples[i - 1])] as const) };
    });
  // A client that has no notion of a figure has no line.
  const known = (figure: Figure): Series[] => lines(figure).filter(({ points }) => points.some(([, value]) => value !== null));
  const charts: readonly Chart[] = [
    {
      title: "What Holdfast holds, against its limit",
      caption: "nats.js does not say what it holds, and knows no limit.",
      unit: "bytes",
      series: known(({ heldBytes }) => heldBytes),
      limit: { name: "reconnect buffer", value: options.bufferBytes },
    },
    {
      title: "Bytes to the server, a second",
      caption: "As the proxy in front of the server passed them on.",
      unit: "bytes",
      series: lines(({ atMs, sent }, before) => aSecond(atMs, before, sent - (before?.sent ?? 0))),
    },
    {
      title: "Stored in the stream",
      caption: "Asked of the server while it went on; it does not answer while it is down.",
      unit: "count",
      series: lines(({ stored }) => stored),
    },
    {
      title: "Lost without a word, so far",
      caption: faults[options.fault].endsServer ? lossUnknown : lossKnown,
      unit: "count",
      series: known(({ lost }) => lost),
    },
    {
      title: "In doubt",
      caption: "Handed back: the connection ended before the server could say that it had read them. nats.js hands nothing back.",
      unit: "count",
      series: known(({ inDoubt }) => inDoubt),
    },
    { title: "Refused", caption: "publish() threw.", unit: "count", series: lines(({ refused }) => refused) },
  ];
  return charts.filter(({ series }) => series.length > 0).map((chart) => ({ ...chart, bands }));
}

/** The fault, unless the run ended before it. */
function bandsOf(record: RunRecord, options: DemoOptions): NonNullable<Chart["bands"]> {
  const { faultBeganMs, faultEndedMs } = record;
  if (faultBeganMs === null || faultEndedMs === null) return [];
  return [{ name: options.fault, from: faultBeganMs / 1_000, to: faultEndedMs / 1_000 }];
}

function aSecond(atMs: number, before: Sample | undefined, amount: number): number {
  return (1_000 * amount) / Math.max(1, atMs - (before?.atMs ?? 0));
}
