/** The cells of a line that is a row of a table; undefined for any other line, and for the rule below a heading. */
export function cellsOf(line: string): string[] | undefined {
  if (!line.startsWith("|")) return undefined;
  const cells = line
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
  return cells.every((cell) => /^:?-+:?$/.test(cell)) ? undefined : cells;
}

/** The names in a cell: each in backticks, with `<br>` between them. Undefined if anything else is in it. */
export function namesIn(cell: string): string[] | undefined {
  const names = cell.split("<br>").map((entry) => /^`([^`]+)`$/.exec(entry.trim())?.[1]);
  return names.every((name) => name !== undefined) ? names : undefined;
}
