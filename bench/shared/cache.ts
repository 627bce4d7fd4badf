import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The folder where compiled libraries and peers are kept; made if it is not there. Not in `node_modules`: `npm ci` would delete it. */
export function benchCache(env: NodeJS.ProcessEnv = process.env): string {
  const configured = env.XDG_CACHE_HOME;
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), ".cache");
  const folder = join(base, "holdfast", "bench");
  mkdirSync(folder, { recursive: true });
  return folder;
}
