/**
 * One publisher: a process of its own, so that neither client shares an event loop, a heap or a garbage collector with the other or with
 * the oracle. The parent starts this file and talks to it over the IPC channel (messages.ts).
 */
import { once } from "node:events";
import type { DemoClient, OnHandedBack } from "./demo-client.ts";
import { onMonotonicClock } from "./detection.ts";
import { decodeToPublisher, type FromPublisher, type PublisherPlan, type PublisherReport, type ToPublisher } from "./messages.ts";
import { PayloadFormat } from "./payload.ts";
import { PublisherLog } from "./publisher-log.ts";
import { publishOnSchedule } from "./publishing.ts";
import { oneLine, withLimit } from "./time-limit.ts";

const flushLimitMs = 20_000;
const closeLimitMs = 10_000;
const statsEveryMs = 250;

// Ctrl-C reaches the whole process group; the parent decides what happens to this process.
process.on("SIGINT", () => {});
// The parent is gone: nobody wants the result.
process.on("disconnect", () => process.exit(1));
main().catch((error: unknown) => tell({ type: "failed", reason: oneLine(error) }).finally(() => process.exit(1)));

async function main(): Promise<void> {
  const order = await nextOrder();
  if (order.type !== "plan") throw new Error("the first message must be the plan");
  const { plan } = order;
  const log = new PublisherLog(new PayloadFormat(plan.client, plan.size));
  const client = await connectClient(plan, (payload, state) => log.handedBack(payload, state));
  const go = nextOrder();
  await tell({ type: "connected" });
  const start = await go;
  if (start.type !== "go") throw new Error("the second message must be the start");
  await tell({ type: "report", report: await run(plan, client, log, start.startAt) });
  // A client that could not be closed may still hold a socket or a timer.
  process.exit(0);
}

/** Loads only the client that is asked for: its memory and its start-up are its own. */
async function connectClient(plan: PublisherPlan, onHandedBack: OnHandedBack): Promise<DemoClient> {
  switch (plan.client) {
    case "holdfast":
      return (await import("./client-holdfast.ts")).connectHoldfast(plan, onHandedBack);
    case "nats.js":
      return (await import("./client-nats-js.ts")).connectNatsJs(plan);
  }
}

async function run(plan: PublisherPlan, client: DemoClient, log: PublisherLog, startAt: number): Promise<PublisherReport> {
  const start = onMonotonicClock(startAt);
  const schedule = { start, rate: plan.rate, total: plan.total, giveUpMs: (plan.total / plan.rate) * 2_000 + 5_000 };
  const stats = everyQuarterFrom(start, (atMs) => sendStats(client, log, atMs));
  const msPublishing = await publishOnSchedule(schedule, (number) => {
    log.publish(number, (payload) => client.publish(plan.subject, payload));
  });
  const flush = await withLimit(() => client.flush(), flushLimitMs);
  const close = await withLimit(() => client.close(), closeLimitMs);
  stats.stop();
  return {
    version: client.version,
    attempted: log.attempted,
    refused: log.refused(),
    firstRefusal: log.firstRefusal,
    handedBack: client.handsBack ? log.handedBackByState() : null,
    unreadable: log.unreadable,
    msPublishing: Math.round(msPublishing),
    disconnectsMs: client.disconnects().map((at) => at - start),
    flush,
    close,
    counts: client.counts(),
  };
}

/**
 * Runs `task` at whole quarters of a second after `start`, with the milliseconds since then, so that the figures of all publishers stand
 * together.
 */
function everyQuarterFrom(start: number, task: (atMs: number) => Promise<void>): { stop(): void } {
  let quarter = 0;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const elapsed = performance.now() - start;
    // At least the next one: a timer may come a moment before its time. A publisher that was blocked leaves some out.
    quarter = Math.max(quarter + 1, Math.floor(elapsed / statsEveryMs));
    timer = setTimeout(
      () => {
        void task(performance.now() - start);
        arm();
      },
      quarter * statsEveryMs - elapsed,
    );
  };
  arm();
  return { stop: () => clearTimeout(timer) };
}

function sendStats(client: DemoClient, log: PublisherLog, atMs: number): Promise<void> {
  const counts = client.counts();
  const stats = {
    atMs: Math.round(atMs),
    state: client.state(),
    attempted: log.attempted,
    refused: log.refusedCount,
    handedBack: client.handsBack ? log.handedBackCount : null,
    confirmed: counts?.confirmed ?? null,
    inDoubt: counts?.inDoubt ?? null,
    heldBytes: client.heldBytes(),
    limitBytes: client.limitBytes(),
  };
  return tell({ type: "stats", stats });
}

async function nextOrder(): Promise<ToPublisher> {
  const [message] = await once(process, "message");
  return decodeToPublisher(message);
}

/** Resolves when the message is on its way; a parent that is gone is noticed by "disconnect". */
function tell(message: FromPublisher): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) throw new Error("this file is started by the demo, with an IPC channel");
    process.send(message, undefined, undefined, () => resolve());
  });
}
