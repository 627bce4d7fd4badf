import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { CleanUp } from "../demo/clean-up.ts";
import type { PublisherReport } from "../demo/messages.ts";
import { oneLine } from "../demo/time-limit.ts";
import { decodeFromWorker, type FromWorker, type Round, type RoundLimit, type Task, type ToWorker } from "./messages.ts";

/** Called with what a worker tells without being asked: how far it is. */
export type OnNews = (news: Extract<FromWorker, { type: "progress" | "sample" }>) => void;

/** A worker as the program sees it. Each of the promises rejects when the worker fails or ends. */
export interface Worker {
  /** What is told goes to `onNews` until the round is done. */
  round(limit: RoundLimit, onNews: OnNews): Promise<Round>;
  /** Resolves when the subscriber of the round that was begun is there. */
  listening(): Promise<void>;
  /** A publisher that is fed may publish up to this message of its round. */
  allow(upTo: number): void;
  /** A subscriber need wait for so many messages in its round, and no more. */
  published(messages: number): void;
  /** Runs an outage, from this moment on: milliseconds since the epoch. */
  outage(startAt: number, onNews: OnNews): Promise<PublisherReport>;
  /** Closes its connections, and resolves when the process is gone. */
  end(): Promise<void>;
}

/** Starts a worker and resolves when its client is connected. `cleanUp` ends the process, whatever it is doing then. */
export async function startWorker(task: Task, cleanUp: CleanUp): Promise<Worker> {
  const child = spawnWorker();
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await cleanUp.add(() => {
    child.kill("SIGKILL");
    return gone;
  });
  const name = `${task.connect.client} (${task.kind})`;
  let onNews: OnNews = () => {};
  child.on("message", (value) => {
    const message = decodeFromWorker(value);
    if (message.type === "progress" || message.type === "sample") onNews(message);
  });
  const ready = answer(name, child, "ready");
  send(child, { type: "task", task });
  await ready;
  return {
    round: async (limit, listener) => {
      onNews = listener;
      const done = answer(name, child, "round done");
      send(child, { type: "round", limit });
      return (await done).round;
    },
    listening: async () => void (await answer(name, child, "listening")),
    allow: (upTo) => send(child, { type: "allow", upTo }),
    published: (messages) => send(child, { type: "published", messages }),
    outage: async (startAt, listener) => {
      onNews = listener;
      const report = answer(name, child, "report");
      send(child, { type: "go", startAt });
      return (await report).report;
    },
    end: () => {
      send(child, { type: "end" });
      return gone;
    },
  };
}

/** By the same Node with the same flags, from the file beside this one: the same way whether from source or from the build. */
function spawnWorker(): ChildProcess {
  const file = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);
  // Its standard output goes to our standard error: ours may be kept for one JSON object.
  return fork(fileURLToPath(file), [], { execArgv: process.execArgv, stdio: ["ignore", 2, 2, "ipc"], serialization: "advanced" });
}

/** Resolves with the next message of the wanted type. Rejects when the process says that it failed, or ends. */
function answer<T extends FromWorker["type"]>(
  name: string,
  child: ChildProcess,
  wanted: T,
): Promise<Extract<FromWorker, { type: T }>> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null): void => {
      child.off("message", heard).off("exit", ended).off("error", failed);
      if (error !== null) reject(error);
    };
    const heard = (value: unknown): void => {
      const message = decodeFromWorker(value);
      if (message.type === "failed") settle(new WorkerError(`${name}: ${message.reason}`, message.reason));
      if (!isType(message, wanted)) return;
      settle(null);
      resolve(message);
    };
    const ended = (code: number | null, signal: string | null): void => {
      const reason = `ended (${signal ?? `exit code ${code}`}) before it was ${wanted}`;
      settle(new WorkerError(`${name}: ${reason}`, reason));
    };
    const failed = (error: Error): void => settle(new WorkerError(`${name}: ${oneLine(error)}`, oneLine(error)));
    child.on("message", heard).on("exit", ended).on("error", failed);
  });
}

/** What went wrong in a worker. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  /** Without the worker's name. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super(message);
    this.reason = reason;
  }
}

function isType<T extends FromWorker["type"]>(message: FromWorker, type: T): message is Extract<FromWorker, { type: T }> {
  return message.type === type;
}

function send(child: ChildProcess, message: ToWorker): void {
  // A process that has just ended cannot be told; "exit" says so.
  if (child.connected) child.send(message, () => {});
}
