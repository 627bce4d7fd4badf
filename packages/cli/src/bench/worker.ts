/**
 * One client of a benchmark: a process of its own, so that no client shares an event loop, a heap or a garbage collector with another one,
 * with the proxy or with the progress line. The program starts this file and talks to it over the IPC channel (messages.ts).
 */
import { oneLine } from "../demo/time-limit.ts";
import { Feed, type Job, type JobTools } from "./job.ts";
import type { OutageJob } from "./job-outage.ts";
import { decodeToWorker, type FromWorker, type Task, type ToWorker } from "./messages.ts";

// Ctrl-C reaches the whole process group; the program decides what happens to this process.
process.on("SIGINT", () => {});
// The program is gone: nobody wants the result.
process.on("disconnect", () => process.exit(1));

const feed = new Feed();
const tools: JobTools = { tell, feed };
let job: Job | null = null;
let outage: OutageJob | null = null;

process.on("message", (value) => {
  obey(decodeToWorker(value)).catch((error: unknown) => {
    process.send?.({ type: "failed", reason: oneLine(error) } satisfies FromWorker, undefined, undefined, () => process.exit(1));
  });
});

async function obey(order: ToWorker): Promise<void> {
  switch (order.type) {
    case "task":
      job = await begin(order.task);
      tell({ type: "ready" });
      return;
    case "round":
      if (job === null) throw new Error("a round before the task");
      tell({ type: "round done", round: await job.round(order.limit) });
      return;
    case "allow":
      feed.allow(order.upTo);
      return;
    case "published":
      job?.published?.(order.messages);
      return;
    case "go":
      if (outage === null) throw new Error("no outage to run");
      tell({ type: "report", report: await outage.run(order.startAt) });
      return;
    case "end":
      await job?.close();
      process.exit(0);
  }
}

/** Loads only what the task needs. */
async function begin(task: Task): Promise<Job> {
  switch (task.kind) {
    case "pub":
      return await (await import("./job-pub.ts")).pubJob(task, tools);
    case "sub":
      return await (await import("./job-sub.ts")).subJob(task, tools);
    case "req":
      return await (await import("./job-req.ts")).reqJob(task, tools);
    case "respond":
      return await (await import("./job-req.ts")).respondJob(task, tools);
    case "outage":
      outage = await (await import("./job-outage.ts")).outageJob(task, tools);
      return outage;
  }
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
