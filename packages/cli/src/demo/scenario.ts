import { connect, type NatsConnection } from "@nats-io/transport-node";
import { CleanUp } from "./clean-up.ts";
import { clientResult } from "./client-result.ts";
import { startDemoServer } from "./demo-server.ts";
import { onMonotonicClock } from "./detection.ts";
import type { Audience } from "./event.ts";
import { type FaultRecord, runFault } from "./fault-course.ts";
import { type FaultSite, faults } from "./faults.ts";
import { count, seconds } from "./format.ts";
import { type Lane, type LaneEnd, openLane } from "./lane.ts";
import { objections } from "./objections.ts";
import { type DemoOptions, publishingMs, totalMessages } from "./options.ts";
import { whenQuiet } from "./read-stream.ts";
import type { DemoResult } from "./result.ts";

/** Time for everyone to be told the moment of the start. */
const headStartMs = 300;
/** What a publisher may need beyond its publishing: giving up late, 20 s for flush, 10 s for close, and a slow machine. */
const reportGraceMs = 60_000;

/**
 * One run: server, streams, proxies and publishers; the fault; the reading of the streams. `audience` hears how it goes on.
 * Rejects when it cannot be made, or when `signal` interrupts it. Nothing it started is left when it settles.
 */
export async function runDemo(options: DemoOptions, audience: Audience, signal: AbortSignal): Promise<DemoResult> {
  const cleanUp = new CleanUp();
  // What is waited for below rejects when its server or its process is gone, so an interrupted run unwinds by itself.
  const interrupted = (): void => void cleanUp.run().catch(() => {});
  signal.addEventListener("abort", interrupted, { once: true });
  try {
    signal.throwIfAborted();
    return await run(options, audience, cleanUp);
  } finally {
    signal.removeEventListener("abort", interrupted);
    await cleanUp.run();
  }
}

async function run(options: DemoOptions, audience: Audience, cleanUp: CleanUp): Promise<DemoResult> {
  const { server, drops } = await startDemoServer(options);
  await cleanUp.add(() => server.stop());
  const storage = faults[options.fault].endsServer ? "file" : "memory";
  const note = (line: string): void => audience.hear({ kind: "note", line });
  note(`nats-server ${server.version}, streams in ${storage === "file" ? "files" : "memory"}`);
  const setUp = await dial(server.url, cleanUp);
  const lanes: Lane[] = [];
  for (const client of options.clients) lanes.push(await openLane(client, options, setUp, server, audience, cleanUp));
  note(announcement(options));

  const site = { server, proxies: lanes.map(({ proxy }) => proxy) };
  const [ends, fault] = await publishThroughFault(lanes, site, options, audience, cleanUp);
  audience.hear({ kind: "published" });
  // Not the connection from before: the fault may have been the server's.
  const nc = await dial(server.url, cleanUp);
  await whenQuiet(
    nc,
    lanes.map(({ stream }) => stream),
  );
  const clients = await Promise.all(ends.map((end) => clientResult(end, fault.beganMs, nc, options)));
  const invalidBecause = objections(options, ends, fault, drops());
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
    storage,
    stallTimeoutMs: options.stallTimeoutMs,
  };
}

/** All publishers from the start to their reports, and the fault in the middle. */
async function publishThroughFault(
  lanes: readonly Lane[],
  site: FaultSite,
  options: DemoOptions,
  audience: Audience,
  cleanUp: CleanUp,
): Promise<[readonly LaneEnd[], FaultRecord]> {
  const startAt = Date.now() + headStartMs;
  audience.hear({ kind: "start", at: onMonotonicClock(startAt) });
  const limitMs = headStartMs + 2 * publishingMs(options) + reportGraceMs;
  const interruption = new AbortController();
  const course = runFault(site, options, startAt, (event) => audience.hear(event), interruption.signal);
  // Added last, so it is ended first: nobody starts a server again, or mends a link, that is about to be stopped.
  await cleanUp.add(async () => {
    interruption.abort();
    await course.catch(() => {});
  });
  const ends = lanes.map(async (lane) => ({ lane, report: await lane.publisher.publish(startAt, limitMs) }));
  return Promise.all([Promise.all(ends), course]);
}

/** A connection of the official client that does without proxy. */
async function dial(url: string, cleanUp: CleanUp): Promise<NatsConnection> {
  const nc = await connect({ servers: url, reconnect: false });
  await cleanUp.add(() => nc.close());
  return nc;
}

function announcement(options: DemoOptions): string {
  const { rate, size, outageMs, leadMs, clients, fault, delivery } = options;
  const each = `${count(rate)} messages/s of ${size} bytes for ${seconds(publishingMs(options))} (${count(totalMessages(options), "message")})`;
  const own = `; Holdfast delivers ${delivery}, its reconnect buffer takes ${count(options.bufferBytes)} bytes`;
  const when = `${fault} after ${seconds(leadMs)} for ${seconds(outageMs)}`;
  return `${clients.join(" and ")}: ${each}, ${when}${clients.includes("holdfast") ? own : ""}`;
}
