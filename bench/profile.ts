/**
 * `node --conditions=source --import tsx bench/profile.ts [client] [payload bytes]`: where the CPU time of connected publishing goes. Prints the ten functions with the most
 * time of their own; the profile itself stays in a temporary directory for Chrome's DevTools.
 */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNatsServer } from "holdfast/testing";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import type { PublishResult, PublishTask } from "./publish-side.ts";
import { Side } from "./shared/side.ts";

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const [name = "holdfast", bytes = "16"] = process.argv.slice(2);
process.env.NATS_SERVER = (await obtainNatsServer()).path;
const directory = mkdtempSync(join(tmpdir(), "holdfast-profile-"));
{
  await using server = await startNatsServer();
  const profiling = ["--cpu-prof", "--cpu-prof-interval=200", `--cpu-prof-dir=${directory}`];
  const side = new Side<PublishTask, PublishResult>(name, "publish-side.ts", [name, server.url], profiling);
  for (let round = 0; round < 20; round++) await side.do({ messages: 400_000, bytes: Number(bytes), batch: 4096 });
  await side.end();
}

const files = readdirSync(directory).map((file) => join(directory, file));
// tsx compiles in a worker thread, which has a profile of its own: the larger one is the program's.
const texts = files.map((file) => readFileSync(file, "utf8")).toSorted((a, b) => b.length - a.length);
const profile: Profile = JSON.parse(texts[0] ?? "{}");
const own = new Map<string, number>();
const names = new Map(
  profile.nodes.map(({ id, callFrame }) => [
    id,
    `${callFrame.functionName || "(anonymous)"} ${callFrame.url.split("/src/").at(-1)}`,
  ]),
);
for (const [i, id] of profile.samples.entries()) {
  const key = names.get(id) ?? "";
  if (!key.startsWith("(idle)")) own.set(key, (own.get(key) ?? 0) + (profile.timeDeltas[i] ?? 0));
}
const total = [...own.values()].reduce((sum, value) => sum + value, 0);
const top = [...own].toSorted((a, b) => b[1] - a[1]).slice(0, 10);
for (const [key, value] of top) process.stdout.write(`${((100 * value) / total).toFixed(1).padStart(5)} %  ${key}\n`);
process.stdout.write(`${files.join("\n")}\n`);
