import Table from "cli-table3";
import { shownServers } from "../connection/connect-options.ts";
import { bytes, count, describeEnd, orNone, seconds } from "../demo/format.ts";
import { outageMessages } from "./options.ts";
import { brokenPromises, type OutageClient, type OutageResult } from "./outage-result.ts";
import { significant } from "./rate-report.ts";

/** A row: what it is called, and what it says of a client. */
export type OutageRow = readonly [label: string, cell: (client: OutageClient) => string];

const otherStates = ["rejected", "dropped", "expired", "undeliverable", "abandoned"] as const;
const stateWords: Readonly<Record<(typeof otherStates)[number], string>> = {
  rejected: "refused by the server",
  dropped: "dropped, the buffer was full",
  expired: "expired",
  undeliverable: "undeliverable",
  abandoned: "abandoned at the end",
};

/** What became of the messages. The first, fourth and fifth kinds add up to the published ones. */
export function messageRows({ clients }: OutageResult): readonly OutageRow[] {
  const states = otherStates.filter((state) => clients.some(({ handedBack }) => (handedBack[state] ?? 0) > 0));
  return [
    ["published", ({ findings }) => count(findings.attempted)],
    ["refused: publish() threw", ({ findings }) => count(findings.refused)],
    ["arrived at the subscriber", ({ findings }) => count(findings.stored)],
    ["  a second time", ({ findings }) => count(findings.duplicated)],
    ["  out of order", ({ findings }) => count(findings.outOfOrder)],
    ["handed back", ({ findings }) => orNone(findings.handedBack)],
    ["  in doubt", ({ findings }) => orNone(findings.inDoubt)],
    ["  in doubt, and arrived", ({ findings }) => orNone(findings.storedInDoubt)],
    ...states.map((state): OutageRow => [`  ${stateWords[state]}`, (client) => handedBack(client, state)]),
    ["lost silently", ({ findings }) => count(findings.lostSilently)],
    ["confirmed by the server", ({ report }) => orNone(report.counts?.confirmed ?? null)],
    ["sent again", ({ report }) => orNone(report.counts?.resent ?? null)],
  ];
}

/** How the outage went. */
export function courseRows({ options }: OutageResult): readonly OutageRow[] {
  return [
    ["publishing took", ({ report }) => seconds(report.msPublishing)],
    ["fault noticed after", ({ msToDetect }) => (msToDetect === null ? "not at all" : seconds(msToDetect))],
    ["held at most", ({ greatestHeldBytes }) => (greatestHeldBytes === null ? "–" : bytes(greatestHeldBytes))],
    ["  its limit", ({ name }) => (name === "holdfast" ? bytes(options.holdfast.bufferBytes) : "none")],
    ["of what arrived, half within", ({ latencies }) => time(latencies.quantile(0.5))],
    ["  99 of 100 within", ({ latencies }) => time(latencies.quantile(0.99))],
    ["  all within", ({ latencies }) => time(latencies.quantile(1))],
    ["dials", ({ connections }) => count(connections)],
    ["flush()", ({ report }) => describeEnd(report.flush)],
  ];
}

/** The table at the end, one column a client. */
export function outageTable(result: OutageResult): string {
  const head = ["", ...result.clients.map(({ name, version }) => `${name} ${version}`)];
  const colAligns: ("left" | "right")[] = head.map((_, column) => (column === 0 ? "left" : "right"));
  const table = new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
  for (const [label, cell] of [...messageRows(result), ...courseRows(result)]) table.push([label, ...result.clients.map(cell)]);
  return table.toString();
}

/** What came out, in a sentence or two. */
export function verdict(result: OutageResult): string {
  if (result.invalidBecause.length > 0) return `Nothing can be said: ${result.invalidBecause.join("; ")}.`;
  const broken = brokenPromises(result);
  const [ours, theirs] = ["holdfast", "nats.js"].map((wanted) => result.clients.find(({ name }) => name === wanted));
  const kept =
    broken.length > 0 ? `Holdfast broke its promise: ${broken.join("; ")}.` : ours === undefined ? "" : keptSentence(ours);
  const other =
    theirs === undefined
      ? ""
      : ` nats.js lost ${count(theirs.findings.lostSilently)} of ${count(theirs.findings.attempted, "message")} silently.`;
  return `${kept}${other}`;
}

/** The same for programs. */
export function outageObject(result: OutageResult): Readonly<Record<string, unknown>> {
  const { options, serverVersion, fault, clients, invalidBecause } = result;
  const { rate, size, holdfast, beforeMs, outageMs, afterMs } = options;
  return {
    bench: "outage",
    server: { url: shownServers(options.server), version: serverVersion },
    node: process.versions.node,
    fault: { kind: options.fault, ...fault },
    rate,
    size,
    messages: outageMessages(options),
    beforeMs,
    outageMs,
    afterMs,
    delivery: holdfast.delivery,
    bufferBytes: holdfast.bufferBytes,
    whenFull: holdfast.whenFull,
    valid: invalidBecause.length === 0,
    invalidBecause,
    broken: brokenPromises(result),
    clients: clients.map((client) => {
      const { stored, storedInDoubt, confirmedThenLost: _, ...findings } = client.findings;
      return {
        name: client.name,
        version: client.version,
        subject: client.subject,
        ...findings,
        arrived: stored,
        arrivedInDoubt: storedInDoubt,
        handedBackByState: client.report.handedBack === null ? null : client.handedBack,
        counts: client.report.counts,
        countsAgree: client.countsAgree,
        msToDetect: client.msToDetect,
        greatestHeldBytes: client.greatestHeldBytes,
        latencyMs: {
          p50: client.latencies.quantile(0.5),
          p90: client.latencies.quantile(0.9),
          p99: client.latencies.quantile(0.99),
          max: client.latencies.quantile(1),
        },
        connections: client.connections,
        flush: client.report.flush,
        close: client.report.close,
        firstRefusal: client.report.firstRefusal,
      };
    }),
  };
}

function keptSentence({ findings }: OutageClient): string {
  const { attempted, stored, handedBack, inDoubt, storedInDoubt, refused } = findings;
  const unsure = inDoubt ?? 0;
  const sure = (handedBack ?? 0) - unsure;
  const arrivedToo = storedInDoubt === unsure ? "all of which arrived" : `${count(storedInDoubt ?? 0)} of which arrived`;
  const others = [
    ...(unsure > 0 ? [`${count(unsure)} handed back in doubt (${arrivedToo})`] : []),
    ...(sure > 0 ? [`${count(sure)} handed back otherwise`] : []),
    ...(refused > 0 ? [`${count(refused)} refused`] : []),
  ];
  return `Holdfast lost nothing silently: of ${count(attempted, "message")} ${[`${count(stored)} arrived`, ...others].join(", ")}.`;
}

function handedBack({ findings, handedBack: states }: OutageClient, state: string): string {
  return findings.handedBack === null ? "–" : count(states[state] ?? 0);
}

function time(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 1_000 ? `${significant(ms)} ms` : seconds(ms);
}
