import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One side of a comparison: a client in a process of its own that does what it is told over IPC, round by round. */
export class Side<Task extends object, Result extends object> {
  readonly name: string;
  readonly #child: ChildProcess;

  /** @param module path of the program, relative to `bench/` @param args its arguments */
  constructor(name: string, module: string, args: readonly string[], nodeArgs: readonly string[] = []) {
    this.name = name;
    const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
    this.#child = fork(path, args, { execArgv: [...process.execArgv, ...nodeArgs] });
  }

  /** Does one task. Rejects when the process ends instead: a side that dies contributes nothing. */
  async do(task: Task): Promise<Result> {
    const controller = new AbortController();
    const answer = once(this.#child, "message", { signal: controller.signal });
    const exit = once(this.#child, "exit", { signal: controller.signal }).then(([code, signal]) => {
      throw new Error(`${this.name} ended with ${signal ?? code} in the middle of a round`);
    });
    this.#child.send(task);
    try {
      const [message] = await Promise.race([answer, exit]);
      if (typeof message !== "object" || message === null) throw new Error(`${this.name} answered ${String(message)}`);
      return message as Result;
    } finally {
      controller.abort();
      await Promise.allSettled([answer, exit]);
    }
  }

  /** Ends the process and fails if it does not end well. */
  async end(): Promise<void> {
    this.#child.disconnect();
    const [code, signal] = await once(this.#child, "exit");
    if (code !== 0) throw new Error(`${this.name} ended with ${signal ?? code}`);
  }
}
