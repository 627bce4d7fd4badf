/**
 * Makes sure that no child process and no temporary directory outlives this process, however it ends.
 *
 * An `exit` listener does not run when the process is killed by a signal, and installing signal handlers in a user's process
 * would change how it ends. So a small shell waits on a pipe that only we hold: the kernel closes it when we are gone, also after
 * SIGKILL. One shell serves all children of the process and ends with the last of them. Windows has no such shell: there only
 * `exit` helps.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What exists while anything is guarded. */
interface Room {
  /** Parent of every temporary directory we hand out. */
  readonly root: string;
  readonly pids: Set<number>;
  readonly directories: Set<string>;
  /** Tells the watching shell which processes to end when we are gone. */
  announce(pids: ReadonlySet<number>): void;
  close(): void;
}

/** Each line on standard input is the whole list of processes to end. At the end of input we are gone. */
const watchScript = `
last=
while IFS= read -r line; do last=$line; done
for pid in $last; do kill -9 "$pid" 2>/dev/null; done
rm -rf -- "$1" 2>/dev/null || { sleep 1; rm -rf -- "$1"; }
`;

let room: Room | null = null;

/**
 * From now until the returned function is called, this process is killed (SIGKILL) when we end. Call it when the child has
 * exited.
 */
export function guardProcess(pid: number): () => void {
  const guarding = enterRoom();
  guarding.pids.add(pid);
  guarding.announce(guarding.pids);
  return () => {
    if (!guarding.pids.delete(pid)) return;
    guarding.announce(guarding.pids);
    leaveRoom(guarding);
  };
}

/** A temporary directory that is gone at the latest when this process is. */
export interface ScratchDirectory {
  readonly path: string;
  /** Removes the directory with all it holds. */
  remove(): void;
}

/** Makes a new temporary directory whose name begins with `prefix`. */
export function makeScratchDirectory(prefix: string): ScratchDirectory {
  const guarding = enterRoom();
  const path = mkdtempSync(join(guarding.root, prefix));
  guarding.directories.add(path);
  return {
    path,
    remove: () => {
      if (!guarding.directories.delete(path)) return;
      // Retries: on Windows a file can stay locked for a moment after the process that had it open ended.
      rmSync(path, { recursive: true, force: true, maxRetries: 10 });
      leaveRoom(guarding);
    },
  };
}

function enterRoom(): Room {
  room ??= openRoom();
  return room;
}

function leaveRoom(left: Room): void {
  if (left.pids.size > 0 || left.directories.size > 0) return;
  if (room === left) room = null;
  left.close();
}

function openRoom(): Room {
  const root = mkdtempSync(join(tmpdir(), "holdfast-testing-"));
  const pids = new Set<number>();
  const watcher = startWatcher(root);
  const onExit = (): void => {
    for (const pid of pids) killQuietly(pid);
    rmSync(root, { recursive: true, force: true });
  };
  process.once("exit", onExit);
  return {
    root,
    pids,
    directories: new Set(),
    announce: watcher.announce,
    close: () => {
      process.off("exit", onExit);
      rmSync(root, { recursive: true, force: true });
      watcher.end();
    },
  };
}

function startWatcher(root: string): { announce(pids: ReadonlySet<number>): void; end(): void } {
  if (process.platform === "win32") return { announce: () => {}, end: () => {} };
  // A process group of its own: Ctrl-C in the terminal must not reach it.
  const shell = spawn("/bin/sh", ["-c", watchScript, "holdfast-watcher", root], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  // Without a shell there is less safety, but nothing the test can do about it: `exit` remains.
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  if (shell.stdin instanceof Socket) shell.stdin.unref();
  return {
    announce: (pids) => void shell.stdin.write(`${[...pids].join(" ")}\n`),
    end: () => void shell.stdin.end(),
  };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
