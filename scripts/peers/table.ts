/** A row of test/peers.md: what another client tests, and what we have for it. */
export interface PeerCase {
  readonly line: number;
  /** The client, or what else the first column holds. */
  readonly client: string;
  readonly name: string;
  readonly pins: string;
  /** The names of our tests; none when `reason` says why there is no test. */
  readonly tests: readonly string[];
  readonly reason: string | undefined;
}

const NO_TEST = "no test:";

/**
 * Reads every table with four columns: client, case, what it pins, and our tests as `` `name` `` separated by `<br>`, or "no test: reason".
 * Throws an `Error` that names the line of a row that is neither.
 */
export function parseTable(markdown: string): PeerCase[] {
  return markdown.split("\n").flatMap((text, index) => {
    const cells = cellsOf(text);
    if (cells === undefined || isHeading(cells)) return [];
    return [parseRow(cells, index + 1)];
  });
}

function cellsOf(text: string): string[] | undefined {
  if (!text.startsWith("|")) return undefined;
  return text
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}

/** The line above the rule, which is recognised by its last cell, and the rule itself. */
function isHeading(cells: readonly string[]): boolean {
  return cells.every((cell) => /^:?-+:?$/.test(cell)) || cells.at(-1) === "here";
}

function parseRow(cells: readonly string[], line: number): PeerCase {
  const [client = "", name = "", pins = "", here = ""] = cells;
  if (cells.length !== 4 || cells.includes(""))
    throw new Error(`line ${line}: expected 4 filled cells, found ${cells.length}: ${cells.join(" | ")}`);
  if (here.startsWith(NO_TEST)) {
    const reason = here.slice(NO_TEST.length).trim();
    if (reason.length < 20) throw new Error(`line ${line}: "${here}" is no reason`);
    return { line, client, name, pins, tests: [], reason };
  }
  const tests = here.split("<br>").map((entry) => /^`([^`]+)`$/.exec(entry.trim())?.[1]);
  if (!tests.every((test) => test !== undefined))
    throw new Error(`line ${line}: expected \`test names\` separated by <br>, or "${NO_TEST} reason"; found "${here}"`);
  return { line, client, name, pins, tests, reason: undefined };
}
