import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { CleanUp } from "./clean-up.ts";
import {
  decodeFromPublisher,
  type FromPublisher,
  type PublisherPlan,
  type PublisherReport,
  type PublisherStats,
  type ToPublisher,
} from "./messages.ts";
import { oneLine } from "./time-limit.ts";

const connectLimitMs = 60_000;

/** A publisher in a process of its own, as the parent sees it. */
export interface PublisherProcess {
  /** Starts publishing at `startAt` (milliseconds since the epoch) and resolves with the report; rejects when there is none in time. */
  publish(startAt: number, limitMs: number): Promise<PublisherReport>;
}

/** Starts a publisher and resolves when its client is connected. `cleanUp` ends the process, whatever it is doing then. */
export async function startPublisher(
  plan: PublisherPlan,
  onStats: (stats: PublisherStats) => void,
  cleanUp: CleanUp,
): Promise<PublisherProcess> {
  const child = spawnPublisher();
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await cleanUp.add(() => {
    child.kill("SIGKILL");
    return ended;
  });
  child.on("message", (value) => {
    const message = decodeFromPublisher(value);
    if (message.type === "stats") onStats(message.stats);
  });
  const connected = answer(plan.client, child, "connected", connectLimitMs);
  send(child, { type: "plan", plan });
  await connected;
  return {
    publish: async (startAt, limitMs) => {
      const report = answer(plan.client, child, "report", limitMs);
      send(child, { type: "go", startAt });
      return (await report).report;
    },
  };
}

/** By the same Node with the same flags, from the file beside this one: the same way whether from source or from the build. */
function spawnPublisher(): ChildProcess {
  const file = new URL(`./publisher${extname(import.meta.url)}`, import.meta.url);
  // Its standard output goes to our standard error: ours may be kept for one JSON object.
  return fork(fileURLToPath(file), [], { execArgv: process.execArgv, stdio: ["ignore", 2, 2, "ipc"] });
}

/** Resolves with the next message of the wanted type. Rejects when the process says that it failed, ends, or takes too long. */
function answer<T extends FromPublisher["type"]>(
  client: string,
  child: ChildProcess,
  wanted: T,
  limitMs: number,
): Promise<Extract<FromPublisher, { type: T }>> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null): void => {
      clearTimeout(timer);
      child.off("message", heard).off("exit", ended).off("error", failed);
      if (error !== null) reject(error);
    };
    const heard = (value: unknown): void => {
      const message = decodeFromPublisher(value);
      if (message.type === "failed") settle(new Error(`the ${client} publisher failed: ${message.reason}`));
      if (!isType(message, wanted)) return;
      settle(null);
      resolve(message);
    };
    const ended = (code: number | null, signal: string | null): void => {
      settle(new Error(`the ${client} publisher ended (${signal ?? `exit code ${code}`}) before it sent "${wanted}"`));
    };
    const failed = (error: Error): void => settle(new Error(`the ${client} publisher: ${oneLine(error)}`));
    const timer = setTimeout(() => failed(new Error(`sent no "${wanted}" within ${limitMs} ms`)), limitMs);
    child.on("message", heard).on("exit", ended).on("error", failed);
  });
}

function isType<T extends FromPublisher["type"]>(
  message: FromPublisher,
  type: T,
): message is Extract<FromPublisher, { type: T }> {
  return message.type === type;
}

function send(child: ChildProcess, message: ToPublisher): void {
  // A process that has just ended cannot be told; "exit" says so.
  child.send(message, () => {});
}
