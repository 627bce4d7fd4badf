import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findOnPath, isExecutable, type Outcome, run } from "../../scripts/shared/run.ts";
import { benchCache } from "../shared/cache.ts";

/** A peer that is a program of its own, or why there is none. */
export type Native = { readonly program: string } | { readonly reason: string };

/** How a peer is built. */
export interface Recipe {
  /** Its folder beside this file. */
  readonly folder: string;
  /** The compiler, on PATH. */
  readonly compiler: string;
  /** Builds the sources in `folder` into the program `output`; `work` is a folder for what lies between. */
  build(
    run: (program: string, args: readonly string[], cwd?: string) => Promise<Outcome>,
    paths: { readonly folder: string; readonly work: string; readonly output: string },
  ): Promise<Outcome>;
}

const BUILD_LIMIT_MS = 10 * 60_000;

/** The program from the cache; where it is not there yet and `mayBuild`, built into it, once for each state of its source. Never rejects. */
export async function obtainNative({ folder, compiler, build }: Recipe, mayBuild: boolean): Promise<Native> {
  const source = fileURLToPath(new URL(`${folder}/`, import.meta.url));
  const place = join(benchCache(), `${folder}-${hashOf(source)}-${process.platform}-${process.arch}`);
  const program = join(place, "peer");
  if (isExecutable(program)) return { program };
  if (!mayBuild) return { reason: "not built yet: `npm run bench` builds it" };
  if (findOnPath(compiler, process.env) === undefined) return { reason: `no ${compiler} on PATH` };
  process.stderr.write(`Building the peer ${folder}, once.\n`);
  const work = mkdtempSync(join(benchCache(), ".work-"));
  try {
    const settings = { env: process.env, timeoutMs: BUILD_LIMIT_MS };
    const outcome = await build((name, args, cwd = source) => run(name, args, { ...settings, cwd }), {
      folder: source,
      work,
      output: join(work, "peer"),
    });
    if (!outcome.ok) return { reason: `${compiler} ${outcome.problem}` };
    renameSync(work, place);
    return { program };
  } catch (error) {
    return existsSync(program) ? { program } : { reason: String(error) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (/\.(go|rs|c|h|mod|sum|toml|lock)$/.test(file)) hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
