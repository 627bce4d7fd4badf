import { exitCodes } from "../cli/exit-codes.ts";
import { tell } from "../cli/terminal.ts";
import { InterruptedError } from "../connection/open.ts";
import { CleanUp } from "../demo/clean-up.ts";
import type { BenchOptions } from "./options.ts";
import { runOutage } from "./outage-run.ts";
import { runRates } from "./rate-run.ts";
import { WorkerError } from "./worker-process.ts";

/** One run of `holdfast bench`; resolves with its exit code. Rejects, with one line, when it has not begun. Nothing it started is left. */
export async function runBench(options: BenchOptions, interrupted: AbortSignal): Promise<number> {
  const cleanUp = new CleanUp();
  // What is waited for rejects when its process is gone, so an interrupted run unwinds by itself.
  const end = (): void => void cleanUp.run().catch(() => {});
  interrupted.addEventListener("abort", end, { once: true });
  try {
    return options.kind === "outage"
      ? await runOutage(options, cleanUp, interrupted)
      : await runRates(options, cleanUp, interrupted);
  } catch (error) {
    if (interrupted.aborted && !(error instanceof InterruptedError)) return exitCodes.notDone;
    if (!(error instanceof WorkerError)) throw error;
    tell(`holdfast: ${error.message}`);
    return exitCodes.notDone;
  } finally {
    interrupted.removeEventListener("abort", end);
    await cleanUp.run();
  }
}
