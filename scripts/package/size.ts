import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { PackedPackage } from "./pack.ts";
import { Project } from "./project.ts";

/** One thing that is measured. */
export interface Size {
  readonly what: string;
  readonly unit: "bytes" | "files";
  readonly measured: number;
  readonly budget: number;
}

/**
 * What the library may weigh, some 10 % above what it weighed when this was last looked at (docs/DEPENDENCIES.md has the figures). Whoever
 * has a good reason raises one, there too.
 */
export const BUDGETS = {
  files: 1_100,
  tarball: 680_000,
  unpacked: 2_950_000,
  bundle: 168_000,
  bundleGzip: 54_000,
  bundleAll: 325_000,
  bundleAllGzip: 100_000,
} as const;

/** What `import { connect } from "holdfast"` brings into a program, minified: with nats-core left out, or with all. */
const PROGRAM = 'import { connect } from "holdfast"; console.log(connect);';

/** Weighs the library. */
export async function weigh(library: PackedPackage, registryUrl: string): Promise<Size[]> {
  const { report } = library;
  using project = new Project({ manifest: { name: "weighed", private: true, dependencies: { holdfast: "^0.1.0" } } });
  project.useRegistry(registryUrl);
  await project.install();
  const own = await bundle(project, ["@nats-io/*"]);
  const all = await bundle(project, []);
  return [
    { what: "files", unit: "files", measured: report.files.length, budget: BUDGETS.files },
    { what: "tarball", unit: "bytes", measured: report.size, budget: BUDGETS.tarball },
    { what: "unpacked", unit: "bytes", measured: report.unpackedSize, budget: BUDGETS.unpacked },
    { what: "bundle of connect, minified, without nats-core", unit: "bytes", measured: own.length, budget: BUDGETS.bundle },
    { what: "the same, gzip", unit: "bytes", measured: gzipped(own), budget: BUDGETS.bundleGzip },
    { what: "bundle of connect, minified, with nats-core", unit: "bytes", measured: all.length, budget: BUDGETS.bundleAll },
    { what: "the same with nats-core, gzip", unit: "bytes", measured: gzipped(all), budget: BUDGETS.bundleAllGzip },
  ];
}

/** Fails with every size that is above its budget. */
export function checkSizes(sizes: readonly Size[]): void {
  const over = sizes
    .filter(({ measured, budget }) => measured > budget)
    .map(({ what, unit, measured, budget }) => {
      const above = ((measured / budget - 1) * 100).toFixed(1);
      return `  ${what}: ${measured} ${unit}, ${above} % above the budget of ${budget}`;
    });
  if (over.length === 0) return;
  const advice = "Make it smaller, or raise BUDGETS in scripts/package/size.ts and say why in the commit.";
  throw new Error(`holdfast has grown beyond its budget:\n${over.join("\n")}\n${advice}`);
}

/** One line for people. */
export function formatSizes(sizes: readonly Size[]): string {
  return sizes.map(({ what, unit, measured, budget }) => `  ${what}: ${measured} of ${budget} ${unit}`).join("\n");
}

async function bundle(project: Project, external: string[]): Promise<Uint8Array> {
  const built = await build({
    stdin: { contents: PROGRAM, resolveDir: join(project.folder) },
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    external,
    logLevel: "silent",
  });
  return built.outputFiles[0]?.contents ?? new Uint8Array();
}

function gzipped(bytes: Uint8Array): number {
  return gzipSync(bytes, { level: 9 }).length;
}
