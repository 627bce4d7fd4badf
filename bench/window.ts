/**
 * `node --conditions=source --import tsx bench/window.ts [rounds]`: what window, fences and retention cost a connected publisher. Four sides on one server, each in a process of its
 * own, round by round in shuffled order: Holdfast as it is, the same again as the control, without the window, and without fences and retention. The server's own count of
 * messages is checked in every round. For docs/WINDOW.md.
 */
import { type NatsServer, startNatsServer } from "holdfast/testing";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import { nodeCommand, Side } from "./shared/side.ts";
import { type Spread, shuffled, spread } from "./shared/statistics.ts";
import { Variant, withoutFences, withoutWindow } from "./shared/variant.ts";
import type { WindowResult, WindowTask } from "./window-side.ts";

type WindowSide = Side<WindowTask, WindowResult>;

const MIB = 1024 * 1024;
const ON = "window on";
const CONTROL = "window on (control)";
const OFF = "window off, fences and retention on";
const NONE = "no fence, nothing retained";
const VARIANTS = [
  { name: ON, patches: [], maxInFlight: 8 * MIB },
  { name: CONTROL, patches: [], maxInFlight: 8 * MIB },
  { name: OFF, patches: withoutWindow, maxInFlight: 1024 * MIB },
  { name: NONE, patches: withoutFences, maxInFlight: 1024 * MIB },
];
const PAIRS: readonly (readonly [string, string])[] = [
  [ON, CONTROL],
  [ON, OFF],
  [ON, NONE],
  [OFF, NONE],
];

process.env.NATS_SERVER = (await obtainNatsServer()).path;
const rounds = Number(process.argv[2] ?? 9);
await using server = await startNatsServer({ monitoring: true });
const sides = VARIANTS.map(({ name, patches, maxInFlight }): WindowSide => {
  const { entry } = new Variant(patches);
  return new Side(name, nodeCommand("window-side.ts", [name, entry, String(maxInFlight), server.url]));
});
for (const [bytes, messages, batch] of [
  [16, 1_500_000, 10_000],
  [16, 1_000_000, 4096],
  [16, 2_000_000, 1000],
  [1024, 300_000, 4096],
  [1024, 400_000, 500],
] as const) {
  const results = await compare(server, { kind: "publish", messages, bytes, batch });
  print(`${bytes} B, ${batch} a turn, M/s`, results, ({ ms }) => messages / ms / 1000);
}
const trips = await compare(server, { kind: "roundTrip", times: 3000 });
print("p50 of a publish and flush, µs", trips, ({ ms }) => ms * 1000);
for (const side of sides) await side.end();

/** The results of each side, round by round. The first round warms up and does not count. */
async function compare(at: NatsServer, task: WindowTask): Promise<Map<string, WindowResult[]>> {
  const wanted = task.kind === "publish" ? task.messages : task.times;
  const results = new Map<string, WindowResult[]>(sides.map((side) => [side.name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const side of shuffled(sides)) {
      const before = Number((await at.varz()).in_msgs);
      const result = await side.do(task);
      const arrived = Number((await at.varz()).in_msgs) - before;
      if (arrived !== wanted) throw new Error(`${side.name}: published ${wanted}, the server counted ${arrived}`);
      if (round > 0) results.get(side.name)?.push(result);
    }
  }
  return results;
}

function print(
  title: string,
  results: ReadonlyMap<string, readonly WindowResult[]>,
  value: (result: WindowResult) => number,
): void {
  console.log(`\n${title}`);
  const values = (name: string): number[] => (results.get(name) ?? []).map(value);
  for (const [name, all] of results) {
    const cpu = spread(all.map((result) => result.cpuNs)).median.toFixed(0);
    console.log(
      `  ${name}: ${text(spread(values(name)))}; CPU ${cpu} ns a message; window ${(all.at(-1)?.window ?? 0) / 1024} KiB`,
    );
  }
  for (const [a, b] of PAIRS) {
    const other = values(b);
    console.log(`  ${a} / ${b}: ${text(spread(values(a).map((each, i) => each / (other[i] ?? Number.NaN))))}`);
  }
}

function text({ median, quarter, threeQuarters }: Spread): string {
  return `${median.toFixed(3)} (${quarter.toFixed(3)}–${threeQuarters.toFixed(3)})`;
}
