import type { CleanUp } from "../demo/clean-up.ts";
import { installedVersion } from "../demo/versions.ts";
import type { ClientName, ConnectPlan } from "./clients.ts";
import type { Round, RoundLimit, Task } from "./messages.ts";
import type { PubBenchOptions, RateBenchOptions, ReqBenchOptions, SubBenchOptions } from "./options.ts";
import { startWorker, type Worker } from "./worker-process.ts";

/** A client that is measured. */
export interface Side {
  readonly client: ClientName;
  readonly version: string;
  /** One round; `onProgress` hears how many messages are done. */
  round(limit: RoundLimit, onProgress: (done: number) => void): Promise<Round>;
}

/** Of what is on its way to a subscriber the server holds no more than this: a quarter of its `max_pending`. */
const windowBytes = 16 * 1024 * 1024;
const overheadBytes = 100;

/** Starts the processes of all sides, and those who publish or answer for them. Resolves when all are connected. */
export async function startSides(options: RateBenchOptions, responds: boolean, cleanUp: CleanUp): Promise<readonly Side[]> {
  const helper = await startHelper(options, responds, cleanUp);
  const sides: Side[] = [];
  for (const client of clientsOf(options)) {
    const worker = await startWorker(taskOf(options, planFor(options, client)), cleanUp);
    sides.push({
      client,
      version: versionOf(options, client),
      round: (limit, onProgress) =>
        options.kind === "sub"
          ? subRound(worker, helper, windowOf(options), limit, onProgress)
          : worker.round(limit, (news) => news.type === "progress" && onProgress(news.done)),
    });
  }
  return sides;
}

/** In the order of the report. */
export function clientsOf({ natsJs }: Pick<RateBenchOptions, "natsJs">): readonly ClientName[] {
  return natsJs === null ? ["holdfast"] : ["holdfast", "nats.js"];
}

export function versionOf({ natsJs }: Pick<RateBenchOptions, "natsJs">, client: ClientName): string {
  return client === "nats.js" && natsJs !== null ? natsJs.version : installedVersion("holdfast");
}

function planFor(options: RateBenchOptions, client: ClientName): ConnectPlan {
  return { client, server: options.server, natsJs: client === "nats.js" ? options.natsJs : null, tlsHost: null };
}

/** Who publishes for subscribers, or answers requests: Holdfast in a process of its own, the same for every side. */
async function startHelper(options: RateBenchOptions, responds: boolean, cleanUp: CleanUp): Promise<Worker | null> {
  const base = { connect: planFor(options, "holdfast"), subject: options.subject, clients: 1 };
  if (options.kind === "req") return responds ? await startWorker({ kind: "respond", ...base }, cleanUp) : null;
  if (options.kind !== "sub" || !options.publishes) return null;
  const { size, headers, subjects } = options;
  const what = { size, headers, subjects, rate: null, delivery: "at-most-once", msgIds: false } as const;
  return await startWorker({ kind: "pub", isFed: true, ...what, ...base }, cleanUp);
}

function taskOf(options: RateBenchOptions, connect: ConnectPlan): Task {
  const base = { connect, subject: options.subject, clients: options.clients };
  switch (options.kind) {
    case "pub":
      return { ...pubTask(options), ...base };
    case "sub":
      return { ...subTask(options), ...base };
    case "req":
      return { ...reqTask(options), ...base };
  }
}

function pubTask({ size, headers, rate, delivery, msgIds, subjects }: PubBenchOptions) {
  return { kind: "pub", isFed: false, size, headers, rate, delivery, msgIds, subjects } as const;
}

function subTask({ queue, by, subjects, waitMs }: SubBenchOptions) {
  return { kind: "sub", queue, by, subjects, waitMs } as const;
}

function reqTask({ size, headers, outstanding }: ReqBenchOptions) {
  return { kind: "req", size, headers, outstanding } as const;
}

function windowOf({ size }: SubBenchOptions): number {
  return Math.max(2, Math.floor(windowBytes / (size + overheadBytes)));
}

/** The publisher goes ahead of the subscriber by no more than the window. */
async function subRound(
  subscriber: Worker,
  publisher: Worker | null,
  window: number,
  limit: RoundLimit,
  onProgress: (done: number) => void,
): Promise<Round> {
  const listening = subscriber.listening();
  const ownLimit = publisher === null ? limit : { ...limit, ms: Number.POSITIVE_INFINITY };
  const received = subscriber.round(ownLimit, (news) => {
    if (news.type !== "progress") return;
    onProgress(news.done);
    publisher?.allow(news.done + window);
  });
  await Promise.race([listening, received]);
  if (publisher === null) return await received;
  const published = publisher.round(limit, () => {});
  publisher.allow(window);
  const told = published.then(({ messages }) => subscriber.published(messages));
  // When not all came the publisher must not wait for room that nobody will make.
  const [round] = await Promise.all([received.finally(() => publisher.allow(Number.POSITIVE_INFINITY)), told]);
  return round;
}
