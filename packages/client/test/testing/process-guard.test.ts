import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const module = fileURLToPath(new URL("../../src/testing/nats-server.ts", import.meta.url));

/** A program that starts a server, says its process id, and then does `then`. Its temporary files go to `temporary`. */
async function programWithServer(temporary: string, then: string): Promise<{ child: ChildProcess; pid: number }> {
  const code = `
    const exitListeners = process.listenerCount("exit");
    const { startNatsServer } = await import(${JSON.stringify(module)});
    const server = await startNatsServer({ jetStream: true });
    console.log(server.pid);
    ${then}`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", code], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) return { child, pid: Number(line) };
  throw new Error("the program ended without starting a server");
}

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function leftovers(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith("holdfast-testing-"));
}

for (const [how, then, kill] of [
  ["ends without stopping its server", "", undefined],
  ["calls process.exit()", "process.exit(3);", undefined],
  [
    "fails with an exception",
    "process.removeAllListeners('warning'); process.exitCode = 1; await server.freeze(); process.exit();",
    undefined,
  ],
  ["is killed by SIGTERM", "setInterval(() => {}, 1000);", "SIGTERM"],
  ["is killed by SIGKILL", "setInterval(() => {}, 1000);", "SIGKILL"],
] as const) {
  test(`no server and no directory outlives a program that ${how}`, {
    skip: process.platform !== "linux" && "needs /proc",
  }, async (context) => {
    const temporary = mkdtempSync(join(tmpdir(), "holdfast-guard-test-"));
    context.after(() => rmSync(temporary, { recursive: true, force: true }));
    const { child, pid } = await programWithServer(temporary, then);
    assert.ok(pid > 0);
    const ended = child.exitCode !== null ? Promise.resolve() : new Promise((resolve) => child.once("exit", resolve));
    if (kill !== undefined) child.kill(kill);
    await ended;
    // The watching shell acts a moment after the program is gone.
    while (isRunning(pid) || leftovers(temporary).length > 0) await sleep(10);
  });
}

test("a program that has stopped its servers is left with nothing that keeps it alive or listens", async (context) => {
  const temporary = mkdtempSync(join(tmpdir(), "holdfast-guard-test-"));
  context.after(() => rmSync(temporary, { recursive: true, force: true }));
  const { child } = await programWithServer(
    temporary,
    `await server.stop();
     // The watching shell ends a moment after it was told to.
     const own = ["TTYWrap", "PipeWrap", "Immediate"];
     const left = () => process.getActiveResourcesInfo().filter((name) => !own.includes(name));
     while (left().length > 0) await new Promise((resolve) => setImmediate(resolve));
     if (process.listenerCount("exit") !== exitListeners) process.exitCode = 9;`,
  );
  const code = child.exitCode ?? (await new Promise((resolve) => child.once("exit", resolve)));
  assert.equal(code, 0);
  assert.ok(existsSync(temporary));
  assert.deepEqual(leftovers(temporary), []);
});
