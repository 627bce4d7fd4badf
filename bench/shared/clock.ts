import { performance } from "node:perf_hooks";
import type { Answer } from "./tasks.ts";

/** Wall and CPU time of this process, from its making on. */
export class Clock {
  readonly #cpu = process.cpuUsage();
  readonly #start = performance.now();

  stop(messages: number): Answer {
    const ms = performance.now() - this.#start;
    const { user, system } = process.cpuUsage(this.#cpu);
    return { ms, cpuNs: ((user + system) * 1000) / messages };
  }
}

/** The answer with median and 99th percentile of what the operations took, in milliseconds. */
export function withTimes(answer: Answer, tookMs: readonly number[]): Answer {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 1000;
  return { ...answer, p50Us: at(0.5), p99Us: at(0.99) };
}
