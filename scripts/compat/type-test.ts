import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Member } from "./members.ts";
import { withoutMembers } from "./strip.ts";

/** The type test, relative to the root of the workspace. */
export const TYPE_TEST = "packages/client/test/types/exports.ts";

const INDEX = "packages/client/src/index.ts";

const HEAD = `/**
 * Compiled, never run: every name that nats.js exports and every member, one a line. Written by \`npm run compat -- --write\`, which also
 * sees that each line is an error when its member is gone.
 */

import type * as holdfast from "../../src/index.ts";

/** \`Part\`, which \`All\` must include. */
type Includes<All, Part extends All> = Part;

export type Everything = [
`;

/** Writes the type test anew. */
export function writeTypeTest(root: string, members: readonly Member[]): void {
  writeFileSync(join(root, TYPE_TEST), textOf(members));
}

/**
 * What is wrong with the type test, one line each: it must be what \`writeTypeTest()\` writes, and each of its lines an error when all names
 * are gone from the library's index, and, if it is about a member, when all members are gone from the declarations.
 */
export function checkTypeTest(root: string, members: readonly Member[]): string[] {
  const text = textOf(members);
  if (readOrEmpty(join(root, TYPE_TEST)) !== text) return [`${TYPE_TEST} is not up to date: npm run compat -- --write`];
  const first = HEAD.split("\n").length - 1;
  const parsed = new Map<string, ts.SourceFile>();
  const goneName = badLines(root, parsed, (file) => (file === join(root, INDEX) ? "export {};" : undefined));
  const goneMember = badLines(root, parsed, (file, source) =>
    isDeclaration(root, file) ? withoutMembers(file, source) : undefined,
  );
  return members.flatMap(({ row, owner }, index) => [
    ...(goneName.has(first + index) ? [] : [`${TYPE_TEST}: it makes no difference whether ${owner} is exported (${row})`]),
    ...(row === owner || isOfEveryObject(row) || goneMember.has(first + index)
      ? []
      : [`${TYPE_TEST}: it makes no difference whether there is ${row}`]),
  ]);
}

function textOf(members: readonly Member[]): string {
  return `${HEAD}${members.map(({ type }) => `  ${type},\n`).join("")}];\n`;
}

/** Where members are declared: in nats.js, and in the library's own options. */
function isDeclaration(root: string, file: string): boolean {
  return file.startsWith(join(root, "node_modules/@nats-io/")) || file === join(root, "packages/client/src/options.ts");
}

/** `Metric.toString`: without it there is still that of every object. */
function isOfEveryObject(row: string): boolean {
  return Object.hasOwn(Object.prototype, row.slice(row.indexOf(".") + 1));
}

/** The lines of the type test, from 0, with an error in it when files say something else. Unchanged files are parsed once and kept in `parsed`. */
function badLines(
  root: string,
  parsed: Map<string, ts.SourceFile>,
  change: (file: string, text: string) => string | undefined,
): Set<number> {
  const options = readOptions(root);
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (file, version, ...rest) => {
    const source = parsed.get(file) ?? getSourceFile.call(host, file, version, ...rest);
    if (source === undefined) return undefined;
    parsed.set(file, source);
    const changed = change(file, source.text);
    return changed === undefined ? source : ts.createSourceFile(file, changed, version);
  };
  const file = join(root, TYPE_TEST);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  const found = program.getSemanticDiagnostics(source).flatMap(({ start }) => (start === undefined ? [] : [start]));
  return new Set(found.map((start) => source?.getLineAndCharacterOfPosition(start).line ?? -1));
}

/** Those of `npm run check`. */
function readOptions(root: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, "tsconfig.check.json"), ts.sys.readFile);
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: [TYPE_TEST] }, ts.sys, root).options;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
