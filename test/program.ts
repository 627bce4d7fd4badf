import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { guardProcess } from "../packages/client/src/testing/process-guard.ts";
import { outsideEnv } from "../scripts/package/npm.ts";

/** A program in a process of its own, and what it wrote, line by line. Ends it when it is disposed of. */
export class Program implements AsyncDisposable {
  /** Standard output and standard error, as they came. */
  readonly lines: string[] = [];
  /** Its exit code, or the signal that ended it, when all that it wrote is in `lines`. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #child;
  readonly #watchers = new Set<() => void>();
  #over = false;

  /** With the `signal` of a test it ends when the test does, also when that has run out of time. */
  constructor(folder: string, args: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.#child = spawn(process.execPath, args, { cwd: folder, env: outsideEnv(env), stdio: ["ignore", "pipe", "pipe"] });
    const release = this.#child.pid === undefined ? () => {} : guardProcess(this.#child.pid);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        this.lines.push(line);
        this.#tell();
      });
    signal.addEventListener("abort", () => this.kill("SIGKILL"), { once: true });
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      release();
      this.#over = true;
      this.#tell();
      return (code ?? signal) as number | NodeJS.Signals | null;
    });
  }

  /** What a pattern finds in each line so far: its first group, or all of it. */
  found(pattern: RegExp): string[] {
    return this.lines.flatMap((line) => {
      const match = pattern.exec(line);
      return match === null ? [] : [match[1] ?? match[0]];
    });
  }

  /** Resolves when this many lines match, counted from the start; rejects when the program ends before. */
  async until(pattern: RegExp, count = 1): Promise<void> {
    while (this.found(pattern).length < count) {
      if (this.#over) throw new Error(`ended before ${count} lines matched ${pattern}:\n${this.lines.slice(-50).join("\n")}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}
