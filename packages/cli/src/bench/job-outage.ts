import type { HoldfastOptions } from "holdfast";
import { type ConnectionHistory, followConnection } from "../demo/connection-state.ts";
import { onMonotonicClock } from "../demo/detection.ts";
import type { PublisherReport } from "../demo/messages.ts";
import { PayloadFormat } from "../demo/payload.ts";
import { PublisherLog } from "../demo/publisher-log.ts";
import { publishOnSchedule } from "../demo/publishing.ts";
import { withLimit } from "../demo/time-limit.ts";
import { type BenchConnection, connectClient } from "./clients.ts";
import type { Job, JobTools } from "./job.ts";
import type { OutageSample, TaskOf } from "./messages.ts";

/** Publishes numbered messages at a rate, whatever happens to the connection, and notes what became of each. */
export interface OutageJob extends Job {
  run(startAt: number): Promise<PublisherReport>;
}

const flushLimitMs = 20_000;
const closeLimitMs = 10_000;
const sampleMs = 100;
/** A report with more points than a screen is wide shows no more. */
const mostSamples = 2_000;

export async function outageJob(task: TaskOf<"outage">, tools: JobTools): Promise<OutageJob> {
  const log = new PublisherLog(new PayloadFormat(task.connect.client, task.size));
  const shared: HoldfastOptions = {
    reconnectTimeWait: task.reconnectWaitMs,
    maxReconnectAttempts: -1,
    // The server may tell of others, and the way to those leads around the proxy.
    ignoreClusterUpdates: true,
  };
  const connection = await connectClient(task.connect, shared, {
    ...holdfastOptions(task),
    onUndelivered: (batch) => {
      for (const { data, state } of batch) log.handedBack(data, state);
    },
  });
  const history = followConnection(connection.nc);
  return {
    round: () => Promise.reject(new Error("an outage has no rounds")),
    run: (startAt) => run(task, tools, connection, history, log, startAt),
    close: () => connection.nc.close(),
  };
}

async function run(
  task: TaskOf<"outage">,
  tools: JobTools,
  connection: BenchConnection,
  history: ConnectionHistory,
  log: PublisherLog,
  startAt: number,
): Promise<PublisherReport> {
  const { nc, holdfast } = connection;
  const start = onMonotonicClock(startAt);
  const planned = (task.total / task.rate) * 1000;
  const sample = (): void => {
    // The start may lie ahead.
    if (performance.now() >= start) tools.tell({ type: "sample", sample: look(connection, history, log, start) });
  };
  const timer = setInterval(sample, Math.max(sampleMs, planned / mostSamples));
  const schedule = { start, rate: task.rate, total: task.total, giveUpMs: planned * 2 + 5_000 };
  const msPublishing = await publishOnSchedule(schedule, (number) => {
    log.publish(number, (payload) => nc.publish(task.subject, payload));
  });
  const flush = await withLimit(() => nc.flush(), flushLimitMs);
  sample();
  clearInterval(timer);
  const close = await withLimit(() => nc.close(), closeLimitMs);
  return {
    version: "",
    attempted: log.attempted,
    refused: log.refused(),
    firstRefusal: log.firstRefusal,
    handedBack: holdfast === null ? null : log.handedBackByState(),
    unreadable: log.unreadable,
    msPublishing: Math.round(msPublishing),
    disconnectsMs: history.disconnects().map((at) => at - start),
    flush,
    close,
    counts: holdfast === null ? null : { ...holdfast.outbound.counts() },
  };
}

function look({ holdfast }: BenchConnection, history: ConnectionHistory, log: PublisherLog, start: number): OutageSample {
  const counts = holdfast?.outbound.counts();
  const limit = holdfast?.outbound.limit.bytes ?? Number.POSITIVE_INFINITY;
  return {
    atMs: performance.now() - start,
    attempted: log.attempted,
    refused: log.refusedCount,
    confirmed: counts?.confirmed ?? null,
    inDoubt: counts?.inDoubt ?? null,
    heldBytes: holdfast?.outbound.held.bytes ?? null,
    limitBytes: limit === Number.POSITIVE_INFINITY ? null : limit,
    isConnected: history.state() === "connected",
  };
}

function holdfastOptions({ holdfast }: TaskOf<"outage">): HoldfastOptions {
  const { bufferBytes, bufferMessages, maxAgeMs, whenFull, delivery, maxInFlight, stallTimeoutMs } = holdfast;
  return {
    reconnectBuffer: {
      maxBytes: bufferBytes,
      whenFull,
      ...(bufferMessages === undefined ? {} : { maxMessages: bufferMessages }),
      ...(maxAgeMs === undefined ? {} : { maxAge: maxAgeMs }),
    },
    delivery,
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(stallTimeoutMs === undefined ? {} : { stallTimeout: stallTimeoutMs }),
  };
}
