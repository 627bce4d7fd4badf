/** What a million buffered messages cost: resident memory of a cold process, by their bytes on the wire. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Spread, spread } from "./shared/statistics.ts";

export interface MemoryRow {
  readonly bytes: number;
  readonly messages: number;
  readonly rounds: number;
  readonly wireBytes: number;
  /** Growth of the resident set by the wire bytes. */
  readonly ratio: Spread;
  /** Appends a second while there is no connection. */
  readonly rate: Spread;
}

const run = promisify(execFile);

/** Each round is a process of its own: warmed-up memory would hide what is taken. */
export async function memoryRow(bytes: number, messages: number, rounds: number): Promise<MemoryRow> {
  const program = fileURLToPath(new URL("./memory-side.ts", import.meta.url));
  const results: { rssBytes: number; wireBytes: number; ms: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await run(process.execPath, [...process.execArgv, program, String(messages), String(bytes)]);
    results.push(JSON.parse(stdout));
  }
  return {
    bytes,
    messages,
    rounds,
    wireBytes: results[0]?.wireBytes ?? 0,
    ratio: spread(results.map((result) => result.rssBytes / result.wireBytes)),
    rate: spread(results.map((result) => (messages / result.ms) * 1000)),
  };
}
