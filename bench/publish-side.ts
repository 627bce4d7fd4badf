/** One publishing side of bench/publish.ts: a client in a process of its own. Arguments: name, server URL. */
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { publishClient } from "./shared/clients.ts";

/** One round. */
export interface PublishTask {
  readonly messages: number;
  readonly bytes: number;
  /** Messages between two turns of the event loop. */
  readonly batch: number;
}

export interface PublishResult {
  /** From the first publish to the end of the flush behind the last one. */
  readonly ms: number;
  /** CPU time of this process, ns a message. */
  readonly cpuNs: number;
  readonly window: number | null;
}

const [name = "", url = ""] = process.argv.slice(2);
const client = await publishClient(name, url);
let published = 0;

process.on("message", (task: PublishTask) => {
  round(task).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`${name}: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => {
  client.close().catch(() => process.exit(1));
});

async function round(task: PublishTask): Promise<PublishResult> {
  // One payload for each message of a batch: the official client keeps a reference until the end of the turn.
  const payloads = Array.from({ length: task.batch }, () => Buffer.alloc(task.bytes, 46));
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let sent = 0; sent < task.messages; ) {
    const until = Math.min(sent + task.batch, task.messages);
    for (const payload of payloads) {
      if (sent === until) break;
      sent++;
      // Every payload carries its number: the subscriber of the check sees a payload that was overwritten or sent twice.
      payload.writeUInt32BE(published++);
      client.publish("bench.publish", payload);
    }
    await turn();
  }
  await client.flush();
  const ms = performance.now() - start;
  const used = process.cpuUsage(cpu);
  client.check(published);
  return { ms, cpuNs: ((used.user + used.system) * 1000) / task.messages, window: client.window() };
}
