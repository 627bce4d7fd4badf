import { oneLine } from "../demo/time-limit.ts";
import type { BenchConnection } from "./clients.ts";
import { LatencyHistogram } from "./histogram.ts";
import { closeAll, connectAll, type Job, type JobTools, shares, timedRound } from "./job.ts";
import { headersFor } from "./job-pub.ts";
import type { Round, RoundLimit, TaskOf } from "./messages.ts";

/** Who gets so many failures has seen enough: nobody waits for a hundred thousand timeouts. */
const mostFailures = 1_000;

/** Requests, so many at a time on each connection. */
export async function reqJob(task: TaskOf<"req">, tools: JobTools): Promise<Job> {
  const connections = await connectAll(task, {});
  return {
    round: async (limit) => {
      const asking = new Asking(task, limit);
      return await timedRound(
        tools,
        () => asking.done,
        async () => await asking.run(connections),
      );
    },
    close: () => closeAll(connections),
  };
}

/** Answers with what was asked. */
export async function respondJob(task: TaskOf<"respond">, tools: JobTools): Promise<Job> {
  const connections = await connectAll(task, {});
  for (const { nc } of connections) {
    nc.subscribe(task.subject, {
      queue: "holdfast-bench",
      callback: (error, msg) => {
        if (error === null) msg.respond(msg.data);
        else tools.tell({ type: "failed", reason: oneLine(error) });
      },
    });
    await nc.flush();
  }
  return {
    round: () => Promise.reject(new Error("a responder has no rounds")),
    close: () => closeAll(connections),
  };
}

class Asking {
  readonly #task: TaskOf<"req">;
  readonly #limit: RoundLimit;
  readonly #latencies = new LatencyHistogram();
  readonly #failures: Record<string, number> = {};
  #asked = 0;
  #failed = 0;

  constructor(task: TaskOf<"req">, limit: RoundLimit) {
    this.#task = task;
    this.#limit = limit;
  }

  get done(): number {
    return this.#latencies.count;
  }

  async run(connections: readonly BenchConnection[]): Promise<Omit<Round, "ms" | "cpuMs">> {
    const { messages, ms } = this.#limit;
    const parts = shares(messages, connections.length);
    const end = performance.now() + ms;
    await Promise.all(connections.map((connection, i) => this.#ask(connection, parts[i] ?? 0, end)));
    return { messages: this.#asked, done: this.done, failures: this.#failures, latencies: this.#latencies.toJson() };
  }

  async #ask(connection: BenchConnection, messages: number, end: number): Promise<void> {
    const { subject, size, outstanding, connect } = this.#task;
    const payload = Buffer.alloc(size, ".");
    const headers = headersFor(connection, this.#task.headers);
    const options = { timeout: connect.server.timeoutMs, ...(headers === undefined ? {} : { headers }) };
    let left = messages;
    const lane = async (): Promise<void> => {
      while (left > 0 && this.#failed < mostFailures) {
        const begin = performance.now();
        if (begin >= end) return;
        left -= 1;
        this.#asked += 1;
        try {
          await connection.nc.request(subject, payload, options);
          this.#latencies.record(performance.now() - begin);
        } catch (error) {
          this.#fail(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(outstanding, messages) }, lane));
  }

  #fail(error: unknown): void {
    this.#failed += 1;
    const name = error instanceof Error ? error.name : "";
    const reason =
      name === "TimeoutError"
        ? "not answered in time"
        : /no responders/i.test(oneLine(error))
          ? "nobody listened"
          : oneLine(error);
    this.#failures[reason] = (this.#failures[reason] ?? 0) + 1;
  }
}
