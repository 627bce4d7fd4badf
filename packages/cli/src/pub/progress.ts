import { type Progress, startProgressLine } from "../cli/progress-line.ts";
import { bytes, count } from "../demo/format.ts";
import type { OutletCounts } from "./outlet.ts";
import { RateMeter } from "./rate-meter.ts";

/** What the line is made of. */
export interface ProgressView {
  readonly counts: OutletCounts;
  /** How much of the input has been published and has ended, from 0 to 1; null when nobody knows. */
  readonly fraction: number | null;
  readonly isConnected: boolean;
  readonly limitBytes: number;
}

/** `shown` false: only the notes. */
export function startProgress(shown: boolean, look: () => ProgressView): Progress {
  const meter = new RateMeter();
  return startProgressLine(shown, () => {
    const view = look();
    return { fraction: view.fraction, phrases: phrases(view, meter), short: phrases(view, meter, true) };
  });
}

/** What is not there is not told: without an outage nothing is in doubt. */
function phrases(view: ProgressView, meter: RateMeter, isShort = false): string[] {
  const { counts, fraction, limitBytes } = view;
  const now = performance.now();
  const undelivered = counts.taken - counts.confirmed - counts.held;
  const left = view.isConnected ? meter.timeLeft(now, fraction) : null;
  const limit = isShort ? "" : ` of ${bytes(limitBytes)}`;
  return [
    ...(view.isConnected ? [] : ["no connection"]),
    `${count(counts.sent)} sent`,
    `${count(counts.confirmed)} ${counts.duplicates === null ? "confirmed" : "stored"}`,
    `${count(counts.held)} held${isShort ? "" : ` (${bytes(counts.heldBytes)}${limit})`}`,
    ...(undelivered > 0 ? [`${count(undelivered)} ${undelivered === counts.inDoubt ? "in doubt" : "not delivered"}`] : []),
    `${count(Math.round(meter.rate(now, counts.confirmed)))}/s`,
    ...(left === null ? [] : [`${clock(left)} left`]),
  ];
}

/** 4 s, 1:05, 2:03:04. */
function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
