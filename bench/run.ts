/** `npm run bench`: runs the macro-benchmarks, prints them and writes bench/RESULTS.md. */
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import { type MemoryRow, memoryRow } from "./memory.ts";
import { type PublishRow, publishRow } from "./publish.ts";
import type { Spread } from "./shared/statistics.ts";

const server = await obtainNatsServer();
process.env.NATS_SERVER = server.path;

const publish = [
  await publishRow(16, 2_000_000, 10_000, 7),
  await publishRow(16, 2_000_000, 4096, 7),
  await publishRow(16, 1_000_000, 1000, 7),
  await publishRow(1024, 400_000, 4096, 7),
];
const memory = [await memoryRow(16, 1_000_000, 5), await memoryRow(128, 1_000_000, 5)];

const report = `# Results

Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, nats-server ${server.version}, ${cpus().length} cores
(${cpus()[0]?.model ?? "unknown"}), Linux ${release()}, everything on loopback. Other work may have run beside it: compare ratios, and treat ±20 % as equal.
A median stands with its quartiles; the control is Holdfast against itself.

## Connected publish, everything on (limits, accounting, fences, window)

| payload | messages a turn | Holdfast, M/s | nats.js 3.4.0, M/s | ratio | control | CPU ns a message, Holdfast / nats.js | window at the end |
|---|---|---|---|---|---|---|---|
${publish.map(publishLine).join("\n")}

## Held while there is no connection, cold process

| payload | messages | wire bytes | resident memory / wire bytes | appended, M/s |
|---|---|---|---|---|
${memory.map(memoryLine).join("\n")}
`;
process.stdout.write(report);
writeFileSync(fileURLToPath(new URL("RESULTS.md", import.meta.url)), report);

function publishLine(row: PublishRow): string {
  const { rates, cpuNs } = row;
  const cpu = [cpuNs.holdfast, cpuNs["nats.js"]].map((each) => each?.median.toFixed(0)).join(" / ");
  const window = row.window === null ? "" : `${row.window / 1024} KiB`;
  return `| ${row.bytes} B | ${row.batch} | ${millions(rates.holdfast)} | ${millions(rates["nats.js"])} | ${plain(row.ratio)} | ${plain(row.control)} | ${cpu} | ${window} |`;
}

function memoryLine(row: MemoryRow): string {
  return `| ${row.bytes} B | ${row.messages} | ${row.wireBytes} | ${plain(row.ratio)} | ${millions(row.rate)} |`;
}

function millions(values: Spread | undefined): string {
  return values === undefined ? "" : plain(values, 1e6);
}

function plain(values: Spread, unit = 1): string {
  const [median, quarter, threeQuarters] = [values.median, values.quarter, values.threeQuarters].map((value) =>
    (value / unit).toFixed(2),
  );
  return `${median} (${quarter}–${threeQuarters})`;
}
