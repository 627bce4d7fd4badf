/**
 * `node --conditions=source --import tsx bench/profile.ts [row] [peer]`: where the CPU time of a row goes, by default of connected publishing with Holdfast. Prints the functions
 * with the most time of their own; the profile itself stays in a temporary directory for Chrome's DevTools.
 */
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import { obtainPeers, type PeerName } from "./peers/peers.ts";
import { ROWS } from "./rows.ts";
import { measure } from "./shared/measure.ts";

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const ROUNDS = 15;
const FUNCTIONS = 15;

const [name = "publish-16", peer = "holdfast"] = process.argv.slice(2);
const row = ROWS.find((each) => each.name === name);
if (row === undefined) throw new Error(`no row ${name}`);
process.env.NATS_SERVER = (await obtainNatsServer()).path;
const peers = await obtainPeers({ wanted: new Set(["nats.go"]), slowBuilds: false, against: undefined });
const directory = mkdtempSync(join(tmpdir(), "holdfast-profile-"));
{
  const profiling = ["--cpu-prof", "--cpu-prof-interval=200", `--cpu-prof-dir=${directory}`];
  const found = new Map(
    [...peers.found].map(([key, { command, ...rest }]) => [
      key,
      {
        ...rest,
        command: (setup: Parameters<typeof command>[0]) => {
          const { program, args } = command(setup);
          return { program, args: key === peer ? [...profiling, ...args] : args };
        },
      },
    ]),
  );
  await using rig = await row.rig(peers);
  const contestant = { name: peer, peer: peer as PeerName, ...(peer === "holdfast" ? row.ours : {}) };
  const plan = { task: row.task, contestants: [contestant], rounds: ROUNDS, cold: row.cold === true, value: () => 0 };
  await measure(rig, plan, { ...peers, found });
}

const files = readdirSync(directory).map((file) => join(directory, file));
// tsx compiles in a worker thread, which has a profile of its own: the larger one is the program's.
const texts = files.map((file) => readFileSync(file, "utf8")).toSorted((a, b) => b.length - a.length);
const profile: Profile = JSON.parse(texts[0] ?? "{}");
const own = new Map<string, number>();
const names = new Map(
  profile.nodes.map(({ id, callFrame }) => [
    id,
    `${callFrame.functionName || "(anonymous)"} ${callFrame.url.split(/\/(?:src|holdfast-bench-[^/]*)\//).at(-1)}`,
  ]),
);
for (const [i, id] of profile.samples.entries()) {
  const key = names.get(id) ?? "";
  if (!key.startsWith("(idle)")) own.set(key, (own.get(key) ?? 0) + (profile.timeDeltas[i] ?? 0));
}
const total = [...own.values()].reduce((sum, value) => sum + value, 0);
const top = [...own].toSorted((a, b) => b[1] - a[1]).slice(0, FUNCTIONS);
for (const [key, value] of top) process.stdout.write(`${((100 * value) / total).toFixed(1).padStart(5)} %  ${key}\n`);
process.stdout.write(`${files.join("\n")}\n`);
