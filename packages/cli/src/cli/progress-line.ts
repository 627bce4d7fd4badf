import cliProgress from "cli-progress";
import { tell } from "./terminal.ts";

/** What the line says at one moment. */
export interface ProgressText {
  /** From 0 to 1; null when nobody knows. */
  readonly fraction: number | null;
  readonly phrases: readonly string[];
  /** The same for a narrow terminal. */
  readonly short: readonly string[];
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

/** On a terminal one line that changes, elsewhere a line now and then. `shown` false: only the notes. */
export function startProgressLine(shown: boolean, look: () => ProgressText): Progress {
  if (!shown) return { note: tell, stop: () => {} };
  return process.stderr.isTTY ? terminalProgress(look) : plainProgress(look);
}

/** For a log: a line now and then, without a bar. */
function plainProgress(look: () => ProgressText): Progress {
  const timer = setInterval(() => tell(`holdfast: ${look().phrases.join(", ")}`), plainMs);
  timer.unref();
  return { note: tell, stop: () => clearInterval(timer) };
}

function terminalProgress(look: () => ProgressText): Progress {
  const format: cliProgress.GenericFormatter = (options, { progress }) => {
    const { fraction, phrases, short } = look();
    const percent = fraction === null ? "" : `${String(Math.floor(progress * 100)).padStart(3)}% `;
    const bar = fraction === null ? "" : `${cliProgress.Format.BarFormat(progress, options)} ${percent}`;
    const lines = [`${bar}${phrases.join(" · ")}`, `${bar}${short.join(" · ")}`, `${percent}${short.join(" · ")}`];
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
