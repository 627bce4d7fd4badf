import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findOnPath, type Outcome, run } from "../shared/run.ts";
import { inWorkFolder, keepInCache } from "./cache.ts";
import type { Step } from "./step.ts";
import { askVersion } from "./version.ts";

const DOWNLOAD_LIMIT_MS = 5 * 60_000;

/** Fetches the distribution's package and unpacks it into the cache. Needs no root and installs nothing. */
export const fromDebian: Step = async ({ env, say }) => {
  const apt = findOnPath("apt-get", env);
  const dpkg = findOnPath("dpkg", env);
  if (apt === undefined || dpkg === undefined)
    return { reason: "no apt-get and dpkg on PATH (they would fetch Debian's package)" };
  say("Fetching the distribution's nats-server package into the cache.");
  return await inWorkFolder(env, async (folder) => {
    const downloaded = await download(apt, folder, env);
    if (!downloaded.ok) return { reason: `apt-get download nats-server ${downloaded.problem}` };
    const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
    if (archive === undefined) return { reason: "apt-get download nats-server left no package" };
    return await unpack(dpkg, folder, archive, env);
  });
};

async function download(apt: string, folder: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  // As root, apt would give up root's rights and then fail to write into root's cache.
  const common = ["-o", "APT::Sandbox::User=root"];
  const settings = { env, cwd: folder, timeoutMs: DOWNLOAD_LIMIT_MS };
  const first = await run(apt, [...common, "download", "nats-server"], settings);
  if (first.ok) return first;
  // The machine's package lists are missing or too old, and without root we may not renew them: use lists of our own.
  const lists = join(folder, "lists");
  const archives = join(folder, "archives");
  for (const part of [lists, archives]) mkdirSync(join(part, "partial"), { recursive: true });
  const own = [`Dir::State::lists=${lists}`, `Dir::Cache=${folder}`, `Dir::Cache::archives=${archives}`, "Debug::NoLocking=1"];
  const options = [...common, ...own.flatMap((option) => ["-o", option])];
  const updated = await run(apt, [...options, "update"], settings);
  return updated.ok ? await run(apt, [...options, "download", "nats-server"], settings) : updated;
}

async function unpack(dpkg: string, folder: string, archive: string, env: NodeJS.ProcessEnv): ReturnType<Step> {
  const unpacked = await run(dpkg, ["-x", archive, "unpacked"], { env, cwd: folder, timeoutMs: 60_000 });
  if (!unpacked.ok) return { reason: `dpkg -x ${archive} ${unpacked.problem}` };
  const places = ["usr/sbin/nats-server", "usr/bin/nats-server"].map((place) => join(folder, "unpacked", place));
  for (const binary of places) {
    const answer = await askVersion(binary, env);
    if (answer.ok) return { path: keepInCache(binary, answer.version, env), version: answer.version, source: "debian" };
  }
  return { reason: `${archive} has no nats-server that runs here` };
}
