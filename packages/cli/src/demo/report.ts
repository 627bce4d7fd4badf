import Table from "cli-table3";
import type { Sample } from "./event.ts";
import { faults } from "./faults.ts";
import { bytes, count, describeEnd, orNone, seconds } from "./format.ts";
import type { ClientResult, DemoResult } from "./result.ts";

/** What a live line tells: one client, one second. */
export interface Glance {
  readonly sample: Sample;
  /** The one that the line before told. */
  readonly previous: Sample | null;
  /** Holdfast's reconnect buffer. */
  readonly bufferBytes: number;
}

/** One line a second and a client: state, buffer fill against its limit, rates. */
export function liveLine(glance: Glance): string {
  const { sample, previous } = glance;
  const elapsed = Math.max(1, sample.atMs - (previous?.atMs ?? 0)) / 1000;
  const rate = (now: number, before: number): number => Math.max(0, Math.round((now - before) / elapsed));
  return [
    `${(sample.atMs / 1000).toFixed(1).padStart(6)} s`,
    sample.client.padEnd(8),
    sample.state.padEnd(12),
    describeBuffer(glance).padEnd(30),
    `published ${count(rate(sample.attempted, previous?.attempted ?? 0))}/s`.padEnd(19),
    `to the server ${bytes(rate(sample.sent, previous?.sent ?? 0))}/s`.padEnd(24),
    `refused ${count(sample.refused)}`,
    sample.handedBack === null ? "" : `handed back ${count(sample.handedBack)}`,
  ]
    .join("  ")
    .trimEnd();
}

function describeBuffer({ sample, bufferBytes }: Pick<Glance, "sample" | "bufferBytes">): string {
  const { heldBytes, limitBytes } = sample;
  if (heldBytes === null) return "buffer unknown, no limit";
  // On a usable connection the limit is not in force, and a fast publisher may hold more than it.
  if (limitBytes === null) return `buffer ${bytes(heldBytes)} (${bytes(bufferBytes)} if cut)`;
  const percent = Math.round((100 * heldBytes) / limitBytes);
  return `buffer ${bytes(heldBytes)} of ${bytes(limitBytes)} (${percent} %)`;
}

type Row = readonly [label: string, cell: (client: ClientResult, result: DemoResult) => string];

const rows: readonly Row[] = [
  ["publish() called", (client) => count(client.attempted)],
  ["refused: publish() threw", (client) => count(client.refused)],
  ["confirmed", (client) => orNone(client.confirmed)],
  ["sent again", (client) => orNone(client.resent)],
  ["stored in the stream", (client) => count(client.stored)],
  ["handed back", (client) => orNone(client.handedBack)],
  ["  of these in doubt", (client) => orNone(client.inDoubt)],
  ["  in doubt, and stored", (client) => orNone(client.storedInDoubt)],
  ["lost silently", (client) => count(client.lostSilently)],
  ["wrongly handed back", (client) => orNone(client.wronglyHandedBack)],
  ["stored twice", (client) => count(client.duplicated)],
  ["out of order", (client) => count(client.outOfOrder)],
  ["fault noticed after", (client) => (client.msToDetect === null ? "not at all" : seconds(client.msToDetect))],
  ["reconnect buffer", (client, result) => (client.name === "holdfast" ? bytes(result.bufferBytes) : "no limit")],
  ["connections", (client) => count(client.connections)],
  ["flush()", (client) => describeEnd(client.flush)],
];

/** Only where the server ends: a server that lives on has no excuse. */
const confirmedThenLostRow: Row = ["confirmed, then lost in the server", (client) => orNone(client.confirmedThenLost)];
const lostRow: number = rows.findIndex(([label]) => label === "lost silently");

/** A server that ended may have lost what it had confirmed: no client can know. */
const whatConfirmedMeans = `Confirmed is a read receipt: the server had read the message and answered the PING behind it, as the proxy in between saw. The
stream takes it from a queue in the server's memory afterwards. Who needs to know that a message is stored uses JetStream
acknowledgements: js.publish() of @nats-io/jetstream, which works on a Holdfast connection.`;

/** The table at the end, one column a client. */
export function finalTable(result: DemoResult): string {
  const [head, ...body] = tableCells(result);
  const colAligns: ("left" | "right")[] = (head ?? []).map((_, column) => (column === 0 ? "left" : "right"));
  const table = new Table({ head: [...(head ?? [])], colAligns, style: { head: [], border: [], compact: true } });
  for (const row of body) table.push([...row]);
  return faults[result.fault].endsServer ? `${table.toString()}\n\n${whatConfirmedMeans}` : table.toString();
}

/** The cells of that table, the row with the names of the clients first. */
export function tableCells(result: DemoResult): readonly (readonly string[])[] {
  const shown = faults[result.fault].endsServer ? rows.toSpliced(lostRow + 1, 0, confirmedThenLostRow) : rows;
  return [
    ["", ...result.clients.map((client) => `${client.name} ${client.version}`)],
    ...shown.map(([label, cell]) => [label, ...result.clients.map((client) => cell(client, result))]),
  ];
}
