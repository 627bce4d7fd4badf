/**
 * Connected publish, 16-byte and 1-KiB payloads: Holdfast against nats.js on the same server, each in a process of its own, interleaved in shuffled order,
 * with Holdfast against itself as the control. Checked in every round: the server's own count of messages, and Holdfast's `counts()`; and once, with a subscriber, every
 * payload's number.
 */
import { connect } from "@nats-io/transport-node";
import { startNatsServer } from "holdfast/testing";
import type { PublishResult, PublishTask } from "./publish-side.ts";
import { Side } from "./shared/side.ts";
import { type Spread, shuffled, spread } from "./shared/statistics.ts";

export interface PublishRow {
  readonly bytes: number;
  readonly messages: number;
  readonly batch: number;
  readonly rounds: number;
  /** Messages a second, by side. */
  readonly rates: Readonly<Record<string, Spread>>;
  readonly cpuNs: Readonly<Record<string, Spread>>;
  /** Holdfast's rate by nats.js's and by its own second process, round by round. */
  readonly ratio: Spread;
  readonly control: Spread;
  readonly window: number | null;
}

const SIDES = ["holdfast", "nats.js", "holdfast (control)"] as const;

/** Runs the comparison. The first round of each side warms up and does not count. */
export async function publishRow(bytes: number, messages: number, batch: number, rounds: number): Promise<PublishRow> {
  await using server = await startNatsServer({ monitoring: true });
  const sides = SIDES.map((name) => new Side<PublishTask, PublishResult>(name, "publish-side.ts", [name, server.url]));
  const task = { messages, bytes, batch };
  const results = new Map<string, PublishResult[]>(SIDES.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const side of shuffled(sides)) {
      const before = Number((await server.varz()).in_msgs);
      const result = round === 0 ? await checked(server.url, side, task) : await side.do(task);
      const arrived = Number((await server.varz()).in_msgs) - before;
      if (arrived !== messages) throw new Error(`${side.name}: published ${messages}, the server counted ${arrived}`);
      if (round > 0) results.get(side.name)?.push(result);
    }
  }
  for (const side of sides) await side.end();
  const of = (name: string): PublishResult[] => results.get(name) ?? [];
  const rate = (name: string): number[] => of(name).map((result) => (messages / result.ms) * 1000);
  const pairs = (a: string, b: string): number[] => rate(a).map((value, i) => value / (rate(b)[i] ?? Number.NaN));
  return {
    bytes,
    messages,
    batch,
    rounds,
    rates: Object.fromEntries(SIDES.map((name) => [name, spread(rate(name))])),
    cpuNs: Object.fromEntries(SIDES.map((name) => [name, spread(of(name).map((result) => result.cpuNs))])),
    ratio: spread(pairs("holdfast", "nats.js")),
    control: spread(pairs("holdfast", "holdfast (control)")),
    window: of("holdfast").at(-1)?.window ?? null,
  };
}

/** One round with a subscriber that looks at every number. */
async function checked(url: string, side: Side<PublishTask, PublishResult>, task: PublishTask): Promise<PublishResult> {
  const nc = await connect({ servers: url });
  let next = 0;
  let wrong = 0;
  nc.subscribe("bench.publish", {
    callback: (_error, message) => {
      const { data } = message;
      if (new DataView(data.buffer, data.byteOffset).getUint32(0) !== next++ || data.length !== task.bytes) wrong++;
    },
  });
  await nc.flush();
  const result = await side.do(task);
  for (let waited = 0; next < task.messages && waited < 10_000; waited += 20) await new Promise((done) => setTimeout(done, 20));
  await nc.close();
  if (next !== task.messages || wrong > 0)
    throw new Error(`${side.name}: ${next} of ${task.messages} arrived, ${wrong} of them wrong`);
  return result;
}
