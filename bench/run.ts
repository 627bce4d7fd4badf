/**
 * `npm run bench [-- [options] row …]`: runs the rows of bench/rows.ts (all, those named, or those whose names begin with a word given) and writes bench/RESULTS.json, bench/RESULTS.md and
 * bench/RESULTS.svg. Rows that are not run keep what they had.
 *
 *   --rounds N       rounds that count (default 7)
 *   --against TREE   another checkout's library takes part as "base"
 *   --out FOLDER     where the results are written
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import { fail } from "../scripts/shared/main.ts";
import { obtainPeers } from "./peers/peers.ts";
import { ROWS } from "./rows.ts";
import { circumstances, Results } from "./shared/results.ts";
import { peersOf, type RowResult, runRow } from "./shared/run-row.ts";

try {
  await main();
} catch (error) {
  fail(error);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      rounds: { type: "string", default: "7" },
      against: { type: "string" },
      out: { type: "string", default: fileURLToPath(new URL(".", import.meta.url)) },
    },
    allowPositionals: true,
  });
  const exact = new Set(ROWS.map(({ name }) => name));
  const rows = ROWS.filter(
    ({ name }) =>
      positionals.length === 0 || positionals.some((word) => (exact.has(word) ? name === word : name.startsWith(word))),
  );
  if (rows.length === 0)
    throw new Error(`no row begins with ${positionals.join(" or ")}; there are ${ROWS.map(({ name }) => name).join(", ")}`);
  const server = await obtainNatsServer();
  process.env.NATS_SERVER = server.path;
  const peers = await obtainPeers({ wanted: peersOf(rows), slowBuilds: true, against: values.against });
  for (const [peer, reason] of peers.missing) process.stdout.write(`Without ${peer}: ${reason}\n`);
  const made = circumstances(server.version, peers);
  mkdirSync(values.out, { recursive: true });
  const results = new Results(values.out);
  for (const row of rows) {
    const result = await runRow(row, peers, { rounds: Number(values.rounds), withBase: values.against !== undefined });
    process.stdout.write(line(result));
    // After each row: a run that ends early has not run for nothing.
    results.put(result, made);
  }
  results.write(ROWS.map(({ name }) => name));
}

function line({ name, unit, sides }: RowResult): string {
  const parts = Object.entries(sides).map(([side, { value, ratio, cpuNs }]) => {
    const by = side === "holdfast" ? "" : `, ratio ${ratio.median.toFixed(2)}`;
    return `  ${side}: ${value.median.toPrecision(4)} ${unit}${by}, CPU ${cpuNs.median.toFixed(0)} ns\n`;
  });
  const window = sides.holdfast?.window === undefined ? "" : ` (window ${sides.holdfast.window / 1024} KiB)`;
  return `${name}${window}\n${parts.join("")}`;
}
