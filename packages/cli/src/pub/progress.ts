import cliProgress from "cli-progress";
import { tell } from "../cli/terminal.ts";
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

/** The progress of one run, on standard error. */
export interface Progress {
  /** A line of its own, between the states of the progress line. */
  note(line: string): void;
  stop(): void;
}

const terminalMs = 100;
/** Without a terminal a run of a few seconds tells only its end. */
const plainMs = 5_000;
const barWidth = 20;

/** `shown` false: only the notes. */
export function startProgress(shown: boolean, look: () => ProgressView): Progress {
  if (!shown) return { note: tell, stop: () => {} };
  return process.stderr.isTTY ? terminalProgress(look) : plainProgress(look);
}

/** For a log: a line now and then, without a bar. */
function plainProgress(look: () => ProgressView): Progress {
  const meter = new RateMeter();
  const timer = setInterval(() => tell(`holdfast: ${phrases(look(), meter).join(", ")}`), plainMs);
  timer.unref();
  return { note: tell, stop: () => clearInterval(timer) };
}

function terminalProgress(look: () => ProgressView): Progress {
  const meter = new RateMeter();
  const format: cliProgress.GenericFormatter = (options, { progress }) => {
    const view = look();
    const percent = `${String(Math.floor(progress * 100)).padStart(3)}% `;
    const bar = view.fraction === null ? "" : `${cliProgress.Format.BarFormat(progress, options)} ${percent}`;
    const full = phrases(view, meter);
    const short = phrases(view, meter, true);
    const lines = [`${bar}${full.join(" · ")}`, `${bar}${short.join(" · ")}`, `${percent}${short.join(" · ")}`];
    // The terminal cuts what is too long, and the time left stands at the end.
    return lines.find((line) => line.length < process.stderr.columns) ?? short.join(" ");
  };
  const bar = new cliProgress.SingleBar({
    format,
    stream: process.stderr,
    barsize: barWidth,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    fps: 1000 / terminalMs,
    forceRedraw: true,
    hideCursor: true,
    clearOnComplete: true,
  });
  const begin = (): void => bar.start(1, look().fraction ?? 0);
  begin();
  const timer = setInterval(() => bar.update(look().fraction ?? 0), terminalMs);
  timer.unref();
  return {
    note: (line) => {
      // The bar restores the cursor to where it began: with a line written in between that would be another place.
      bar.stop();
      tell(line);
      begin();
    },
    stop: () => {
      clearInterval(timer);
      bar.stop();
    },
  };
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
