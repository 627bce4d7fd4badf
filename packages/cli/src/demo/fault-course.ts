import { setTimeout as sleep } from "node:timers/promises";
import { onMonotonicClock } from "./detection.ts";
import type { DemoEvent } from "./event.ts";
import { type FaultSite, faults } from "./faults.ts";
import type { DemoOptions } from "./options.ts";

/** What was noted when the fault began. */
export interface FaultRecord {
  /** Milliseconds since the start. */
  readonly beganMs: number;
  /** How many connections each proxy had just before. */
  readonly openConnections: readonly number[];
}

/**
 * Begins the fault for all clients at the same moment, `leadMs` after `startAt` (milliseconds since the epoch), and ends it after the
 * outage. Rejects when `signal` interrupts it.
 */
export async function runFault(
  site: FaultSite,
  options: DemoOptions,
  startAt: number,
  hear: (event: DemoEvent) => void,
  signal: AbortSignal,
): Promise<FaultRecord> {
  const fault = faults[options.fault];
  const start = onMonotonicClock(startAt);
  await sleepUntil(start + options.leadMs, signal);
  const openConnections = site.proxies.map(({ connections }) => connections.length);
  const began = performance.now();
  const begun = fault.begin(site);
  hear({ kind: "fault begins", atMs: began - start });
  await begun;
  await sleepUntil(began + options.outageMs, signal);
  await fault.end(site);
  hear({ kind: "fault over", atMs: performance.now() - start });
  return { beganMs: began - start, openConnections };
}

async function sleepUntil(moment: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, moment - performance.now()), undefined, { signal });
}
