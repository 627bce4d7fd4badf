import type { HoldfastOptions } from "holdfast";
import { type BenchConnection, connectClient } from "./clients.ts";
import type { FromWorker, Round, RoundLimit, Task } from "./messages.ts";

/** One task of a worker: rounds, one after the other. */
export interface Job {
  round(limit: RoundLimit): Promise<Round>;
  /** The round that runs has so many messages. Only of subscribers. */
  published?(messages: number): void;
  close(): Promise<void>;
}

/** What a job needs of its process. */
export interface JobTools {
  tell(message: FromWorker): void;
  readonly feed: Feed;
}

/** How often the program hears how far a round is. */
const progressMs = 20;

/** As many connections as the task asks for. */
export function connectAll(task: Task, extra: HoldfastOptions): Promise<BenchConnection[]> {
  // Without a limit on attempts neither client gives up within an outage of the server.
  const shared = { maxReconnectAttempts: -1 };
  return Promise.all(Array.from({ length: task.clients }, () => connectClient(task.connect, shared, extra)));
}

export async function closeAll(connections: readonly BenchConnection[]): Promise<void> {
  await Promise.all(connections.map(({ nc }) => nc.close()));
}

/** Runs a round: tells how far it is while it runs, and what it cost. `done` is read now and then. */
export async function timedRound(
  tools: JobTools,
  done: () => number,
  run: () => Promise<Omit<Round, "ms" | "cpuMs"> & { readonly ms?: number }>,
): Promise<Round> {
  const timer = setInterval(() => tools.tell({ type: "progress", done: done() }), progressMs);
  const cpu = process.cpuUsage();
  const begin = performance.now();
  try {
    const result = await run();
    const ms = performance.now() - begin;
    const { user, system } = process.cpuUsage(cpu);
    return { ms, cpuMs: (user + system) / 1000, ...result };
  } finally {
    clearInterval(timer);
  }
}

/** `total` in `parts` that differ by one at most. */
export function shares(total: number, parts: number): number[] {
  if (total === Number.POSITIVE_INFINITY) return Array.from({ length: parts }, () => total);
  return Array.from({ length: parts }, (_, i) => Math.floor(total / parts) + (i < total % parts ? 1 : 0));
}

/**
 * How far a publisher may go ahead of its receivers. A server that holds more for a subscriber than its `max_pending` cuts that one off,
 * so the program says what was received.
 */
export class Feed {
  #allowed = 0;
  #wake: () => void = () => {};

  /** A new round. */
  reset(): void {
    this.#allowed = 0;
  }

  allow(upTo: number): void {
    this.#allowed = Math.max(this.#allowed, upTo);
    this.#wake();
  }

  /** Resolves when message `number` may be published. */
  async room(number: number): Promise<void> {
    while (number >= this.#allowed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
