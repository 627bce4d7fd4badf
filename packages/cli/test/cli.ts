/** Runs the command line from source in a process of its own, as a user would. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findNatsServer } from "holdfast/testing";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Starts in half the time that tsx takes; the processes that a command starts do as well. */
const typescript = new URL("../../../scripts/typescript/register.mjs", import.meta.url).href;

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface RunningProcess {
  readonly pid: number;
  readonly commandLine: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves when standard error matches, or on a terminal what was written to it. */
  whenTold(pattern: RegExp): Promise<void>;
  readonly ended: Promise<CliEnd>;
  /** The processes of the run, itself included. Linux only: elsewhere it finds none. */
  processes(): RunningProcess[];
  /**
   * What the run has left behind, once it has ended: files in its temporary directory, and processes it started that still run (their
   * command lines). It looks again for 5 s: the shell that watches over the servers, and tsx's compiler, end by our end.
   */
  leftovers(): Promise<string[]>;
}

/** What would change where a command connects, and as whom. */
const natsEnvironment = ["URL", "CONTEXT", "CREDS", "NKEY", "USER", "PASSWORD", "TOKEN", "CERT", "KEY", "CA", "TIMEOUT"];
const noNatsEnvironment = Object.fromEntries(natsEnvironment.map((name) => [`NATS_${name}`, undefined]));

/**
 * Starts `holdfast ARGS` with a temporary directory of its own, and without contexts of the `nats` tool. `env` is added to ours;
 * `undefined` removes a variable. `input` is its standard input: nothing, bytes, or `"open"` for a pipe that the test writes to. With
 * `terminal` it runs on one of that size: its output is all standard output then, and what `input` writes is typed.
 */
export function startCli(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string | undefined> = {},
  input: string | Uint8Array = "",
  terminal: TerminalSize | null = null,
): RunningCli {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-cli-test-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  shareCompiled(scratch);
  const command = [process.execPath, "--conditions=source", "--import", typescript, main, ...args];
  const [file = "", ...rest] = terminal === null ? command : onTerminal(command, terminal);
  const child = spawn(file, rest, {
    env: { ...process.env, ...noNatsEnvironment, XDG_CONFIG_HOME: scratch, TMPDIR: scratch, ...env },
    stdio: [input === "" ? "ignore" : "pipe", "pipe", "pipe"],
    // A process group of its own, so that a test can do what Ctrl-C does.
    detached: true,
  });
  t.after(() => void child.kill("SIGKILL"));
  if (input !== "open" && input !== "") child.stdin?.end(input);
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
    for (const look of waiting) look();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
    for (const look of waiting) look();
  });
  const ended = new Promise<CliEnd>((resolve) => child.once("close", (code) => resolve({ code, ...output })));
  return {
    child,
    ended,
    processes: () => processesWith(`TMPDIR=${scratch}`),
    leftovers: async () => {
      const giveUp = performance.now() + 5_000;
      for (;;) {
        const running = processesWith(`TMPDIR=${scratch}`).map(({ commandLine }) => commandLine);
        const left = [...filesIn(scratch), ...running];
        if (left.length === 0 || performance.now() > giveUp) return left;
        await sleep(20);
      }
    },
    whenTold: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(terminal === null ? output.stderr : output.stdout)) resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended before it told ${String(pattern)}: ${output.stderr}${output.stdout}`)));
      }),
  };
}

/** Runs `holdfast ARGS` to its end. */
export function runCli(
  t: TestContext,
  args: readonly string[],
  env: Record<string, string | undefined> = {},
  input: string | Uint8Array = "",
): Promise<CliEnd> {
  return startCli(t, args, env, input).ended;
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

/** Why tests that need a terminal cannot run here; `false` when they can. */
export function noTerminal(): string | false {
  try {
    execFileSync("script", ["--version"], { stdio: "ignore" });
    return process.platform === "linux" ? false : "script(1) has other options here";
  } catch {
    return "script(1) is not installed";
  }
}

function onTerminal(command: readonly string[], { columns, rows }: TerminalSize): string[] {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return ["script", "--quiet", "--return", "--command", `stty cols ${columns} rows ${rows}; exec ${quoted}`, "/dev/null"];
}

/** tsx keeps what it has compiled in the temporary directory: half of a short run's time, if each began anew. */
function shareCompiled(scratch: string): void {
  if (process.getuid === undefined) return;
  const cache = `tsx-${process.getuid()}`;
  mkdirSync(join(tmpdir(), cache), { recursive: true });
  symlinkSync(join(tmpdir(), cache), join(scratch, cache));
}

function filesIn(directory: string): string[] {
  // tsx keeps its cache there; that is the test's choice, not the command's.
  return readdirSync(directory).filter((name) => !name.startsWith("tsx-"));
}

function processesWith(variable: string): RunningProcess[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable)) return [];
      return [{ pid, commandLine: readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ") }];
    } catch {
      // It has just ended.
      return [];
    }
  });
}
