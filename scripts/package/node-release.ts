import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { npm } from "./npm.ts";

/**
 * The program of a release of Node, from npm: some 40 MB to load and 100 MB on disk, once, in the user's cache beside the nats-server.
 * Undefined where there is none to be had (npm has them for Linux alone).
 */
export async function nodeRelease(version: string): Promise<string | undefined> {
  if (process.version === `v${version}`) return process.execPath;
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) return undefined;
  const folder = join(cacheRoot(), `${version}-linux-${process.arch}`);
  const program = join(folder, "node");
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  // On the same disk, so that a rename is enough: another process sees all of it or nothing.
  const work = mkdtempSync(join(folder, ".work-"));
  try {
    const said = await npm(work, ["pack", `node-linux-${process.arch}@${version}`, "--silent"]);
    await promisify(execFile)("tar", ["-xzf", said.trim(), "package/bin/node"], { cwd: work });
    renameSync(join(work, "package/bin/node"), program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

function cacheRoot(): string {
  const configured = process.env.XDG_CACHE_HOME;
  // The XDG specification says to ignore a relative path.
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), ".cache");
  return join(base, "holdfast", "node");
}
