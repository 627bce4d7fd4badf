import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * The nats-server program to run: `binary` if given, else the file that `NATS_SERVER` names, else `nats-server` on `PATH`.
 * Nothing is ever downloaded. Throws an error that says where it looked and how to get one.
 */
export function findNatsServer(binary?: string): string {
  if (binary !== undefined) return checked(binary, "the option `binary`");
  const named = process.env.NATS_SERVER;
  if (named !== undefined && named !== "") return checked(named, "the environment variable NATS_SERVER");
  const found = onPath(process.platform === "win32" ? "nats-server.exe" : "nats-server");
  if (found !== null) return found;
  throw new Error(
    "no nats-server found: the option `binary` is not given, the environment variable NATS_SERVER is not set, " +
      "and there is no nats-server on PATH. " +
      "Install one (https://docs.nats.io/running-a-nats-service/introduction/installation) or set NATS_SERVER to its path.",
  );
}

/**
 * Whether a server of version `version` has what came with `wanted`: `serverVersionAtLeast("2.10.3", "2.10.0")` is true. As in
 * semver a pre-release (`2.11.0-RC.1`) is older than its release; two pre-releases of one release count as equal. Throws a
 * `TypeError` when either is not `major.minor.patch`.
 */
export function serverVersionAtLeast(version: string, wanted: string): boolean {
  const have = parseVersion(version);
  const want = parseVersion(wanted);
  for (const [index, part] of want.entries()) {
    const own = have[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** Major, minor, patch, and 1 for a release or 0 for a pre-release. */
function parseVersion(text: string): readonly number[] {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.exec(text);
  if (parts === null) throw new TypeError(`"${text}" is not a server version: expected major.minor.patch, such as 2.10.0`);
  return [Number(parts[1]), Number(parts[2]), Number(parts[3]), parts[4] === undefined ? 1 : 0];
}

function checked(path: string, source: string): string {
  if (isProgram(path)) return path;
  throw new Error(`${source} names "${path}", which is not a program that can be run`);
}

function onPath(name: string): string | null {
  const directories = (process.env.PATH ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.map((directory) => join(directory, name)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
