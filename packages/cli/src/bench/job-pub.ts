import { setImmediate as turn } from "node:timers/promises";
import type { HoldfastConnection, MsgHdrs } from "holdfast";
import { type ConnectionHistory, followConnection } from "../demo/connection-state.ts";
import { publishOnSchedule } from "../demo/publishing.ts";
import { oneLine } from "../demo/time-limit.ts";
import type { BenchConnection } from "./clients.ts";
import { closeAll, connectAll, type Job, type JobTools, shares, timedRound } from "./job.ts";
import type { Round, RoundLimit, TaskOf } from "./messages.ts";
import type { HeaderLists } from "./options.ts";

/** Bytes in one turn of the event loop, and messages: sockets and timers must have their turn also in the fastest loop. */
const turnBytes = 256 * 1024;
const turnMessages = 512;
/** What may be unflushed, twice over: neither client may hold all of a long run in memory. */
const flushBytes = 8 * 1024 * 1024;
/** Framing and subject, about. */
const overheadBytes = 64;

/** Publishes, and counts what the server has read: the PONG behind the last message is part of the time. */
export async function pubJob(task: TaskOf<"pub">, tools: JobTools): Promise<Job> {
  const connections = (await connectAll(task, { delivery: task.delivery })).map((connection) => ({
    ...connection,
    history: followConnection(connection.nc),
  }));
  return {
    round: async (limit) => {
      tools.feed.reset();
      const progress = { sent: 0 };
      return await timedRound(
        tools,
        () => progress.sent,
        async () => await publishRound(connections, task, limit, tools, progress),
      );
    },
    close: () => closeAll(connections),
  };
}

type Counts = ReturnType<HoldfastConnection["outbound"]["counts"]>;

type Followed = BenchConnection & { readonly history: ConnectionHistory };

interface Progress {
  sent: number;
}

async function publishRound(
  connections: readonly Followed[],
  task: TaskOf<"pub">,
  limit: RoundLimit,
  tools: JobTools,
  progress: Progress,
): Promise<Omit<Round, "ms" | "cpuMs">> {
  const parts = shares(limit.messages, connections.length);
  const ends = await Promise.all(
    connections.map(async (connection, i) => {
      const publisher = new Publisher(connection, task, progress);
      const part = { messages: parts[i] ?? 0, ms: limit.ms };
      if (task.rate === null) await publisher.asFastAsItGoes(part, task.isFed ? tools.feed : null);
      else await publisher.atRate(part, task.rate / connections.length);
      return await publisher.end();
    }),
  );
  const failures: Record<string, number> = {};
  for (const end of ends) {
    for (const [reason, count] of Object.entries(end.failures)) failures[reason] = (failures[reason] ?? 0) + count;
  }
  return {
    messages: ends.reduce((sum, { messages }) => sum + messages, 0),
    done: ends.reduce((sum, { done }) => sum + done, 0),
    failures,
    latencies: null,
  };
}

/** One connection in one round. */
class Publisher {
  readonly #connection: Followed;
  readonly #task: TaskOf<"pub">;
  readonly #progress: Progress;
  readonly #payload: Uint8Array;
  readonly #options: { readonly headers?: MsgHdrs; readonly msgId?: "auto" } | undefined;
  readonly #before: Counts | null;
  #attempted = 0;
  #refused = 0;
  /** Of the official client, which has no counts: what it published before a connection ended may be lost, whatever a flush says. */
  readonly #disconnectsBefore: number;
  #unflushed: string | null = null;

  constructor(connection: Followed, task: TaskOf<"pub">, progress: Progress) {
    this.#connection = connection;
    this.#task = task;
    this.#progress = progress;
    this.#payload = Buffer.alloc(task.size, ".");
    const headers = headersFor(connection, task.headers);
    const options = { ...(headers === undefined ? {} : { headers }), ...(task.msgIds ? { msgId: "auto" as const } : {}) };
    this.#options = Object.keys(options).length === 0 ? undefined : options;
    this.#disconnectsBefore = connection.history.disconnects().length;
    this.#before = connection.holdfast?.outbound.counts() ?? null;
  }

  async asFastAsItGoes({ messages, ms }: RoundLimit, feed: JobTools["feed"] | null): Promise<void> {
    const perMessage = this.#task.size + overheadBytes;
    const atOnce = Math.max(1, Math.min(turnMessages, Math.floor(turnBytes / perMessage)));
    const perFlush = Math.max(1, Math.floor(flushBytes / perMessage));
    const end = performance.now() + ms;
    let flushed: Promise<void> = Promise.resolve();
    let flushAt = perFlush;
    while (this.#attempted < messages && performance.now() < end) {
      if (feed !== null) await feed.room(this.#attempted);
      for (const until = Math.min(this.#attempted + atOnce, messages); this.#attempted < until; ) this.#publish();
      await turn();
      if (this.#attempted < flushAt) continue;
      flushAt += perFlush;
      // The one before: the connection is never idle for want of messages.
      await flushed;
      flushed = this.#flush();
    }
    await flushed;
  }

  async atRate({ messages, ms }: RoundLimit, rate: number): Promise<void> {
    const total = Math.min(messages, Math.max(1, Math.round((rate * ms) / 1000)));
    const giveUpMs = ms === Number.POSITIVE_INFINITY ? ms : 2 * ms;
    await publishOnSchedule({ start: performance.now(), rate, total, giveUpMs }, () => this.#publish());
  }

  /** What became of the messages, when the server has read them or the client has given them up. */
  async end(): Promise<Pick<Round, "messages" | "done" | "failures">> {
    await this.#flush();
    const { holdfast, history } = this.#connection;
    const failures: Record<string, number> = {};
    if (this.#refused > 0) failures.refused = this.#refused;
    const accepted = this.#attempted - this.#refused;
    if (holdfast === null || this.#before === null) {
      const isLost = history.disconnects().length > this.#disconnectsBefore;
      const reason = isLost ? "the connection was lost" : this.#unflushed;
      if (reason !== null) failures[`not known (${reason})`] = accepted;
      return { messages: this.#attempted, done: reason === null ? accepted : 0, failures };
    }
    const counts = holdfast.outbound.counts();
    for (const [state, words] of endings) {
      const count = counts[state] - this.#before[state];
      if (count > 0) failures[words] = count;
    }
    return { messages: this.#attempted, done: counts.confirmed - this.#before.confirmed, failures };
  }

  #publish(): void {
    const { subject, subjects } = this.#task;
    const number = this.#attempted++;
    this.#progress.sent += 1;
    const to = subjects === null ? subject : `${subject}.${number % subjects}`;
    try {
      this.#connection.nc.publish(to, this.#payload, this.#options);
    } catch {
      this.#refused += 1;
    }
  }

  async #flush(): Promise<void> {
    try {
      await this.#connection.nc.flush();
    } catch (error) {
      this.#unflushed ??= oneLine(error);
    }
  }
}

/** Every end but `confirmed`, in words. What is held behind a flush that failed is held because the connection was closed. */
const endings = [
  ["inDoubt", "in doubt"],
  ["rejected", "refused by the server"],
  ["dropped", "dropped"],
  ["expired", "expired"],
  ["undeliverable", "undeliverable"],
  ["abandoned", "abandoned"],
] as const;

export function headersFor(connection: BenchConnection, lists: HeaderLists | null): MsgHdrs | undefined {
  if (lists === null) return undefined;
  const headers = connection.headers();
  for (const [name, values] of Object.entries(lists)) for (const value of values) headers.append(name, value);
  return headers;
}
