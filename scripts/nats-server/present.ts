import { resolve } from "node:path";
import { findOnPath, isExecutable } from "../shared/run.ts";
import { cachedServer, cachedServers } from "./cache.ts";
import type { NatsServerBinary, Step } from "./step.ts";
import { askVersion, atLeast, ENOUGH, PINNED, type WANTED } from "./version.ts";

/**
 * `$NATS_SERVER`: a path, or the name of a program on `PATH`; undefined when it is not set. Who sets it wants that server, so one that
 * does not run is an error.
 */
export async function fromEnvironment(env: NodeJS.ProcessEnv): Promise<NatsServerBinary | undefined> {
  const given = env.NATS_SERVER ?? "";
  if (given === "") return undefined;
  const path = /[\\/]/.test(given) ? resolve(given) : findOnPath(given, env);
  if (path === undefined || !isExecutable(path)) throw new Error(`NATS_SERVER is ${given}: there is no such program.`);
  const answer = await askVersion(path, env);
  if (!answer.ok) throw new Error(`NATS_SERVER is ${given}: ${answer.problem}`);
  return { path, version: answer.version, source: "environment" };
}

/** The pinned release in the cache. */
export const pinnedFromCache: Step = async ({ env, say }) => {
  const path = cachedServer(PINNED, env);
  if (!isExecutable(path)) return { reason: `no ${path}` };
  const answer = await askVersion(path, env);
  if (answer.ok && answer.version === PINNED) return { path, version: PINNED, source: "cache" };
  const problem = answer.ok ? `${path} is ${answer.version}` : answer.problem;
  say(`The cached server is of no use: ${problem}`);
  return { reason: problem };
};

/** A server on `PATH` that is `floor` or newer. */
export function fromPath(floor: typeof WANTED | typeof ENOUGH): Step {
  return async ({ env }) => {
    const path = findOnPath("nats-server", env);
    if (path === undefined) return { reason: "no nats-server on PATH" };
    const answer = await askVersion(path, env);
    if (!answer.ok) return { reason: answer.problem };
    if (!atLeast(answer.version, floor)) return { reason: `${path} is ${answer.version}, older than ${floor}` };
    return { path, version: answer.version, source: "path" };
  };
}

/** The newest of the other servers in the cache: one that Debian's package left there, or an earlier pinned release. */
export const anyFromCache: Step = async ({ env }) => {
  const servers: NatsServerBinary[] = [];
  for (const path of cachedServers(env)) {
    const answer = await askVersion(path, env);
    if (answer.ok && atLeast(answer.version, ENOUGH)) servers.push({ path, version: answer.version, source: "cache" });
  }
  servers.sort((a, b) => (atLeast(a.version, b.version) ? -1 : 1));
  return servers[0] ?? { reason: "no other server in the cache" };
};
