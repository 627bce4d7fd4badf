import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import { npm } from "./npm.ts";

type Arch = "x64" | "arm64";

/** npm's packages that have the program of one platform each, with no script to run at the installation. */
const SOURCES = {
  node: { name: (arch: Arch) => `node-linux-${arch}`, path: "bin/node" },
  deno: { name: (arch: Arch) => `@deno/linux-${arch}-glibc`, path: "deno" },
  bun: { name: (arch: Arch) => (arch === "x64" ? "@oven/bun-linux-x64" : "@oven/bun-linux-aarch64"), path: "bin/bun" },
};

/** What runs JavaScript. */
export type RuntimeName = keyof typeof SOURCES;

/**
 * The program of a release of Node, Deno or Bun, from npm: some 50 MB to load and 100 MB on disk, once, in the user's cache beside the
 * nats-server. Undefined where there is none to be had (here we look for Linux alone).
 */
export async function runtimeRelease(runtime: RuntimeName, version: string): Promise<string | undefined> {
  const { arch, platform } = process;
  if (runtime === "node" && process.version === `v${version}`) return process.execPath;
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64")) return undefined;
  const folder = join(cacheRoot(), runtime, `${version}-linux-${arch}`);
  const program = join(folder, runtime);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  // On the same disk, so that a rename is enough: another process sees all of it or nothing.
  const work = mkdtempSync(join(folder, ".work-"));
  const { name, path } = SOURCES[runtime];
  try {
    const said = await npm(work, ["pack", `${name(arch)}@${version}`, "--silent"]);
    await promisify(execFile)("tar", ["-xzf", said.trim(), `package/${path}`], { cwd: work });
    renameSync(join(work, "package", path), program);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

function cacheRoot(): string {
  const configured = process.env.XDG_CACHE_HOME;
  // The XDG specification says to ignore a relative path.
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), ".cache");
  return join(base, "holdfast");
}
