/** How a command ended, as its exit code. docs/CLI.md and every `--help` say the same. */
export const exitCodes = {
  /** All that was asked for was done. */
  done: 0,
  /** Some of it was not done: messages not delivered or refused, no answer, fewer messages than asked for. */
  notDone: 1,
  /** Nothing was done: bad options, files that cannot be read, no server. */
  notBegun: 2,
  /** `pub`: of some messages it is not known whether they arrived; all others did. */
  inDoubt: 3,
} as const;

/** For the end of a command's help, the lowest first. */
export function exitCodeHelp(codes: readonly (readonly [code: number | string, meaning: string])[]): string {
  const lines = [...codes].sort(([a], [b]) => Number.parseInt(String(a), 10) - Number.parseInt(String(b), 10));
  return `\nExit codes:\n${lines.map(([code, meaning]) => `  ${String(code).padEnd(12)} ${meaning}`).join("\n")}`;
}

/** The lines that every command has. */
export const commonExitCodes: readonly (readonly [string, string])[] = [
  ["2", "bad options, a file that cannot be read, or no server"],
  ["129|130|143", "ended by SIGHUP, by Ctrl-C, by SIGTERM"],
];
