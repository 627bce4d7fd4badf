import { cellsOf, namesIn } from "../shared/markdown-table.ts";

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
    // The heading is recognised by its last cell.
    if (cells === undefined || cells.at(-1) === "here") return [];
    return [parseRow(cells, index + 1)];
  });
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
  const tests = namesIn(here);
  if (tests === undefined)
    throw new Error(`line ${line}: expected \`test names\` separated by <br>, or "${NO_TEST} reason"; found "${here}"`);
  return { line, client, name, pins, tests, reason: undefined };
}
