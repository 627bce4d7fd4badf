import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** How a program ended. */
export interface Outcome {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it is not ok, in a few words with the program's last lines; empty when it is. */
  readonly problem: string;
}

/** Runs a program to its end and collects its output. Never rejects. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number; readonly cwd?: string },
): Promise<Outcome> {
  const settings = { env: options.env, cwd: options.cwd, timeout: options.timeoutMs, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(program, [...args], settings, (error, stdout, stderr) => {
      if (error === null) return resolve({ ok: true, stdout, stderr, problem: "" });
      const reason =
        error.killed === true ? `no end after ${options.timeoutMs / 1000} s` : `failed (${error.code ?? error.signal})`;
      resolve({ ok: false, stdout, stderr, problem: [reason, lastLines(stderr)].filter((text) => text !== "").join(": ") });
    });
  });
}

/** The absolute path of a program on `PATH`, or undefined. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  // Windows calls it `Path`, and adds an extension.
  const path = env.PATH ?? env.Path ?? "";
  const file = executableName(name);
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, file))
    .find(isExecutable);
}

/** The file name of a program on this system. */
export function executableName(name: string): string {
  return process.platform === "win32" ? `${name}.exe` : name;
}

/** Whether there is a file that may be executed. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-5).join(" | ").slice(-600);
}
