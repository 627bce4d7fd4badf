import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A program and its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** One of our own programs, run from source like this one. @param module its path below `bench/` */
export function nodeCommand(module: string, args: readonly string[], nodeArgs: readonly string[] = []): Command {
  const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
  return { program: process.execPath, args: [...process.execArgv, ...nodeArgs, path, ...args] };
}

/**
 * One side of a comparison: a client in a process of its own, in any language, that does what it is told, round by round. A task is a line of JSON on its standard
 * input, and so is the result on its standard output; it ends when its input does.
 */
export class Side<Task extends object, Result extends object> {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  #answer: ((line: string) => void) | undefined;

  constructor(name: string, { program, args }: Command) {
    this.name = name;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("close", (code, signal) => resolve(String(signal ?? code)));
    });
    if (this.#child.stdout !== null) createInterface(this.#child.stdout).on("line", (line) => this.#answer?.(line));
    // A side that is gone shows by its end, not by the pipe to it.
    this.#child.stdin?.on("error", () => {});
  }

  /** Does one task. Rejects when the process ends instead: a side that dies contributes nothing. */
  async do(task: Task): Promise<Result> {
    const answer = new Promise<string>((resolve) => {
      this.#answer = resolve;
    });
    this.#child.stdin?.write(`${JSON.stringify(task)}\n`);
    const line = await Promise.race([
      answer,
      this.#ended.then((end) =>
        Promise.reject(new Error(`${this.name} ended with ${end} in the middle of ${JSON.stringify(task)}`)),
      ),
    ]);
    this.#answer = undefined;
    const result: unknown = JSON.parse(line);
    if (typeof result !== "object" || result === null) throw new Error(`${this.name} answered ${line}`);
    return result as Result;
  }

  /** Ends the process and fails if it does not end well. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    const end = await this.#ended;
    if (end !== "0") throw new Error(`${this.name} ended with ${end}`);
  }

  /** Ends the process whatever it does: after a failure. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.kill("SIGKILL"))
      await once(this.#child, "close");
  }
}
