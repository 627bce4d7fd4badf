import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/shared/node.ts";
import type { Peers } from "../peers/peers.ts";
import { plot } from "./plot.ts";
import { report } from "./report.ts";
import type { Circumstances, MadeRow, ResultFile } from "./result-file.ts";
import type { RowResult } from "./run-row.ts";

export function circumstances(natsServer: string, { found }: Peers): Circumstances {
  return {
    date: new Date().toISOString().slice(0, 16),
    node: process.version,
    natsServer,
    commit: commit(),
    peers: Object.fromEntries([...found.values()].map(({ name, version }) => [name, version])),
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const changed = git("status", "--porcelain", "packages/client/src") !== "";
    return `${git("rev-parse", "--short", "HEAD").trim()}${changed ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}

/** The results in a folder: what was there, with the rows that were run anew. */
export class Results {
  readonly #folder: string;
  readonly #rows: Map<string, MadeRow>;

  constructor(folder: string) {
    this.#folder = folder;
    const path = join(folder, "RESULTS.json");
    const before: ResultFile = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { machine: "", rows: [] };
    this.#rows = new Map(before.rows.map((row) => [row.name, row]));
  }

  /** Takes a row in and writes RESULTS.json. */
  put(row: RowResult, made: Circumstances): void {
    this.#rows.set(row.name, { ...row, made });
    writeFileSync(join(this.#folder, "RESULTS.json"), `${JSON.stringify(this.#file([...this.#rows.keys()]), undefined, 1)}\n`);
  }

  /** Writes all files, with the rows in this order; a row that is not in it is gone. */
  write(names: readonly string[]): void {
    const file = this.#file(names);
    writeFileSync(join(this.#folder, "RESULTS.json"), `${JSON.stringify(file, undefined, 1)}\n`);
    writeFileSync(join(this.#folder, "RESULTS.md"), report(file));
    writeFileSync(join(this.#folder, "RESULTS.svg"), plot(file.rows));
  }

  #file(names: readonly string[]): ResultFile {
    const machine = `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`;
    return { machine, rows: names.flatMap((name) => this.#rows.get(name) ?? []) };
  }
}
