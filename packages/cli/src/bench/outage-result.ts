import { countsAgree } from "../demo/account.ts";
import { msToDetect } from "../demo/detection.ts";
import type { PublisherReport } from "../demo/messages.ts";
import { examine, type Findings } from "../demo/oracle.ts";
import type { ArrivalBin } from "./arrivals.ts";
import type { ClientName } from "./clients.ts";
import type { LatencyHistogram } from "./histogram.ts";
import type { OutageBenchOptions } from "./options.ts";
import type { Lane } from "./outage-lane.ts";

/** What an outage came to. */
export interface OutageResult {
  readonly options: OutageBenchOptions;
  readonly serverVersion: string;
  /** Milliseconds since the start. */
  readonly fault: { readonly beganMs: number; readonly endedMs: number };
  readonly clients: readonly OutageClient[];
  /** Why nothing can be said, in words; empty when all is well. */
  readonly invalidBecause: readonly string[];
}

export interface OutageClient {
  readonly name: ClientName;
  readonly version: string;
  readonly subject: string;
  /** By the subscriber that went around the proxy; `stored` there means: it arrived. */
  readonly findings: Findings;
  readonly report: PublisherReport;
  /** Handed back, by state. */
  readonly handedBack: Readonly<Record<string, number>>;
  readonly countsAgree: boolean | null;
  readonly msToDetect: number | null;
  readonly connections: number;
  readonly greatestHeldBytes: number | null;
  readonly latencies: LatencyHistogram;
  readonly samples: Lane["samples"];
  readonly bins: readonly ArrivalBin[];
}

/** Puts together all that is known of one client. */
export function outageClient(
  lane: Lane,
  report: PublisherReport,
  version: string,
  faultBeganMs: number,
  endMs: number,
): OutageClient {
  const handedBack = report.handedBack === null ? null : new Map(report.handedBack);
  const held = lane.samples.flatMap(({ heldBytes }) => heldBytes ?? []);
  return {
    name: lane.client,
    version,
    subject: lane.subject,
    findings: examine({
      attempted: report.attempted,
      refused: report.refused,
      handedBack,
      stream: lane.arrivals.numbers,
      receipts: null,
    }),
    report,
    handedBack: Object.fromEntries(
      [...(handedBack ?? [])].map(([state, ranges]) => [state, ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)]),
    ),
    countsAgree: countsAgree(report),
    msToDetect: msToDetect(faultBeganMs, report.disconnectsMs),
    connections: lane.proxy.accepted,
    greatestHeldBytes: held.length === 0 ? null : held.reduce((most, bytes) => Math.max(most, bytes), 0),
    latencies: lane.arrivals.latencies,
    samples: lane.samples,
    bins: lane.arrivals.bins(endMs),
  };
}

/** What Holdfast promised and did not keep, in words; empty when it kept it. */
export function brokenPromises({ clients, options }: Pick<OutageResult, "clients" | "options">): string[] {
  const ours = clients.find(({ name }) => name === "holdfast");
  if (ours === undefined) return [];
  const { findings, report } = ours;
  const mayArriveTwice = options.holdfast.delivery === "at-least-once" ? (report.counts?.resent ?? 0) : 0;
  const broken: readonly (readonly [boolean, string])[] = [
    [findings.lostSilently > 0, `it lost ${findings.lostSilently} silently`],
    [(findings.wronglyHandedBack ?? 0) > 0, `it handed back ${findings.wronglyHandedBack} that arrived`],
    [findings.duplicated > mayArriveTwice, `${findings.duplicated} arrived twice, and it sent ${mayArriveTwice} again`],
    [findings.outOfOrder > 0, `${findings.outOfOrder} arrived out of order`],
    [findings.impossible + report.unreadable > 0, "what arrived or was handed back is not what was published"],
    [ours.countsAgree === false, "its own counts differ from what was observed"],
  ];
  return broken.flatMap(([isBroken, words]) => (isBroken ? [words] : []));
}
