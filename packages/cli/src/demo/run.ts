import type { DemoOptions } from "./options.ts";
import { finalTable } from "./report.ts";
import { runDemo } from "./scenario.ts";
import { judge, type VerdictCode } from "./verdict.ts";

/** One run from the first line to the verdict. Standard output gets the result, standard error what happens meanwhile. */
export async function runDemoCommand(options: DemoOptions, signal: AbortSignal): Promise<VerdictCode> {
  const result = await runDemo(options, (line) => void process.stderr.write(`${line}\n`), signal);
  const verdict = judge(result);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    process.stderr.write(`${verdict.sentence}\n`);
  } else {
    process.stdout.write(`\n${finalTable(result)}\n\n${verdict.sentence}\n`);
  }
  return verdict.exitCode;
}
