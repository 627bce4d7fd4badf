import { exitCodes } from "../cli/exit-codes.ts";
import { count } from "../demo/format.ts";
import type { OutletCounts } from "./outlet.ts";

/** How a run ended. */
export interface PubEnd {
  readonly counts: OutletCounts;
  readonly jetStream: boolean;
  /** Why the input was not published to its end, in words; null when it was. */
  readonly stopped: string | null;
  /** Null without --undelivered. */
  readonly undelivered: { readonly path: string; readonly written: number; readonly failure: string | null } | null;
  readonly seconds: number;
}

/** The exit code, when no signal has set one. */
export function exitCodeOf({ counts, stopped, undelivered }: PubEnd): number {
  const isSure = counts.confirmed === counts.taken && stopped === null;
  if (isSure) return exitCodes.done;
  const isLost = counts.confirmed + counts.inDoubt < counts.taken || stopped !== null || (undelivered?.failure ?? null) !== null;
  return isLost ? exitCodes.notDone : exitCodes.inDoubt;
}

/** The last line: what became of the messages. */
export function lastLine(end: PubEnd): string {
  const { counts } = end;
  const lost = counts.taken - counts.confirmed;
  return [
    `holdfast: ${count(counts.taken, "message")}: ${endings(end).join(", ")}`,
    ...(lost > 0 ? [whereLeft(end, lost)] : []),
    ...(end.stopped === null ? [] : [`${end.stopped}; the rest of the input was not published`]),
  ].join("; ");
}

/** The same for programs. */
export function reportObject(end: PubEnd): Readonly<Record<string, unknown>> {
  const { taken, confirmed, inDoubt, rejected, unsent, refused, resent, duplicates } = end.counts;
  return {
    messages: taken,
    ...(end.jetStream ? { stored: confirmed, duplicates } : { confirmed, resent }),
    inDoubt,
    rejected,
    unsent,
    refused,
    undelivered: end.undelivered?.path ?? null,
    written: end.undelivered?.written ?? 0,
    stopped: end.stopped,
    seconds: Math.round(end.seconds * 1000) / 1000,
  };
}

function endings({ counts, jetStream }: PubEnd): string[] {
  const some: readonly (readonly [number, string])[] = [
    [counts.inDoubt, "in doubt"],
    [counts.rejected, jetStream ? "refused by the stream" : "refused by the server"],
    [counts.unsent, "not sent"],
    [counts.refused, "refused (too large, or no room)"],
    [counts.resent, "sent again (may be there twice)"],
    [counts.duplicates ?? 0, "recognised as second copies"],
  ];
  return [
    `${count(counts.confirmed)} ${jetStream ? "stored" : "confirmed"}`,
    ...some.flatMap(([n, what]) => (n > 0 ? [`${count(n)} ${what}`] : [])),
  ];
}

function whereLeft({ undelivered }: PubEnd, lost: number): string {
  if (undelivered === null) return `${lost === 1 ? "it is" : "they are"} not kept: --undelivered FILE would have, for --from`;
  if (undelivered.failure !== null) return undelivered.failure;
  return `${count(undelivered.written)} written to ${undelivered.path}: holdfast pub --from ${undelivered.path}`;
}
