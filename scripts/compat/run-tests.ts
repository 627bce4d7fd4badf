import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../shared/node.ts";
import { parseResult, type TestResult } from "../shared/test-results.ts";
import type { Patch } from "./switches.ts";

/** What came of tests of one file. */
export interface TestRun {
  /** By name; a test without an outcome did not end in time, or did not begin. */
  readonly outcomes: ReadonlyMap<string, TestResult["outcome"]>;
  /** Whether the patch was applied. */
  readonly off: boolean;
  /** Whether somebody came to what it switches off. */
  readonly met: boolean;
  /** What the process wrote to standard error, the end of it. */
  readonly said: string;
}

/** With all its tests ended a process may still clean up, for so long; one with something off leaves that to the guard of its servers. */
const CLEAN_UP_MS = 3_000;
const OFF_CLEAN_UP_MS = 100;

/**
 * Runs tests of one file by their names, each exactly, in a process of their own; with a patch, in one where that is applied. Whatever has
 * not ended after `limitMs` is ended.
 */
export async function runTests(
  file: string,
  names: readonly string[],
  options: { readonly natsServer: string; readonly limitMs: number; readonly patch?: Patch },
): Promise<TestRun> {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-compat-"));
  try {
    const { patch, limitMs, natsServer } = options;
    const patches = join(scratch, "patches.json");
    const marks = join(scratch, "marks");
    writeFileSync(patches, JSON.stringify(patch === undefined ? [] : [patch]));
    writeFileSync(marks, "");
    const imports = patch === undefined ? ["tsx"] : [script("register.mjs"), "tsx", script("apply.mjs")];
    const args = [
      "--conditions=source",
      ...imports.flatMap((name) => ["--import", name]),
      `--test-reporter=${script("../test-results.mjs")}`,
      ...names.map((name) => `--test-name-pattern=^${name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$`),
      file,
    ];
    const env = { NATS_SERVER: natsServer, HOLDFAST_COMPAT_PATCHES: patches, HOLDFAST_COMPAT_MARKS: marks };
    const ended = await runNode(args, env, names, { limitMs, cleanUpMs: patch === undefined ? CLEAN_UP_MS : OFF_CLEAN_UP_MS });
    const left = readFileSync(marks, "utf8").split("\n");
    return { ...ended, off: left.includes("off"), met: left.includes("met") };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs Node with the reporter that writes results to standard output, until the tests have ended, or to the limit. */
async function runNode(
  args: readonly string[],
  more: NodeJS.ProcessEnv,
  names: readonly string[],
  { limitMs, cleanUpMs }: { readonly limitMs: number; readonly cleanUpMs: number },
): Promise<Pick<TestRun, "outcomes" | "said">> {
  // A runner that finds itself inside another one would report to that.
  const { NODE_TEST_CONTEXT: _, ...env } = { ...process.env, ...more };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const end = (): boolean => child.kill("SIGKILL");
  const outcomes = new Map<string, TestResult["outcome"]>();
  let timer = setTimeout(end, limitMs);
  createInterface(child.stdout).on("line", (line) => {
    const result = parseResult(line);
    if (result === undefined || !names.includes(result.name)) return;
    outcomes.set(result.name, result.outcome);
    if (outcomes.size < names.length) return;
    clearTimeout(timer);
    timer = setTimeout(end, cleanUpMs);
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2_000);
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
    // A process that it started may keep its output open.
    child.once("exit", () => setTimeout(resolve, CLEAN_UP_MS).unref());
  });
  clearTimeout(timer);
  child.stdout.destroy();
  child.stderr.destroy();
  return { outcomes, said };
}

function script(name: string): string {
  return new URL(name, import.meta.url).href;
}
