import { cellsOf, namesIn } from "../shared/markdown-table.ts";

/** A row of the members: a member of nats.js, and what there is for it here. */
export interface MemberRow {
  readonly line: number;
  readonly member: string;
  /** What its link to the differences ends with; undefined where all is the same. */
  readonly difference: string | undefined;
  /** The names of its tests; none when a type test stands for it. */
  readonly tests: readonly string[];
  readonly typeTest: string | undefined;
}

/** A row of the differences. */
export interface DifferenceRow {
  readonly line: number;
  /** What links to it end with. */
  readonly anchor: string;
  readonly tests: readonly string[];
}

export interface CompatTable {
  readonly members: readonly MemberRow[];
  readonly differences: readonly DifferenceRow[];
  /** Rows that are neither, one line each. */
  readonly problems: readonly string[];
}

/**
 * Reads docs/COMPATIBILITY.md: the tables whose first column is "member" or "difference". Other tables are text. Rows that cannot be read
 * are problems, and not in the tables.
 */
export function parseTable(markdown: string): CompatTable {
  const members: MemberRow[] = [];
  const differences: DifferenceRow[] = [];
  const problems: string[] = [];
  let heading: string | undefined;
  for (const [index, text] of markdown.split("\n").entries()) {
    if (!text.startsWith("|")) heading = undefined;
    const cells = cellsOf(text);
    if (cells === undefined) continue;
    const table = heading;
    heading ??= cells[0];
    const line = index + 1;
    const row = table === "member" ? parseMember(cells, line) : table === "difference" ? parseDifference(cells, line) : undefined;
    if (typeof row === "string") problems.push(`line ${line}: ${row}`);
    else if (row !== undefined && "member" in row) members.push(row);
    else if (row !== undefined) differences.push(row);
  }
  return { members, differences, problems };
}

/** The row, or what is wrong with it. */
function parseMember(cells: readonly string[], line: number): MemberRow | string {
  const [name = "", here = "", test = ""] = cells;
  const member = /^`([^`]+)`$/.exec(name)?.[1];
  if (cells.length !== 3 || member === undefined) return `expected | \`member\` | here | test |, found ${cells.join(" | ")}`;
  const difference = /^differs: .*\]\(#([\w-]+)\)/.exec(here)?.[1];
  if (here !== "same" && difference === undefined)
    return `${member}: expected "same" or "differs: why", with a link to the differences; found "${here}"`;
  const typeTest = /^type: (\S+)$/.exec(test)?.[1];
  if (typeTest !== undefined) return { line, member, difference, tests: [], typeTest };
  const tests = namesIn(test);
  if (tests === undefined)
    return `${member}: expected \`names of tests\` with <br> between them, or "type: file"; found "${test}"`;
  return { line, member, difference, tests, typeTest };
}

/** The row, or what is wrong with it. */
function parseDifference(cells: readonly string[], line: number): DifferenceRow | string {
  const [difference = "", theirs, ours, test = ""] = cells;
  const anchor = /<a id="([\w-]+)"><\/a>/.exec(difference)?.[1];
  const tests = namesIn(test);
  if (cells.length !== 4 || theirs === "" || ours === "") return `expected 4 filled cells, found ${cells.join(" | ")}`;
  if (anchor === undefined) return `expected <a id="name"></a> in the first cell, found "${difference}"`;
  if (tests === undefined) return `${anchor}: expected \`names of tests\` with <br> between them; found "${test}"`;
  return { line, anchor, tests };
}
