import ts from "typescript";

/**
 * A TypeScript file whose types have lost their members, their parameters and the words that they may be; names and exports stay. What is
 * left need not make sense: only what becomes of a use of a member counts.
 */
export function withoutMembers(file: string, text: string): string {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const cuts: { from: number; to: number; put: string }[] = [];
  const visit = (node: ts.Node): void => {
    const cut = cutOf(node);
    if (cut === undefined) ts.forEachChild(node, visit);
    else cuts.push(...cut);
  };
  visit(tree);
  return cuts
    .sort((a, b) => b.from - a.from)
    .reduce((left, { from, to, put }) => `${left.slice(0, from)}${put}${left.slice(to)}`, text);
}

/** What to cut out of a node, and what to put there; undefined to look into it. */
function cutOf(node: ts.Node): { from: number; to: number; put: string }[] | undefined {
  if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) {
    const { members, heritageClauses = [] } = node;
    const heritage = heritageClauses.map((clause) => ({ from: clause.getStart(), to: clause.end, put: "" }));
    return [...heritage, { from: members.pos, to: members.end, put: "" }];
  }
  if (ts.isTypeLiteralNode(node)) return [{ from: node.members.pos, to: node.members.end, put: "" }];
  if (!ts.isTypeAliasDeclaration(node)) return undefined;
  if (ts.isFunctionTypeNode(node.type)) return [{ from: node.type.getStart(), to: node.type.end, put: "() => void" }];
  const words = ts.isUnionTypeNode(node.type) ? node.type.types.filter(ts.isLiteralTypeNode) : [];
  return words.length === 0 ? undefined : [{ from: node.type.getStart(), to: node.type.end, put: '"gone"' }];
}
