import { checkReportPath, writeReport } from "../report/file.ts";
import type { Audience } from "./event.ts";
import { demoReport } from "./html-report.ts";
import { canShow, startLiveTerminal } from "./live-terminal.ts";
import type { DemoOptions } from "./options.ts";
import { plainLines } from "./plain-lines.ts";
import { finalTable } from "./report.ts";
import type { DemoResult } from "./result.ts";
import { RunRecord } from "./run-record.ts";
import { runDemo } from "./scenario.ts";
import { judge, type VerdictCode } from "./verdict.ts";

/** One run from the first line to the verdict. Standard output gets the result, standard error what happens meanwhile. */
export async function runDemoCommand(options: DemoOptions, signal: AbortSignal): Promise<VerdictCode> {
  if (options.html !== null) checkReportPath(options.html);
  const record = new RunRecord();
  const isLive = !options.json && canShow(process.stderr, process.env);
  const result = await (isLive ? runLive : runPlain)(record, options, signal);
  const verdict = judge(result);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    process.stderr.write(`${verdict.sentence}\n`);
  } else {
    process.stdout.write(`\n${finalTable(result)}\n\n${verdict.sentence}\n`);
  }
  if (options.html !== null) {
    writeReport(options.html, demoReport(record, options, result, verdict.sentence));
    process.stderr.write(`The report is in ${options.html}\n`);
  }
  return verdict.exitCode;
}

function runPlain(record: RunRecord, options: DemoOptions, signal: AbortSignal): Promise<DemoResult> {
  const tell = plainLines(options);
  const audience: Audience = {
    hear: (event) => {
      record.hear(event);
      tell(event);
    },
    wantsArrivals: options.html !== null,
  };
  return runDemo(options, audience, signal);
}

async function runLive(record: RunRecord, options: DemoOptions, signal: AbortSignal): Promise<DemoResult> {
  const terminal = startLiveTerminal(record, options);
  const audience: Audience = {
    hear: (event) => {
      record.hear(event);
      terminal.hear(event);
    },
    wantsArrivals: true,
  };
  // At once, so that the cursor is there whatever comes next: a second Ctrl-C ends the process as it is.
  const interrupted = (): void => terminal.stop(false);
  signal.addEventListener("abort", interrupted, { once: true });
  try {
    const result = await runDemo(options, audience, signal);
    terminal.stop(true);
    return result;
  } finally {
    signal.removeEventListener("abort", interrupted);
    terminal.stop(false);
  }
}
