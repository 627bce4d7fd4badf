import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { type Found, listFiles, type SourceFile } from "./source.ts";

/** No source file is longer: what grows is split. */
const MAX_LINES = 300;

/** Folders of packages/client/src that do no I/O and take time, timers and randomness from a `Runtime`. */
const PURE = ["bytes", "protocol", "outbound", "inbound", "session", "stream"] as const;

/** Test folders that belong to no folder of `src`. */
const FREE_TEST_FOLDERS = ["integration", "types", "package", "compat"];

export function tooLong(file: SourceFile): string[] {
  return file.lines > MAX_LINES ? [`${file.path}: ${file.lines} lines, ${MAX_LINES} are allowed: split it`] : [];
}

/** Relative imports name the file as it is, by the shortest way: only so can the import rules of Biome judge them. */
export function badImports(file: SourceFile): string[] {
  return file.imports
    .filter((found) => found.text.startsWith("."))
    .flatMap((found) => {
      if (!found.text.endsWith(".ts")) return [at(file, found, `import of "${found.text}" does not end in .ts`)];
      const shortest = shortestForm(file.path, found.text);
      return shortest === found.text ? [] : [at(file, found, `import of "${found.text}" takes a detour: write "${shortest}"`)];
    });
}

export function impureUses(file: SourceFile): string[] {
  if (!PURE.some((folder) => file.path.startsWith(`packages/client/src/${folder}/`))) return [];
  return file.impure.map((found) => at(file, found, `${found.text}: time, timers and randomness come from Runtime`));
}

/** `test/` mirrors `src/`: test/outbound/log.test.ts needs a folder src/outbound, test/options.test.ts a file src/options.ts. */
export function strayTests(root: string, workspace: string): string[] {
  const place = `packages/${workspace}`;
  return listFiles(root, `${place}/test`)
    .filter((path) => path.endsWith(".test.ts"))
    .flatMap((path) => {
      const [top = "", ...below] = path.slice(`${place}/test/`.length).split("/");
      if (FREE_TEST_FOLDERS.includes(top) && below.length > 0) return [];
      const source = `${place}/src/${below.length > 0 ? top : top.replace(/(\.soak)?\.test\.ts$/, ".ts")}`;
      return existsSync(join(root, source)) ? [] : [`${path}: there is no ${source}`];
    });
}

/** Whatever lies in packages/client/src has an import rule in biome.json: what is new there must say what it may import. */
export function roomsWithoutRule(root: string): string[] {
  const patterns = importRulePatterns(readFileSync(join(root, "biome.json"), "utf8"));
  return readdirSync(join(root, "packages/client/src"), { withFileTypes: true })
    .map((entry) => `packages/client/src/${entry.name}${entry.isDirectory() ? "/" : ""}`)
    .filter((path) => !patterns.some((pattern) => pattern.test(path)))
    .map((path) => `${path}: biome.json has no noRestrictedImports for it`);
}

/** npm packs a licence from the package's own folder only, so each package has a copy. */
export function licenceCopies(root: string, workspaces: readonly string[]): string[] {
  const licence = readFileSync(join(root, "LICENSE"), "utf8");
  return workspaces
    .map((workspace) => `packages/${workspace}/LICENSE`)
    .filter((path) => !existsSync(join(root, path)) || readFileSync(join(root, path), "utf8") !== licence)
    .map((path) => `${path}: is no copy of LICENSE`);
}

/** The part of biome.json that is read here. */
interface BiomeConfig {
  readonly overrides: readonly {
    readonly includes: readonly string[];
    readonly linter?: { readonly rules?: { readonly style?: object } };
  }[];
}

/** The paths that have an import rule of their own, as patterns. */
function importRulePatterns(config: string): RegExp[] {
  const { overrides } = JSON.parse(config) as BiomeConfig;
  return overrides
    .filter((override) => "noRestrictedImports" in (override.linter?.rules?.style ?? {}))
    .flatMap((override) => override.includes)
    .map(
      (glob) =>
        new RegExp(`^${glob.replace(/[.+]/g, "\\$&").replace(/\*\*|\*/g, (stars) => (stars === "**" ? ".*" : "[^/]*"))}$`),
    );
}

function shortestForm(from: string, target: string): string {
  const folder = posix.dirname(from);
  const path = posix.relative(folder, posix.join(folder, target));
  return path.startsWith(".") ? path : `./${path}`;
}

function at(file: SourceFile, found: Found, problem: string): string {
  return `${file.path}:${found.line}: ${problem}`;
}
