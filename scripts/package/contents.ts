import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared/node.ts";
import { run } from "../shared/run.ts";
import type { PackedPackage } from "./pack.ts";

const TOP = new Set(["LICENSE", "README.md", "package.json"]);
/** What npm would run on somebody's machine, or on ours at the wrong moment. */
const HOOKS = /^(pre|post)?(install|uninstall|prepare|prepublish|prepublishOnly|pack)$/;
const LIMIT_MS = 60_000;

/** What of a manifest is looked at. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly license?: string;
  readonly type?: string;
  readonly engines?: { readonly node?: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/** Fails with all that is wrong with what would be published. */
export async function checkContents(packed: PackedPackage): Promise<void> {
  const files = packed.report.files.map(({ path }) => path);
  const problems = [
    ...strangers(files),
    ...missing(packed.manifest, new Set(files)),
    ...manifestProblems(packed.manifest),
    ...(await deadMaps(packed, new Set(files))),
  ];
  if (problems.length > 0) throw new Error(`${packed.manifest.name} as packed:\n${problems.map((one) => `  ${one}`).join("\n")}`);
}

/** Files that nobody needs who installs it. */
export function strangers(files: readonly string[]): string[] {
  const wanted = /^src\/.*\.ts$|^dist\/.*\.(js|d\.ts)(\.map)?$|^bin\/[a-z-]+\.js$/;
  return files
    .filter((file) => /\.test\./.test(file) || !(TOP.has(file) || wanted.test(file)))
    .map((file) => `${file}: not to be published, see "files" of its package.json`);
}

/** What the manifest promises and is not there. */
export function missing(manifest: Manifest, files: ReadonlySet<string>): string[] {
  const targets = Object.values(manifest.exports ?? {}).flatMap((target) =>
    typeof target === "string" ? [target] : Object.values(target),
  );
  return [...TOP, ...targets, ...Object.values(manifest.bin ?? {})]
    .map((path) => path.replace(/^\.\//, ""))
    .filter((path) => !files.has(path))
    .map((path) => `${path}: named, and not in the tarball`);
}

/** What a manifest must say, and must not. */
export function manifestProblems(manifest: Manifest): string[] {
  const hooks = Object.keys(manifest.scripts ?? {}).filter((name) => HOOKS.test(name));
  return [
    ...hooks.map((name) => `package.json: the script "${name}" would run at an installation`),
    ...(manifest.license === "Apache-2.0" ? [] : ["package.json: license"]),
    ...(manifest.engines?.node === ">=20.19" ? [] : ["package.json: engines.node is not >=20.19"]),
    ...(manifest.type === "module" ? [] : ["package.json: type is not module"]),
  ];
}

/** Source maps lead to sources that are there. */
async function deadMaps({ manifest, tarball }: PackedPackage, files: ReadonlySet<string>): Promise<string[]> {
  const maps = [...files].filter((file) => file.endsWith(".map"));
  // All at once, one JSON object a map.
  const members = maps.map((file) => `package/${file}`);
  const shown = await run("tar", ["-xzOf", tarball, ...members], { env: process.env, timeoutMs: LIMIT_MS, cwd: root });
  if (!shown.ok) throw new Error(`${manifest.name}: tar: ${shown.problem}`);
  const named = [...shown.stdout.matchAll(/"sources":\["([^"]*)"\]/g)].map(([, source = ""]) => source);
  const gone = named.filter((source) => !files.has(source.replace(/^(\.\.\/)+/, "")));
  return [
    ...gone.map((source) => `${source}: a source map leads there, and it is not in the tarball`),
    ...(named.length === maps.length ? [] : [`${maps.length} source maps, of which ${named.length} name one source`]),
  ];
}

/** Of a package in this workspace. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8")) as Manifest;
}
