import { shownServers } from "../connection/connect-options.ts";
import { bytes, count, seconds } from "../demo/format.ts";
import type { Chart, Report, ReportTable } from "../report/report.ts";
import { courseRows, messageRows, type OutageRow, verdict } from "./outage-report.ts";
import type { OutageClient, OutageResult } from "./outage-result.ts";

type Points = Chart["series"][number]["points"];

/** The report of `--html`: one file for any browser. */
export function outageReport(result: OutageResult): Report {
  const { options, serverVersion, clients } = result;
  const { rate, size, fault, holdfast, outageMs, beforeMs, afterMs } = options;
  const many = clients.length > 1;
  return {
    title: `An outage of ${seconds(outageMs)} (${fault})`,
    summary: verdict(result),
    facts: [
      ["Clients", clients.map(({ name, version }) => `${name} ${version}`).join(", ")],
      ["Server", `nats-server ${serverVersion} at ${shownServers(options.server)}`],
      ["Published", `${count(rate)} messages a second of ${size} bytes${many ? " by each client" : ""}`],
      ["Course", `${seconds(beforeMs)}, then ${fault} for ${seconds(outageMs)}, then ${seconds(afterMs)}`],
      ["Holdfast", `${holdfast.delivery}, holds ${bytes(holdfast.bufferBytes)}, when full: ${holdfast.whenFull}`],
      ["Node", process.versions.node],
    ],
    tables: [
      table("What became of the messages", messageRows(result), clients),
      table("How the outage went", courseRows(result), clients),
    ],
    charts: charts(result),
  };
}

function table(caption: string, rows: readonly OutageRow[], clients: readonly OutageClient[]): ReportTable {
  return {
    caption,
    columns: ["", ...clients.map(({ name, version }) => `${name} ${version}`)],
    rows: rows.map(([label, cell]) => [label, ...clients.map(cell)]),
  };
}

function charts({ options, fault, clients }: OutageResult): Chart[] {
  const bands = [{ name: options.fault, from: fault.beganMs / 1000, to: fault.endedMs / 1000 }];
  const series = (points: (client: OutageClient) => Points): Chart["series"] =>
    clients.map((client) => ({ name: client.name, points: points(client) }));
  const [ours] = clients;
  return [
    {
      title: "Held by Holdfast",
      caption: "Bytes that are buffered or not yet confirmed. The limit is in force while there is no connection.",
      unit: "bytes",
      series: series((client) => sampled(client, ({ heldBytes }) => heldBytes)).filter(({ points }) =>
        points.some(([, y]) => y !== null),
      ),
      limit: { name: "limit", value: options.holdfast.bufferBytes },
      bands,
    },
    {
      title: "Arrived",
      caption: "Messages a second at a subscriber that goes around the proxy, and what was published. A gap: none.",
      unit: "per second",
      log: true,
      series: [...(ours === undefined ? [] : [{ name: "published", points: publishedRate(ours) }]), ...series(arrivalRate)],
      bands,
    },
    {
      title: "Published and not arrived",
      caption:
        "Messages that were taken and have not reached the subscriber: on their way, held, or lost. What stays at the end never came.",
      unit: "count",
      series: series((client) =>
        sampled(client, ({ attempted, refused, arrived }) => Math.max(0, attempted - refused - arrived)),
      ),
      bands,
    },
    {
      title: "In doubt, and refused",
      caption: "Messages of Holdfast that the server may have or not, and those that publish() refused, until then.",
      unit: "count",
      series:
        ours === undefined
          ? []
          : [
              { name: "in doubt", points: sampled(ours, ({ inDoubt }) => inDoubt) },
              { name: "refused", points: sampled(ours, ({ refused }) => refused) },
            ],
      bands,
    },
    {
      title: "How long a message took",
      caption:
        "From the moment when it was due until it arrived, by the time of arrival: the middle one of each tenth of a second.",
      unit: "ms",
      log: true,
      series: series(({ bins }) => bins.map(({ atMs, medianMs }) => [atMs / 1000, medianMs])),
      bands,
    },
  ];
}

function sampled({ samples }: OutageClient, value: (sample: OutageClient["samples"][number]) => number | null): Points {
  return samples.map((sample) => [sample.atMs / 1000, value(sample)]);
}

/** From the second sample on: the first may be of the very beginning, and its rate none that means anything. */
function publishedRate({ samples }: OutageClient): Points {
  return samples.map(({ atMs, attempted }, i) => {
    const before = samples[i - 1];
    return [atMs / 1000, before === undefined ? null : perSecond(attempted - before.attempted, atMs - before.atMs)];
  });
}

/** Without the last stretch, in which publishing ended. */
function arrivalRate({ bins, samples }: OutageClient): Points {
  const end = samples.at(-1)?.atMs ?? 0;
  const whole = bins.filter(({ atMs }) => atMs <= end);
  return whole.map(({ atMs, count: n }, i) => [atMs / 1000, perSecond(n, atMs - (bins[i - 1]?.atMs ?? 0))]);
}

function perSecond(n: number, ms: number): number | null {
  return ms <= 0 ? null : (n * 1000) / ms;
}
