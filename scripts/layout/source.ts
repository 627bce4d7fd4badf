import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** A TypeScript file: where it is (relative to the root, with slashes) and what it says. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  /** Every module it names: import, export, `import()`, `import type`. */
  readonly imports: readonly Found[];
  /** Uses of what only a `Runtime` may give, that Biome's rule on globals does not see. */
  readonly impure: readonly Found[];
}

/** Something in a file, with its line. */
export interface Found {
  readonly text: string;
  readonly line: number;
}

/** Reads all TypeScript files below `folder` of `root`; none when there is no such folder. */
export function readSources(root: string, folder: string): SourceFile[] {
  return listFiles(root, folder)
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readSource(root, path));
}

/** The files below `folder`, relative to `root`, with slashes, sorted. What npm installed there (in an example) is not ours. */
export function listFiles(root: string, folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true, encoding: "utf8" })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(root, "/").length).replaceAll("\\", "/"))
      .filter((path) => !path.includes("node_modules/"))
      .sort();
  } catch {
    return [];
  }
}

function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Found[] = [];
  const impure: Found[] = [];
  const found = (node: ts.Node, what: string): Found => ({
    text: what,
    line: tree.getLineAndCharacterOfPosition(node.getStart()).line + 1,
  });
  const visit = (node: ts.Node): void => {
    const target = importTarget(node);
    if (target !== undefined) imports.push(found(node, target.text));
    const use = impureUse(node);
    if (use !== undefined) impure.push(found(node, use));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { path, lines: text.replace(/\n$/, "").split("\n").length, imports, impure };
}

function importTarget(node: ts.Node): ts.StringLiteralLike | undefined {
  const target = importNode(node);
  return target !== undefined && ts.isStringLiteralLike(target) ? target : undefined;
}

function importNode(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node.arguments[0];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  return undefined;
}

/** `Math.random`, `AbortSignal.timeout`, the global object under any name, and `Math` passed on whole (so that `random` cannot hide). */
function impureUse(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node) || isMemberName(node)) return undefined;
  if (["globalThis", "global", "window", "self"].includes(node.text)) return node.text;
  const member = memberOf(node);
  if (node.text === "Math" && (member === undefined || member === "random"))
    return member === undefined ? "Math as a value" : "Math.random";
  if (node.text === "AbortSignal" && member === "timeout") return "AbortSignal.timeout";
  return undefined;
}

/** The `name` in `object.name`, in `{ name: … }` and in declarations of members: not a reference to a global. */
function isMemberName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return "name" in parent && parent.name === node;
}

/** What is read from the object that `node` names: `random` in `Math.random` and `Math["random"]`; undefined when it is used whole. */
function memberOf(node: ts.Identifier): string | undefined {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text;
  if (ts.isElementAccessExpression(parent) && ts.isStringLiteralLike(parent.argumentExpression))
    return parent.argumentExpression.text;
  return undefined;
}
