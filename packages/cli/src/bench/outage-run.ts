import { setTimeout as sleep } from "node:timers/promises";
import type { HoldfastConnection } from "holdfast";
import type { NatsServer } from "holdfast/testing";
import { exitCodes } from "../cli/exit-codes.ts";
import { startProgressLine } from "../cli/progress-line.ts";
import { print, tell } from "../cli/terminal.ts";
import { shownServers } from "../connection/connect-options.ts";
import { openConnection } from "../connection/open.ts";
import type { CleanUp } from "../demo/clean-up.ts";
import { onMonotonicClock } from "../demo/detection.ts";
import { faults } from "../demo/faults.ts";
import { bytes, count, seconds } from "../demo/format.ts";
import { checkReportPath, writeReport } from "../report/file.ts";
import { checkPayload } from "./before.ts";
import { type OutageBenchOptions, outageMessages } from "./options.ts";
import { outageReport } from "./outage-html.ts";
import { type Lane, openLane } from "./outage-lane.ts";
import { outageObject, outageTable, verdict } from "./outage-report.ts";
import { brokenPromises, type OutageResult, outageClient } from "./outage-result.ts";
import { clientsOf, versionOf } from "./rate-sides.ts";

/** Time for everyone to be told the moment of the start. */
const headStartMs = 300;
/** What has been sent has arrived when nothing came for so long. */
const quietMs = 300;

/** One run of `bench outage`; resolves with its exit code. */
export async function runOutage(options: OutageBenchOptions, cleanUp: CleanUp, interrupted: AbortSignal): Promise<number> {
  if (options.html !== null) checkReportPath(options.html);
  const receiver = await openConnection(options.server, {}, interrupted);
  await cleanUp.add(() => receiver.close());
  checkPayload(receiver, options.size);
  tell(announcement(options));
  const result = await run(options, receiver, cleanUp, interrupted);
  if (options.html !== null) writeReport(options.html, outageReport(result));
  if (options.json) await print(`${JSON.stringify(outageObject(result))}\n`);
  else await print(`${outageTable(result)}\n\n`);
  if (options.json) tell(verdict(result));
  else await print(`${verdict(result)}\n`);
  if (options.html !== null) tell(`holdfast: the report is in ${options.html}`);
  return result.invalidBecause.length === 0 && brokenPromises(result).length === 0 ? exitCodes.done : exitCodes.notDone;
}

async function run(
  options: OutageBenchOptions,
  receiver: HoldfastConnection,
  cleanUp: CleanUp,
  interrupted: AbortSignal,
): Promise<OutageResult> {
  let start = Number.POSITIVE_INFINITY;
  const sinceStart = (): number => performance.now() - start;
  const lost = countDisconnects(receiver);
  const lanes: Lane[] = [];
  for (const client of clientsOf(options)) lanes.push(await openLane(client, options, receiver, sinceStart, cleanUp));
  const startAt = Date.now() + headStartMs;
  start = onMonotonicClock(startAt);
  const progress = startProgressLine(options.progress, () => {
    const now = sinceStart();
    const [phrases, short] = [false, true].map((isShort) => phrasesOf(options, lanes, now, isShort));
    return { fraction: Math.max(0, Math.min(1, now / publishingMs(options))), phrases: phrases ?? [], short: short ?? [] };
  });
  try {
    const course = runFault(options, lanes, start, interrupted, (line) => progress.note(line));
    const [fault, ...reports] = await Promise.all([course, ...lanes.map((lane) => publish(lane, startAt))]);
    await whenQuiet(receiver, lanes);
    const invalidBecause = lost() === 0 ? [] : ["the subscriber that counts lost its own connection: what arrived is not known"];
    return {
      options,
      serverVersion: receiver.info?.version ?? "",
      fault,
      clients: lanes.map((lane, i) => {
        const report = reports[i];
        if (report === undefined) throw new Error(`no report of ${lane.client}`);
        return outageClient(lane, report, versionOf(options, lane.client), fault.beganMs, sinceStart());
      }),
      invalidBecause,
    };
  } finally {
    progress.stop();
  }
}

function publish(lane: Lane, startAt: number) {
  return lane.worker.outage(startAt, (news) => {
    if (news.type === "sample") lane.samples.push({ ...news.sample, arrived: lane.arrivals.count });
  });
}

/** Begins the fault for all clients at the same moment, and ends it. */
async function runFault(
  options: OutageBenchOptions,
  lanes: readonly Lane[],
  start: number,
  signal: AbortSignal,
  note: (line: string) => void,
): Promise<OutageResult["fault"]> {
  const fault = faults[options.fault];
  const site = {
    proxies: lanes.map(({ proxy }) => proxy),
    get server(): NatsServer {
      throw new Error("the server is not ours to touch");
    },
  };
  const sleepUntil = (ms: number): Promise<void> => sleep(Math.max(0, start + ms - performance.now()), undefined, { signal });
  await sleepUntil(options.beforeMs);
  const beganMs = performance.now() - start;
  const begun = fault.begin(site);
  note(`holdfast: the fault begins (${options.fault}: ${fault.explanation})`);
  await begun;
  await sleepUntil(beganMs + options.outageMs);
  await fault.end(site);
  note("holdfast: the fault is over");
  return { beganMs, endedMs: performance.now() - start };
}

/** A subscriber that is away does not hear what arrives. */
function countDisconnects(nc: HoldfastConnection): () => number {
  let lost = 0;
  const follow = async (): Promise<void> => {
    for await (const status of nc.status()) if (status.type === "disconnect") lost += 1;
  };
  follow().catch(() => {});
  return () => lost;
}

async function whenQuiet(receiver: HoldfastConnection, lanes: readonly Lane[]): Promise<void> {
  const arrived = (): number => lanes.reduce((sum, { arrivals }) => sum + arrivals.count, 0);
  for (let before = -1; before !== arrived(); ) {
    before = arrived();
    await sleep(quietMs);
    await receiver.flush();
  }
}

function publishingMs({ beforeMs, outageMs, afterMs }: OutageBenchOptions): number {
  return beforeMs + outageMs + afterMs;
}

function phrasesOf(options: OutageBenchOptions, lanes: readonly Lane[], atMs: number, isShort: boolean): string[] {
  const ours = lanes.find(({ client }) => client === "holdfast")?.samples.at(-1);
  const limit = isShort ? "" : ` of ${bytes(options.holdfast.bufferBytes)}`;
  const arrived = lanes.map(({ client, arrivals }) => `${lanes.length > 1 ? `${client} ` : ""}${count(arrivals.count)}`);
  return [
    `${(Math.max(0, atMs) / 1000).toFixed(1)} s`,
    ...(ours?.isConnected === false ? ["no connection"] : []),
    `${count(ours?.attempted ?? 0)} published`,
    `${bytes(ours?.heldBytes ?? 0)}${limit} held`,
    ...((ours?.inDoubt ?? 0) > 0 ? [`${count(ours?.inDoubt ?? 0)} in doubt`] : []),
    ...(isShort ? [] : [`arrived: ${arrived.join(", ")}`]),
  ];
}

/** What will happen, in one line. */
function announcement(options: OutageBenchOptions): string {
  const { rate, size, fault, beforeMs, outageMs, subject, holdfast, natsJs } = options;
  return (
    `holdfast: ${natsJs === null ? "" : "Holdfast and nats.js: "}${count(rate)} messages a second of ${size} bytes for ` +
    `${seconds(publishingMs(options))} (${count(outageMessages(options), "message")}${natsJs === null ? "" : " each"}) to ${subject}${natsJs === null ? "" : ".*"}, ` +
    `${shownServers(options.server)}, through a proxy that breaks the connection (${fault}) after ${seconds(beforeMs)} for ${seconds(outageMs)}; ` +
    `Holdfast delivers ${holdfast.delivery} and holds ${bytes(holdfast.bufferBytes)}`
  );
}
