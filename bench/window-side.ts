/** One publishing side of bench/window.ts: a variant of Holdfast in a process of its own. Arguments: name, entry, maxInFlight, server URL. */
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { serve } from "./shared/serve.ts";

/** One round. */
export type WindowTask =
  /** Publish so many, `batch` between two turns of the event loop, and flush. */
  | { readonly kind: "publish"; readonly messages: number; readonly bytes: number; readonly batch: number }
  /** Publish one and flush, so many times. */
  | { readonly kind: "roundTrip"; readonly times: number };

export interface WindowResult {
  /** `publish`: until the end of the flush. `roundTrip`: the median of one publish and flush. */
  readonly ms: number;
  /** CPU time of this process, ns a message. */
  readonly cpuNs: number;
  readonly window: number;
}

const [name = "", entry = "", maxInFlight = "", url = ""] = process.argv.slice(2);
const { connect }: typeof import("holdfast") = await import(pathToFileURL(entry).href);
const nc = await connect({ servers: url, maxInFlight: Number(maxInFlight) });

await serve(name, round, () => nc.close());

async function round(task: WindowTask): Promise<WindowResult> {
  const cpu = process.cpuUsage();
  const ms = task.kind === "publish" ? await publish(task.messages, task.bytes, task.batch) : await roundTrip(task.times);
  const used = process.cpuUsage(cpu);
  const messages = task.kind === "publish" ? task.messages : task.times;
  return { ms, cpuNs: ((used.user + used.system) * 1000) / messages, window: nc.outbound.window };
}

async function publish(messages: number, bytes: number, batch: number): Promise<number> {
  const payload = new Uint8Array(bytes).fill(46);
  const start = performance.now();
  for (let sent = 0; sent < messages; ) {
    const until = Math.min(sent + batch, messages);
    for (; sent < until; sent++) nc.publish("bench.window", payload);
    await turn();
  }
  await nc.flush();
  return performance.now() - start;
}

async function roundTrip(times: number): Promise<number> {
  const payload = new Uint8Array(16).fill(46);
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    nc.publish("bench.window", payload);
    await nc.flush();
    took.push(performance.now() - start);
  }
  return took.toSorted((a, b) => a - b)[Math.floor(times / 2)] ?? Number.NaN;
}
