import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import { root } from "../../scripts/shared/node.ts";
import type { Command } from "./side.ts";

/** As packages/client/tsconfig.json says: what users get, and not what tsx makes, which wraps every function to keep its name. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/**
 * Compiles the library of a tree into a temporary directory that is gone with this process. Returns the module to import in place of `holdfast`.
 *
 * @param tree root of the workspace: ours, or another checkout to compare with, which has its node_modules
 */
export function compiledLibrary(tree: string = root): string {
  return join(compile(tree, ["packages/client/src"]), "packages/client/src/index.js");
}

let sides: string | undefined;

/** One of the programs in bench/sides, compiled in the same way: it starts in a fifth of the time that tsx takes. */
export function sideCommand(name: "client" | "source" | "wire", args: readonly string[]): Command {
  sides ??= compile(root, ["bench/sides", "bench/shared"]);
  return { program: process.execPath, args: [join(sides, `bench/sides/${name}.js`), ...args] };
}

/** Compiles these folders of a tree, each to its own place below a new directory. */
function compile(tree: string, folders: readonly string[]): string {
  const out = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  process.once("exit", () => rmSync(out, { recursive: true, force: true }));
  for (const folder of folders) {
    for (const file of readdirSync(join(tree, folder), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const path = join(out, folder, file.replace(/\.ts$/, ".js"));
      mkdirSync(dirname(path), { recursive: true });
      const text = readFileSync(join(tree, folder, file), "utf8");
      writeFileSync(path, ts.transpileModule(text, { compilerOptions: OPTIONS, fileName: file }).outputText);
    }
  }
  writeFileSync(join(out, "package.json"), '{ "type": "module" }\n');
  symlinkSync(join(tree, "node_modules"), join(out, "node_modules"));
  return out;
}
