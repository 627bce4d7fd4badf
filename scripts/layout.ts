/** `npm run check`, last part but one: the rules on files and folders that neither the compiler nor Biome can check. */
import { readdirSync } from "node:fs";
import { badImports, impureUses, licenceCopies, roomsWithoutRule, strayTests, tooLong } from "./layout/rules.ts";
import { readSources, type SourceFile } from "./layout/source.ts";
import { isMain } from "./shared/main.ts";
import { root as workspaceRoot } from "./shared/node.ts";

/** What was found. */
export interface LayoutReport {
  /** One line each; empty when all is well. */
  readonly problems: readonly string[];
  /** Sizes, one line a folder. */
  readonly sizes: readonly string[];
}

/** Checks the workspace at `root`, absolute. */
export function checkLayout(root: string): LayoutReport {
  const workspaces = readdirSync(`${root}/packages`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const folders = [...workspaces.map((name) => `packages/${name}/src`), "scripts", "bench", "examples"];
  const sources = folders.map((folder) => ({ folder, files: readSources(root, folder) }));
  const tests = [...workspaces.map((name) => `packages/${name}/test`), "test"].flatMap((folder) => readSources(root, folder));
  const files = sources.flatMap((source) => source.files);
  return {
    problems: [
      ...files.flatMap(tooLong),
      ...[...files, ...tests].flatMap(badImports),
      ...files.flatMap(impureUses),
      ...workspaces.flatMap((name) => strayTests(root, name)),
      ...roomsWithoutRule(root),
      ...licenceCopies(root, workspaces),
    ],
    sizes: sources.filter((source) => source.files.length > 0).map((source) => sizeLine(source.folder, source.files)),
  };
}

function sizeLine(folder: string, files: readonly SourceFile[]): string {
  const sorted = [...files].sort((a, b) => a.lines - b.lines);
  const median = sorted[Math.floor(sorted.length / 2)]?.lines ?? 0;
  const largest = sorted.at(-1);
  const total = files.reduce((sum, file) => sum + file.lines, 0);
  return `${folder}: ${files.length} files, ${total} lines, median ${median}, largest ${largest?.lines} (${largest?.path.slice(folder.length + 1)})`;
}

if (isMain(import.meta.url)) {
  const { problems, sizes } = checkLayout(workspaceRoot);
  for (const line of sizes) console.log(line);
  for (const line of problems) console.error(line);
  console.log(problems.length === 0 ? "Layout: in order." : `Layout: ${problems.length} problems.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
