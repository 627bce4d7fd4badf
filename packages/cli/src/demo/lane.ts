import type { NatsConnection } from "@nats-io/transport-node";
import { type FaultProxy, type ProxiedConnection, startFaultProxy } from "holdfast/testing";
import { type Arrivals, connectWatcher, followArrivals, lostSoFar } from "./arrivals.ts";
import type { CleanUp } from "./clean-up.ts";
import type { Audience } from "./event.ts";
import { faults } from "./faults.ts";
import type { PublisherPlan, PublisherReport, PublisherStats } from "./messages.ts";
import { type ClientName, type DemoOptions, totalMessages } from "./options.ts";
import { PayloadFormat } from "./payload.ts";
import { type PublisherProcess, startPublisher } from "./publisher-process.ts";
import { createStream } from "./read-stream.ts";
import { Receipts } from "./receipts.ts";

/** All that belongs to one client: its stream, its own proxy (so that cuts and byte counts are its own) and its publisher. */
export interface Lane {
  readonly client: ClientName;
  readonly stream: string;
  readonly subject: string;
  readonly format: PayloadFormat;
  readonly proxy: FaultProxy;
  /** Every connection that the proxy forwarded, in order. */
  readonly connections: readonly ProxiedConnection[];
  /** What the server confirmed; `null` for a client that knows no confirmation, and where the server must not lose anything. */
  readonly receipts: Receipts | null;
  readonly publisher: PublisherProcess;
}

/** A lane when its publisher is done. */
export interface LaneEnd {
  readonly lane: Lane;
  readonly report: PublisherReport;
}

/** Makes the lane of `client`; resolves when the client is connected. What it starts is ended by `cleanUp`. */
export async function openLane(
  client: ClientName,
  options: DemoOptions,
  nc: NatsConnection,
  upstream: { readonly host: string; readonly port: number; readonly url: string },
  audience: Audience,
  cleanUp: CleanUp,
): Promise<Lane> {
  // Neither stream names nor subject tokens may have a dot in them.
  const stream = client.replace(".", "_");
  const subject = `demo.${stream}`;
  const { endsServer } = faults[options.fault];
  await createStream(nc, stream, subject, endsServer ? "file" : "memory");
  const format = new PayloadFormat(client, options.size);
  // Reading every frame costs time that the clients need, so it is done only where its answer counts.
  const receipts = client === "holdfast" && endsServer ? new Receipts(format) : null;
  const connections: ProxiedConnection[] = [];
  const proxy = await startFaultProxy({
    upstream,
    onConnection: (connection) => connections.push(connection),
    ...(receipts === null ? {} : { onFrame: (frame) => receipts.take(frame) }),
  });
  await cleanUp.add(() => proxy.stop());
  const plan: PublisherPlan = {
    client,
    url: proxy.url,
    subject,
    rate: options.rate,
    size: options.size,
    total: totalMessages(options),
    bufferBytes: options.bufferBytes,
    delivery: options.delivery,
    stallTimeoutMs: options.stallTimeoutMs,
  };
  const arrivals = audience.wantsArrivals
    ? await followArrivals(await connectWatcher(upstream.url, cleanUp), stream, subject, format, cleanUp)
    : () => null;
  // What the server had confirmed and lost with its end counts for Holdfast: only the reading at the end tells it from a loss.
  const mayKnowLoss = client !== "holdfast" || !endsServer;
  const publisher = await startPublisher(plan, watch(client, proxy, arrivals, mayKnowLoss, audience), cleanUp);
  return { client, stream, subject, format, proxy, connections, receipts, publisher };
}

/** Adds to the publisher's statistics what is known on this side of the proxy. */
function watch(
  client: ClientName,
  proxy: FaultProxy,
  arrivals: () => Arrivals | null,
  mayKnowLoss: boolean,
  audience: Audience,
): (stats: PublisherStats) => void {
  // The counts are those of the moment at which the publisher sent them: what the stream had a sample before is surely older.
  let before: Arrivals | null = null;
  return (stats) => {
    const lost = before === null || !mayKnowLoss ? null : lostSoFar(before, stats);
    before = arrivals();
    audience.hear({
      kind: "sample",
      sample: { ...stats, client, sent: proxy.bytes.toServer, stored: before?.stored ?? null, lost },
    });
  };
}
