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
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listFiles } from "../layout/source.ts";
import { root } from "../shared/node.ts";
import { run } from "../shared/run.ts";
import { npm } from "./npm.ts";

/** What npm says of a tarball that it made. */
export interface PackReport {
  /** Bytes of the tarball, which is compressed. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** A package as npm would publish it. */
export interface PackedPackage {
  readonly manifest: { readonly name: string; readonly version: string };
  /** Path of the tarball, absolute. */
  readonly tarball: string;
  readonly report: PackReport;
}

type Folder = "client" | "cli";

const PARTS = ["package.json", "tsconfig.json", "README.md", "LICENSE", "src"];
/** What each tarball is made of; the command line is compiled against the library. */
const SOURCES: Record<Folder, readonly string[]> = {
  client: PARTS.map((part) => `packages/client/${part}`),
  cli: [...PARTS, "bin"].map((part) => `packages/cli/${part}`),
};
const LIMIT_MS = 120_000;

/** The library, `holdfast`. */
export async function packLibrary(): Promise<PackedPackage> {
  return await pack("client", SOURCES.client);
}

/** The command line, `holdfast-cli`. */
export async function packCommandLine(): Promise<PackedPackage> {
  return await pack("cli", [...SOURCES.client, ...SOURCES.cli]);
}

/**
 * Compiles the sources as they are now and packs them, in a copy, so that nobody's `dist` is touched. Takes some 8 s; the tarball of
 * sources that did not change is kept in `node_modules/.cache`, where every process that wants it finds it.
 */
async function pack(folder: Folder, ownSources: readonly string[]): Promise<PackedPackage> {
  const sources = ["tsconfig.base.json", ...ownSources];
  const manifest = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8")) as PackedPackage["manifest"];
  const cache = join(root, "node_modules/.cache/holdfast");
  const tarball = join(cache, `${folder}-${fingerprint(sources)}.tgz`);
  const reported = `${tarball}.json`;
  if (!existsSync(tarball)) {
    // Those of older sources would pile up.
    mkdirSync(cache, { recursive: true });
    for (const old of readdirSync(cache)) if (old.startsWith(`${folder}-`)) rmSync(join(cache, old), { force: true });
    const work = mkdtempSync(join(tmpdir(), "holdfast-pack-"));
    try {
      const { filename, ...report } = await packIn(work, folder, sources);
      writeFileSync(reported, JSON.stringify(report));
      // In one step: another process sees all of it or nothing.
      copyFileSync(filename, `${tarball}.${process.pid}`);
      renameSync(`${tarball}.${process.pid}`, tarball);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { manifest, tarball, report: JSON.parse(readFileSync(reported, "utf8")) as PackReport };
}

async function packIn(work: string, folder: Folder, sources: readonly string[]): Promise<PackReport & { filename: string }> {
  for (const source of sources) cpSync(join(root, source), join(work, source), { recursive: true });
  linkModules(work);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const project = join(work, "packages", folder);
  const compiled = await run(process.execPath, [tsc, "-b", project], { env: process.env, timeoutMs: LIMIT_MS });
  if (!compiled.ok) throw new Error(`packages/${folder} does not compile: ${compiled.problem}\n${compiled.stdout}`);
  const [packed] = JSON.parse(await npm(project, ["pack", "--json", "--ignore-scripts"])) as (PackReport & {
    filename: string;
  })[];
  if (packed === undefined) throw new Error("npm pack packed nothing.");
  const { size, unpackedSize, files, filename } = packed;
  return { size, unpackedSize, files, filename: join(project, filename) };
}

/** The dependencies, but the copies in the place of our own packages. */
function linkModules(work: string): void {
  const places = ["node_modules", "packages/client/node_modules", "packages/cli/node_modules"];
  for (const place of places.filter((each) => existsSync(join(root, each)))) {
    mkdirSync(join(work, place), { recursive: true });
    const names = readdirSync(join(root, place)).filter((name) => !name.startsWith(".") && !name.startsWith("holdfast"));
    for (const name of names) symlinkSync(join(root, place, name), join(work, place, name), "junction");
  }
  symlinkSync(join(work, "packages/client"), join(work, "node_modules/holdfast"), "junction");
}

function fingerprint(sources: readonly string[]): string {
  const hash = createHash("sha256");
  for (const source of sources) {
    const below = listFiles(root, source);
    for (const file of below.length > 0 ? below : [source]) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
