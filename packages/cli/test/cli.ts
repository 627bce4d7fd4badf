/** Runs the command line from source in a process of its own, as a user would. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { findNatsServer } from "holdfast/testing";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const tsx = import.meta.resolve("tsx");

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves when standard error has a line that matches. */
  whenTold(pattern: RegExp): Promise<void>;
  readonly ended: Promise<CliEnd>;
  /** What the run has left behind: files in its temporary directory, processes it started that still run. */
  leftovers(): string[];
}

/** Starts `holdfast ARGS` with a temporary directory of its own. `env` is added to ours; `undefined` removes a variable. */
export function startCli(t: TestContext, args: readonly string[], env: Record<string, string | undefined> = {}): RunningCli {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-cli-test-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const child = spawn(process.execPath, ["--conditions=source", "--import", tsx, main, ...args], {
    env: { ...process.env, TMPDIR: scratch, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, so that a test can do what Ctrl-C does.
    detached: true,
  });
  t.after(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
    for (const look of waiting) look();
  });
  const ended = new Promise<CliEnd>((resolve) => child.once("close", (code) => resolve({ code, ...output })));
  return {
    child,
    ended,
    leftovers: () => [...filesIn(scratch), ...processesWith(`TMPDIR=${scratch}`)],
    whenTold: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(output.stderr)) resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended before it told ${String(pattern)}: ${output.stderr}`)));
      }),
  };
}

/** Runs `holdfast ARGS` to its end. */
export function runCli(t: TestContext, args: readonly string[], env: Record<string, string | undefined> = {}): Promise<CliEnd> {
  return startCli(t, args, env).ended;
}

/** Why tests that need nats-server cannot run here; `false` when they can. */
export function noServer(): string | false {
  try {
    findNatsServer();
    return false;
  } catch (error) {
    return String(error);
  }
}

function filesIn(directory: string): string[] {
  // tsx keeps its cache there; that is the test's choice, not the command's.
  return readdirSync(directory).filter((name) => !name.startsWith("tsx-"));
}

/** Linux only: elsewhere it finds nothing. */
function processesWith(variable: string): string[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable);
    } catch {
      return false;
    }
  });
}
