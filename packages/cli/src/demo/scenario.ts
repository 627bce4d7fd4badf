import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { countsAgree } from "./account.ts";
import { CleanUp } from "./clean-up.ts";
import { type DemoServer, startDemoServer } from "./demo-server.ts";
import { faults } from "./faults.ts";
import { count, seconds } from "./format.ts";
import { type Lane, openLane } from "./lane.ts";
import type { PublisherReport } from "./messages.ts";
import { type DemoOptions, publishingMs, totalMessages } from "./options.ts";
import { examine } from "./oracle.ts";
import { latestFactor } from "./pace.ts";
import { PayloadFormat } from "./payload.ts";
import { readStream, whenQuiet } from "./read-stream.ts";
import type { ClientResult, DemoResult } from "./result.ts";

/** Time for everyone to be told the moment of the start. */
const headStartMs = 300;
/** What a publisher may need beyond its publishing: giving up late, 20 s for flush, 10 s for close, and a slow machine. */
const reportGraceMs = 60_000;

/**
 * One run: server, streams, proxies and publishers; the cut; the reading of the streams. `tell` gets lines for people while it runs.
 * Rejects when it cannot be made, or when `signal` interrupts it. Nothing it started is left when it settles.
 */
export async function runDemo(options: DemoOptions, tell: (line: string) => void, signal: AbortSignal): Promise<DemoResult> {
  const cleanUp = new CleanUp();
  // What is waited for below rejects when its server or its process is gone, so an interrupted run unwinds by itself.
  const interrupted = (): void => void cleanUp.run().catch(() => {});
  signal.addEventListener("abort", interrupted, { once: true });
  try {
    signal.throwIfAborted();
    return await run(options, tell, cleanUp);
  } finally {
    signal.removeEventListener("abort", interrupted);
    await cleanUp.run();
  }
}

async function run(options: DemoOptions, tell: (line: string) => void, cleanUp: CleanUp): Promise<DemoResult> {
  const demoServer = await startDemoServer(options);
  const { server } = demoServer;
  await cleanUp.add(() => server.stop());
  const nc = await connect({ servers: server.url, reconnect: false });
  await cleanUp.add(() => nc.close());
  tell(`nats-server ${server.version}, streams in memory`);
  const lanes: Lane[] = [];
  for (const client of options.clients) lanes.push(await openLane(client, options, nc, server, tell, cleanUp));
  tell(announcement(options));
  // Added last, so it is ended first: nobody mends a link whose proxy is being stopped.
  const cutting = new AbortController();
  await cleanUp.add(async () => cutting.abort());

  const startAt = Date.now() + headStartMs;
  const limitMs = headStartMs + 2 * publishingMs(options) + reportGraceMs;
  const published = Promise.all(lanes.map((lane) => lane.publisher.publish(startAt, limitMs)));
  const [reports, cut] = await Promise.all([published, cutLinks(lanes, options, startAt, tell, cutting.signal)]);
  await whenQuiet(nc, streamsOf(lanes));
  const clients = await Promise.all(lanes.map((lane, index) => clientResult(lane, reports[index], nc, options)));
  const invalidBecause = objections(options, demoServer, reports, cut);
  return {
    valid: invalidBecause.length === 0,
    server: server.version,
    fault: options.fault,
    rate: options.rate,
    size: options.size,
    outageMs: options.outageMs,
    clients,
    invalidBecause,
    bufferBytes: options.bufferBytes,
    storage: "memory",
  };
}

/** Cuts every link at the same moment and mends them after the outage. Resolves with how many connections each lane had at the cut. */
async function cutLinks(
  lanes: readonly Lane[],
  options: DemoOptions,
  startAt: number,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const fault = faults[options.fault];
  await sleep(Math.max(0, startAt + options.leadMs - Date.now()), undefined, { signal });
  const mendAt = performance.now() + options.outageMs;
  const open = lanes.map(({ proxy }) => proxy.connections.length);
  const begun = Promise.all(lanes.map(({ proxy }) => fault.begin(proxy)));
  tell(`--- the link is cut: ${fault.explanation}`);
  await begun;
  await sleep(Math.max(0, mendAt - performance.now()), undefined, { signal });
  await Promise.all(lanes.map(({ proxy }) => fault.end(proxy)));
  tell("--- the link works again");
  return open;
}

async function clientResult(
  lane: Lane,
  report: PublisherReport | undefined,
  nc: NatsConnection,
  options: DemoOptions,
): Promise<ClientResult> {
  if (report === undefined) throw new Error(`the ${lane.client} publisher left no report`);
  const findings = examine({
    attempted: report.attempted,
    refused: report.refused,
    handedBack: report.handedBack === null ? null : new Map(report.handedBack),
    stream: await readStream(nc, lane.stream, new PayloadFormat(lane.client, options.size)),
  });
  return {
    name: lane.client,
    version: report.version,
    delivery: lane.client === "holdfast" ? "at-most-once" : null,
    ...findings,
    impossible: findings.impossible + report.unreadable,
    countsAgree: countsAgree(report),
    msPublishing: report.msPublishing,
    connections: lane.proxy.accepted,
    bytesToServer: lane.proxy.bytes.toServer,
    flush: report.flush,
    close: report.close,
    firstRefusal: report.firstRefusal,
    counts: report.counts,
  };
}

/** Why nothing follows from the run. */
function objections(
  options: DemoOptions,
  demoServer: DemoServer,
  reports: readonly PublisherReport[],
  openAtCut: readonly number[],
): string[] {
  const planned = publishingMs(options);
  const late = options.clients.flatMap((client, index) => {
    const took = reports[index]?.msPublishing ?? 0;
    if (took <= planned * latestFactor) return [];
    return [`the ${client} publisher needed ${seconds(took)} for what was planned for ${seconds(planned)}`];
  });
  const notCut = options.clients.filter((_, index) => openAtCut[index] === 0);
  const [drop] = demoServer.drops();
  return [
    ...late,
    ...notCut.map((client) => `${client} had no connection when the link was cut`),
    ...(drop === undefined ? [] : [`the server dropped messages by itself ("${drop}")`]),
  ];
}

function announcement(options: DemoOptions): string {
  const { rate, size, outageMs, leadMs, clients } = options;
  const each = `${count(rate)} messages/s of ${size} bytes for ${seconds(publishingMs(options))} (${count(totalMessages(options), "message")})`;
  const limit = `; Holdfast's reconnect buffer takes ${count(options.bufferBytes)} bytes`;
  const cut = `link cut after ${seconds(leadMs)} for ${seconds(outageMs)}`;
  return `${clients.join(" and ")}: ${each}, ${cut}${clients.includes("holdfast") ? limit : ""}`;
}

function streamsOf(lanes: readonly Lane[]): string[] {
  return lanes.map(({ stream }) => stream);
}
