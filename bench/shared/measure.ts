import type { PeerName, Peers } from "../peers/peers.ts";
import type { Rig, TaskSide } from "../rigs/rig.ts";
import { Side } from "./side.ts";
import { type Spread, shuffled, spread } from "./statistics.ts";
import type { Answer, Setup, Task } from "./tasks.ts";

/** One who takes part in a row. */
export interface Contestant {
  /** In the results; "holdfast" is whom the ratios are of. */
  readonly name: string;
  readonly peer: PeerName;
  /** Node only: options of `connect()`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** In place of the row's. */
  readonly task?: Task;
}

/** What to run. */
export interface Plan {
  readonly task: Task;
  readonly contestants: readonly Contestant[];
  /** That count; one more comes before them and warms up. */
  readonly rounds: number;
  /** A process of its own for each round: what has grown warm would hide what is taken. */
  readonly cold: boolean;
  /** When the sides have taken so long, no round follows the third that counts. */
  readonly budgetMs?: number;
  value(answer: Answer, task: Task): number;
}

/** What one side did. */
export interface SideResult {
  readonly value: Spread;
  readonly cpuNs: Spread;
  readonly p99Us?: Spread;
  readonly window?: number;
  /** Holdfast's value by this side's, round by round. */
  readonly ratio: Spread;
}

interface Running {
  readonly contestant: Contestant;
  readonly setup: Setup;
  readonly task: Task;
  /** None where each round has a process of its own; such a side is not checked before, but says itself what it holds. */
  readonly side: TaskSide | undefined;
  readonly answers: Answer[];
}

/** Runs the sides of a row, each in a process of its own, round by round in an order that chance makes. Rejects when a side fails or a message is missing. */
export async function measure(rig: Rig, plan: Plan, { found }: Peers): Promise<Record<string, SideResult>> {
  const start = ({ name, peer }: Contestant, setup: Setup): TaskSide => {
    const program = found.get(peer);
    if (program === undefined) throw new Error(`no peer ${peer}`);
    return new Side(name, program.command(setup));
  };
  const running: Running[] = [];
  try {
    for (const contestant of plan.contestants) {
      const setup = { ...(await rig.setup()), ...(contestant.options === undefined ? {} : { options: contestant.options }) };
      const side = plan.cold ? undefined : start(contestant, setup);
      running.push({ contestant, setup, task: contestant.task ?? plan.task, side, answers: [] });
    }
    for (const { contestant, setup, task, side } of running) {
      if (side !== undefined) await rig.check(side, task, setup, (other) => start(contestant, { ...setup, ...other }));
    }
    const begun = performance.now();
    for (let round = plan.cold ? 1 : 0; round <= plan.rounds; round++) {
      if (round > 3 && performance.now() - begun > (plan.budgetMs ?? Infinity)) break;
      for (const { contestant, setup, task, side, answers } of shuffled(running)) {
        const answer =
          side === undefined ? await once(start(contestant, setup), rig, task, setup) : await rig.round(side, task, setup);
        if (round > 0) answers.push(answer);
      }
    }
    for (const { side } of running) await side?.end();
  } finally {
    for (const { side } of running) await side?.kill();
  }
  const values = running.map(({ task, answers }) => answers.map((answer) => plan.value(answer, task)));
  const ours = values[0] ?? [];
  return Object.fromEntries(
    running.map(({ contestant, answers }, i) => [contestant.name, resultOf(answers, values[i] ?? [], ours)]),
  );
}

async function once(side: TaskSide, rig: Rig, task: Task, setup: Setup): Promise<Answer> {
  try {
    const answer = await rig.round(side, task, setup);
    await side.end();
    return answer;
  } finally {
    await side.kill();
  }
}

function resultOf(answers: readonly Answer[], values: readonly number[], ours: readonly number[]): SideResult {
  const p99Us = answers.flatMap((answer) => answer.p99Us ?? []);
  const window = answers.at(-1)?.window;
  return {
    value: spread(values),
    cpuNs: spread(answers.map((answer) => answer.cpuNs)),
    ratio: spread(ours.map((value, round) => value / (values[round] ?? Number.NaN))),
    ...(p99Us.length === 0 ? {} : { p99Us: spread(p99Us) }),
    ...(window === undefined ? {} : { window }),
  };
}
