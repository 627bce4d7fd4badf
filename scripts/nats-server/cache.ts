import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { executableName, isExecutable } from "../shared/run.ts";

/** What we run on: the folders of the cache carry it, since a home directory may be shared by machines of several kinds. */
const PLATFORM: string = `${process.platform}-${process.arch}`;

/** Where servers are kept. Not in `node_modules`: `npm ci` would delete it every time. */
function cacheRoot(env: NodeJS.ProcessEnv): string {
  const configured = env.XDG_CACHE_HOME;
  // The XDG specification says to ignore a relative path.
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), ".cache");
  return join(base, "holdfast", "nats-server");
}

/** Where the server of this version is, or will be. */
export function cachedServer(version: string, env: NodeJS.ProcessEnv): string {
  return join(cacheRoot(env), `${version}-${PLATFORM}`, executableName("nats-server"));
}

/** The servers in the cache that are made for this platform, as paths, in no order. */
export function cachedServers(env: NodeJS.ProcessEnv): string[] {
  try {
    return readdirSync(cacheRoot(env))
      .filter((folder) => folder.endsWith(`-${PLATFORM}`))
      .map((folder) => join(cacheRoot(env), folder, executableName("nats-server")))
      .filter(isExecutable);
  } catch {
    return []; // No cache yet.
  }
}

/** Runs `work` in a new folder beside the cached servers (same disk, so that a rename is enough), and removes the folder. */
export async function inWorkFolder<T>(env: NodeJS.ProcessEnv, work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(cacheRoot(env), { recursive: true });
  const folder = mkdtempSync(join(cacheRoot(env), ".work-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Moves a finished binary to its place in the cache, in one step: another process sees all of it or nothing. Returns the new path. */
export function keepInCache(binary: string, version: string, env: NodeJS.ProcessEnv): string {
  const place = cachedServer(version, env);
  mkdirSync(join(place, ".."), { recursive: true });
  try {
    renameSync(binary, place);
  } catch (error) {
    // Windows refuses to replace a program that runs: then another process was faster, and its copy is as good.
    if (!isExecutable(place)) throw error;
  }
  return place;
}
