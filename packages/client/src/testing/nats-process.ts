import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { guardProcess } from "./process-guard.ts";
import type { ServerLog } from "./server-log.ts";

/** What to run and how to recognise that it runs. */
export interface LaunchPlan {
  readonly binary: string;
  readonly args: readonly string[];
  readonly host: string;
  readonly port: number;
  /** The `server_name` that INFO must carry: on a port taken by another server it is that one that answers. */
  readonly name: string;
  readonly log: ServerLog;
  readonly timeoutMs: number;
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One running nats-server process. */
export interface ServerProcess {
  readonly pid: number;
  readonly version: string;
  /** Resolves when the process has ended and all it printed is in the log. */
  readonly exited: Promise<ProcessExit>;
  /** The same, and keeps this process alive until then: a running server alone does not. */
  waitForExit(): Promise<ProcessExit>;
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts the server. Resolves when it accepts connections; rejects, with its last log lines and no process left, when it cannot.
 */
export async function launch(plan: LaunchPlan): Promise<ServerProcess> {
  const child = spawn(plan.binary, plan.args, {
    // A process group of its own: Ctrl-C in the terminal is for the test to handle, not for its server.
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const exited = follow(child, plan.log);
  const { pid } = child;
  if (pid === undefined) {
    const { reason } = await exited;
    throw new Error(`nats-server (${plan.binary}) could not be started`, { cause: reason });
  }
  const release = guardProcess(pid);
  const gone = exited.then((exit) => {
    release();
    return exit;
  });
  const version = await whenReady(plan, gone);
  const waitForExit = (): Promise<ProcessExit> => {
    keepLoopAlive(child, true);
    return gone;
  };
  if (version !== null) return { pid, version, exited: gone, waitForExit, signal: (name) => void child.kill(name) };
  child.kill("SIGKILL");
  const { code, signal } = await waitForExit();
  const end = signal === "SIGKILL" ? `did not accept connections within ${plan.timeoutMs} ms` : `ended with code ${code}`;
  throw new Error(`nats-server (${plan.binary} ${plan.args.join(" ")}) ${end}; its last log lines:\n${plan.log.tail()}`);
}

/** Resolves as soon as the kernel has stopped the process: SIGSTOP is delivered a moment after `kill()` returns. */
export async function whenFrozen(pid: number): Promise<void> {
  if (process.platform !== "linux") return;
  const end = performance.now() + 5_000;
  while (performance.now() < end) {
    // The state letter follows the program name, which stands in parentheses.
    if (/\) [Tt] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) return;
    await nextTurn();
  }
  throw new Error(`process ${pid} did not stop within 5 s of SIGSTOP`);
}

function follow(child: ChildProcess, log: ServerLog): Promise<ProcessExit & { readonly reason?: Error }> {
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", log.source());
  // A server that is running does not keep the test process alive; those who wait for it do.
  keepLoopAlive(child, false);
  return new Promise((resolve) => {
    child.once("error", (reason) => resolve({ code: null, signal: null, reason }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

/** 'close' waits for the end of the output too, so its pipes count as much as the process. */
function keepLoopAlive(child: ChildProcess, hold: boolean): void {
  if (hold) child.ref();
  else child.unref();
  for (const stream of [child.stdout, child.stderr]) {
    if (!(stream instanceof Socket)) continue;
    if (hold) stream.ref();
    else stream.unref();
  }
}

/** The server's version once it accepts connections; `null` if it ended or the time is over. */
async function whenReady(plan: LaunchPlan, gone: Promise<ProcessExit>): Promise<string | null> {
  let ended = false;
  const end = gone.then(() => {
    ended = true;
  });
  const deadline = performance.now() + plan.timeoutMs;
  while (!ended && performance.now() < deadline) {
    const version = await Promise.race([firstInfo(plan), end]);
    if (typeof version === "string") return version;
    await Promise.race([sleep(5), end]);
  }
  return null;
}

/** Dials once and reads INFO. `null` when nobody listens yet, or another server does. */
function firstInfo(plan: LaunchPlan): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: plan.host, port: plan.port });
    let received = "";
    // With `handshake_first` a server waits for TLS and sends no INFO: then its log has to do.
    const patience = setTimeout(() => {
      const version = /Version:\s+(\S+)/.exec(plan.log.text())?.[1];
      done(plan.log.text().includes("Server is ready") && version !== undefined ? version : null);
    }, 250);
    const done = (version: string | null): void => {
      clearTimeout(patience);
      socket.destroy();
      resolve(version);
    };
    socket.setEncoding("latin1");
    socket.on("error", () => done(null));
    socket.on("close", () => done(null));
    socket.on("data", (text: string) => {
      received += text;
      const line = /^INFO (.*)\r\n/.exec(received);
      if (line !== null) done(versionOf(line[1] ?? "", plan.name));
    });
  });
}

function versionOf(infoJson: string, name: string): string | null {
  let info: unknown;
  try {
    info = JSON.parse(infoJson);
  } catch {
    return null;
  }
  if (typeof info !== "object" || info === null || !("server_name" in info) || info.server_name !== name) return null;
  return "version" in info && typeof info.version === "string" ? info.version : null;
}
