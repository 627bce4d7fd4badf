/**
 * `npm run bench:quick [-- --json] [row …]`: the rows that tell most, in under two minutes, against nats.js and nats.go. With `--json` one object on standard output, else a
 * table. For the test: `--rounds N`, and `--share S` of each row's messages.
 */
import { parseArgs } from "node:util";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import { fail } from "../scripts/shared/main.ts";
import { obtainPeers, type PeerName } from "./peers/peers.ts";
import { ROWS } from "./rows.ts";
import { type RowResult, runRow } from "./shared/run-row.ts";

const PEERS: ReadonlySet<PeerName> = new Set(["nats.js", "nats.go"]);

/** Eight rows in two minutes, also on a busy machine. */
const ROW_BUDGET_MS = 8000;

/** A row as `--json` prints it. */
interface QuickRow {
  readonly name: string;
  readonly unit: string;
  /** Medians; so are those of the peers. */
  readonly holdfast: number;
  readonly peers: Readonly<Record<string, { readonly median: number; readonly ratio: number }>>;
  /** Holdfast by itself in a second process: how far from 1 a ratio is by chance. */
  readonly control: number;
  /** CPU time of the process, ns a message. */
  readonly cpuNs: Readonly<Record<string, number>>;
  readonly missing: Readonly<Record<string, string>>;
  readonly verified: true;
}

try {
  await main();
} catch (error) {
  fail(error);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: "5" },
      share: { type: "string", default: "1" },
      against: { type: "string" },
    },
    allowPositionals: true,
  });
  const rows = ROWS.filter(({ name, quick }) => quick !== undefined && (positionals.length === 0 || positionals.includes(name)));
  if (rows.length === 0) throw new Error(`no such row: ${positionals.join(", ")}`);
  process.env.NATS_SERVER = (await obtainNatsServer()).path;
  const peers = await obtainPeers({ wanted: PEERS, slowBuilds: false, against: values.against });
  const results: QuickRow[] = [];
  for (const row of rows) {
    const result = await runRow(row, peers, {
      rounds: Number(values.rounds),
      messages: Math.ceil((row.quick ?? 0) * Number(values.share)),
      only: PEERS,
      budgetMs: ROW_BUDGET_MS,
      withBase: values.against !== undefined,
    });
    results.push(quickRow(result));
    process.stderr.write(`${row.name} `);
  }
  process.stderr.write("\n");
  process.stdout.write(values.json ? `${JSON.stringify({ rows: results })}\n` : table(results));
}

function quickRow({ name, unit, sides, missing }: RowResult): QuickRow {
  const { holdfast, control, ...others } = sides;
  const ours = holdfast?.value.median ?? Number.NaN;
  const peers = Object.entries(others).map(([peer, { value }]) => [peer, { median: value.median, ratio: ours / value.median }]);
  return {
    name,
    unit,
    holdfast: ours,
    peers: Object.fromEntries(peers),
    control: ours / (control?.value.median ?? Number.NaN),
    cpuNs: Object.fromEntries(Object.entries(sides).map(([side, { cpuNs }]) => [side, Math.round(cpuNs.median)])),
    missing,
    verified: true,
  };
}

function table(rows: readonly QuickRow[]): string {
  const lines = rows.map(({ name, holdfast, unit, peers, control, cpuNs }) => {
    const ratios = Object.entries(peers).map(([peer, { ratio }]) => `${ratio.toFixed(2)} x ${peer}`);
    const cpu = Object.entries(cpuNs).map(([side, ns]) => `${side} ${ns}`);
    return `${name.padEnd(18)}${Math.round(holdfast).toLocaleString("en").padStart(10)} ${unit}  ${ratios.join(", ")}; control ${control.toFixed(2)}; CPU ns: ${cpu.join(", ")}`;
  });
  return `${lines.join("\n")}\n`;
}
