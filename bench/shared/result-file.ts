import type { RowResult } from "./run-row.ts";

/** When and with what a row was made. */
export interface Circumstances {
  readonly date: string;
  readonly node: string;
  readonly natsServer: string;
  /** Of the tree whose library was measured; "+" when it had changes that are not in it. */
  readonly commit: string;
  readonly peers: Readonly<Record<string, string>>;
}

export type MadeRow = RowResult & { readonly made: Circumstances };

/** RESULTS.json. */
export interface ResultFile {
  readonly machine: string;
  readonly rows: readonly MadeRow[];
}
