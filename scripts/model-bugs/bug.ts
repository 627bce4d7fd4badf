import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A deliberate bug: one place of the source is made wrong, and a test has to notice. */
export interface Bug {
  /** A few words, for the table. */
  readonly name: string;
  /** Below the root of the workspace. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What has to turn red: the model, or a test file of the part that it is in. */
  readonly caughtBy: "model" | `packages/client/test/${"transport" | "outbound"}/${string}.test.ts`;
}

/** The file of `bug` below `root`, with the bug in it. Throws when the place is not found, or found twice: the patch is out of date. */
export function withBug(root: string, { name, file, find, replace }: Omit<Bug, "caughtBy">): string {
  const source = readFileSync(join(root, file), "utf8");
  const pieces = source.split(find);
  if (pieces.length !== 2) {
    throw new Error(`${name}: ${file} has its place ${pieces.length - 1} times, not once. Bring the patch up to date:\n${find}`);
  }
  if (replace === find) throw new Error(`${name}: it changes nothing`);
  return pieces.join(replace);
}
