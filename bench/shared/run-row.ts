import type { PeerName, Peers } from "../peers/peers.ts";
import type { Row, Unit } from "../rows.ts";
import { type Contestant, measure, type SideResult } from "./measure.ts";
import type { Answer, Task } from "./tasks.ts";

/** What a row came to. */
export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly messages: number;
  readonly rounds: number;
  /** "holdfast", "control" (Holdfast against itself), and the peers. */
  readonly sides: Readonly<Record<string, SideResult>>;
  readonly goals: Readonly<Record<string, number>>;
  /** Peers that were not there, and why. */
  readonly missing: Readonly<Record<string, string>>;
  /** Every round's messages were counted where they arrived, and every client's first ones looked at one by one; a row that is not so is no result. */
  readonly verified: true;
}

/** How much of a row is run. */
export interface Extent {
  readonly rounds: number;
  /** In place of the row's number of messages. */
  readonly messages?: number;
  /** Only these peers, of those that the row has. */
  readonly only?: ReadonlySet<string>;
  /** When the sides have taken so long, three rounds are enough. */
  readonly budgetMs?: number;
  /** Another checkout takes part as "base". */
  readonly withBase: boolean;
}

/** Everyone whom these rows may need. */
export function peersOf(rows: readonly Row[]): Set<PeerName> {
  return new Set(rows.flatMap((row) => row.peers.map((peer) => (typeof peer === "string" ? peer : peer.peer))));
}

export async function runRow(
  row: Row,
  peers: Peers,
  { rounds, messages = row.task.messages, only, budgetMs, withBase }: Extent,
): Promise<RowResult> {
  const ours: Contestant = { name: "holdfast", peer: "holdfast", ...row.ours };
  const others = row.peers.map((peer): Contestant => (typeof peer === "string" ? { name: peer, peer } : peer));
  const wanted = [
    ours,
    { ...ours, name: "control" },
    ...(withBase ? [{ ...ours, name: "base", peer: "base" as const }] : []),
    ...others.filter(({ name }) => only?.has(name) ?? true),
  ];
  const contestants = wanted
    .filter(({ peer }) => peers.found.has(peer))
    .map((each) => (each.task === undefined ? each : { ...each, task: { ...each.task, messages } }));
  const missing = wanted.flatMap(({ name, peer }) => {
    const reason = peers.missing.get(peer);
    return reason === undefined ? [] : [[name, reason] as const];
  });
  await using rig = await row.rig(peers);
  const plan = { task: { ...row.task, messages }, contestants, rounds, cold: row.cold === true, value: VALUES[row.unit] };
  const sides = await measure(rig, budgetMs === undefined ? plan : { ...plan, budgetMs }, peers);
  const { name, title, unit, goals } = row;
  return { name, title, unit, messages, rounds, sides, goals, missing: Object.fromEntries(missing), verified: true };
}

const VALUES: Readonly<Record<Unit, (answer: Answer, task: Task) => number>> = {
  "msg/s": ({ ms }, { messages }) => (messages / ms) * 1000,
  µs: ({ p50Us }) => p50Us ?? Number.NaN,
  "of the wire bytes": ({ rssBytes = Number.NaN }, { messages, bytes }) =>
    rssBytes / (messages * (`PUB bench.publish ${bytes}\r\n\r\n`.length + bytes)),
};
