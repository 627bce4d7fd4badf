import { createInterface } from "node:readline";

/**
 * The other end of a `Side`: does each line's task in turn and writes the result; `close` when there are no more. Then ends the process: with 1 when a
 * task failed.
 */
export async function serve<Task>(
  name: string,
  act: (task: Task) => object | Promise<object>,
  close: () => Promise<void>,
): Promise<void> {
  try {
    for await (const line of createInterface(process.stdin)) {
      process.stdout.write(`${JSON.stringify(await act(JSON.parse(line)))}\n`);
    }
    await close();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}
