import { createLogUpdate } from "log-update";
import type { DemoEvent } from "./event.ts";
import type { Screen } from "./live-canvas.ts";
import { closingView, liveView } from "./live-view.ts";
import type { DemoOptions } from "./options.ts";
import type { RunRecord } from "./run-record.ts";

/** The view of one run, on standard error. */
export interface LiveTerminal {
  hear(event: DemoEvent): void;
  /** Ends the view: `done` leaves the curve of the run, otherwise what was last shown stays. Safe to call again. */
  stop(done: boolean): void;
}

const redrawMs = 200;
const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const clearScreen = "\x1b[H\x1b[2J";

/** Whether there is a terminal that a view can be drawn on, and somebody who looks at it. */
export function canShow(
  stream: Partial<Pick<NodeJS.WriteStream, "isTTY" | "columns" | "rows">>,
  env: NodeJS.ProcessEnv,
): boolean {
  // Serial lines and the like do not know their size: they say 0.
  const hasSize = (stream.columns ?? 0) > 0 && (stream.rows ?? 0) > 0;
  return stream.isTTY === true && hasSize && env.TERM !== "dumb" && (env.CI ?? "") === "";
}

/** Draws what `record` has heard, until it is stopped. Notes stand above the view. */
export function startLiveTerminal(record: RunRecord, options: DemoOptions): LiveTerminal {
  const stream = process.stderr;
  // It would hide the cursor by a library that ends the process at Ctrl-C before we have cleaned up.
  const update = createLogUpdate(stream, { showCursor: true });
  const screen = (): Screen => ({ columns: stream.columns, rows: stream.rows, hasColours: stream.hasColors() });
  const draw = (): void => update(liveView(record, options, nowMs(record), screen()).join("\n"));
  const restore = (): void => void stream.write(showCursor);
  const redraw = (): void => {
    // A terminal that became narrower has broken the lines anew: nobody knows how many there are now.
    update.done();
    stream.write(clearScreen);
    draw();
  };
  let isShown = true;
  stream.write(hideCursor);
  process.once("exit", restore);
  stream.on("resize", redraw);
  const timer = setInterval(draw, redrawMs);
  return {
    hear: (event) => {
      if (!isShown || event.kind === "sample") return;
      if (event.kind === "note") {
        update.clear();
        stream.write(`${event.line}\n`);
      }
      draw();
    },
    stop: (done) => {
      if (!isShown) return;
      isShown = false;
      clearInterval(timer);
      stream.off("resize", redraw);
      if (done) update(closingView(record, options, screen()).join("\n"));
      update.done();
      process.off("exit", restore);
      restore();
    },
  };
}

function nowMs({ start }: RunRecord): number {
  return start === null ? 0 : Math.max(0, performance.now() - start);
}
