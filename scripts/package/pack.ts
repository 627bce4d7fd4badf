import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listFiles } from "../layout/source.ts";
import { root } from "../shared/node.ts";
import { run } from "../shared/run.ts";
import { npm } from "./npm.ts";

/** What the tarball is made of. */
const SOURCES = ["tsconfig.base.json", ...["package.json", "tsconfig.json", "README.md", "LICENSE", "src"].map(ofClient)];
const LIMIT_MS = 120_000;

/** The library as npm would publish it. */
export interface PackedLibrary {
  readonly version: string;
  /** Path of the tarball, absolute. */
  readonly tarball: string;
}

/**
 * Compiles the sources as they are now and packs them, in a copy, so that nobody's `dist` is touched. Takes some 8 s; the tarball of
 * sources that did not change is kept in `node_modules/.cache`, where every process that wants it finds it.
 */
export async function packLibrary(): Promise<PackedLibrary> {
  const { version } = JSON.parse(readFileSync(join(root, ofClient("package.json")), "utf8")) as { version: string };
  const cache = join(root, "node_modules/.cache/holdfast");
  const tarball = join(cache, `${fingerprint()}.tgz`);
  if (!existsSync(tarball)) {
    // Those of older sources would pile up.
    mkdirSync(cache, { recursive: true });
    for (const old of readdirSync(cache)) rmSync(join(cache, old), { force: true });
    const work = mkdtempSync(join(tmpdir(), "holdfast-pack-"));
    try {
      // In one step: another process sees all of it or nothing.
      copyFileSync(await packIn(work), `${tarball}.${process.pid}`);
      renameSync(`${tarball}.${process.pid}`, tarball);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { version, tarball };
}

async function packIn(work: string): Promise<string> {
  for (const source of SOURCES) cpSync(join(root, source), join(work, source), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(work, "node_modules"), "junction");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const project = join(work, "packages/client");
  const compiled = await run(process.execPath, [tsc, "-p", project], { env: process.env, timeoutMs: LIMIT_MS });
  if (!compiled.ok) throw new Error(`holdfast does not compile: ${compiled.problem}\n${compiled.stdout}`);
  const [packed] = JSON.parse(await npm(project, ["pack", "--json", "--ignore-scripts"])) as { filename: string }[];
  if (packed === undefined) throw new Error("npm pack packed nothing.");
  return join(project, packed.filename);
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    const below = listFiles(root, source);
    for (const file of below.length > 0 ? below : [source]) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

function ofClient(path: string): string {
  return `packages/client/${path}`;
}
