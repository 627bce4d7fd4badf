import type { NatsConnection } from "@nats-io/transport-node";
import { type FaultProxy, startFaultProxy } from "holdfast/testing";
import type { CleanUp } from "./clean-up.ts";
import type { PublisherPlan, PublisherStats } from "./messages.ts";
import { type ClientName, type DemoOptions, totalMessages } from "./options.ts";
import { type PublisherProcess, startPublisher } from "./publisher-process.ts";
import { createStream } from "./read-stream.ts";
import { liveLine } from "./report.ts";

/** All that belongs to one client: its stream, its own proxy (so that cuts and byte counts are its own) and its publisher. */
export interface Lane {
  readonly client: ClientName;
  readonly stream: string;
  readonly proxy: FaultProxy;
  readonly publisher: PublisherProcess;
}

/** Makes the lane of `client`; resolves when the client is connected. What it starts is ended by `cleanUp`. */
export async function openLane(
  client: ClientName,
  options: DemoOptions,
  nc: NatsConnection,
  upstream: { readonly host: string; readonly port: number },
  tell: (line: string) => void,
  cleanUp: CleanUp,
): Promise<Lane> {
  // Neither stream names nor subject tokens may have a dot in them.
  const stream = client.replace(".", "_");
  const subject = `demo.${stream}`;
  await createStream(nc, stream, subject);
  const proxy = await startFaultProxy({ upstream });
  await cleanUp.add(() => proxy.stop());
  const plan: PublisherPlan = {
    client,
    url: proxy.url,
    subject,
    rate: options.rate,
    size: options.size,
    total: totalMessages(options),
    bufferBytes: options.bufferBytes,
  };
  const publisher = await startPublisher(plan, watch(client, proxy, options, tell), cleanUp);
  return { client, stream, proxy, publisher };
}

/** Turns the publisher's statistics into live lines. */
function watch(
  client: ClientName,
  proxy: FaultProxy,
  options: DemoOptions,
  tell: (line: string) => void,
): (stats: PublisherStats) => void {
  let previous: PublisherStats | null = null;
  let previouslySent = proxy.bytes.toServer;
  return (stats) => {
    const sent = proxy.bytes.toServer;
    tell(liveLine({ client, stats, previous, sent, previouslySent, bufferBytes: options.bufferBytes }));
    previous = stats;
    previouslySent = sent;
  };
}
