import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** A test as it stands in the source. */
export interface WrittenTest {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** `test.skip`, `test.todo`, or an option of that name. */
  readonly switchedOff: boolean;
}

/** The tests of a file that have their name as a literal: `test("…")`, `it("…")`, `test.skip("…")` and the like. */
export function findTests(root: string, file: string): WrittenTest[] {
  const tree = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
  const found: WrittenTest[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const kind = testKind(node.expression);
      const [name, options] = node.arguments;
      if (kind !== undefined && name !== undefined && ts.isStringLiteralLike(name)) {
        const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
        found.push({ name: name.text, file, line, switchedOff: isOff(kind) || hasOffOption(options) });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** "test" for `test(…)` and `it(…)`, "skip" for `test.skip(…)`; undefined for other calls. */
function testKind(callee: ts.Expression): string | undefined {
  if (ts.isIdentifier(callee)) return isTestFunction(callee) ? "test" : undefined;
  if (!ts.isPropertyAccessExpression(callee) || !ts.isIdentifier(callee.expression)) return undefined;
  return isTestFunction(callee.expression) ? callee.name.text : undefined;
}

function isTestFunction({ text }: ts.Identifier): boolean {
  return text === "test" || text === "it";
}

function isOff(kind: string): boolean {
  return kind === "skip" || kind === "todo";
}

function hasOffOption(options: ts.Expression | undefined): boolean {
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return false;
  return options.properties.some((property) => property.name !== undefined && isOff(property.name.getText()));
}
