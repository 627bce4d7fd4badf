/** Streams of a test's server, made and read by the official client, past the proxy. */
import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { NatsServer } from "holdfast/testing";

/** The content of the configuration's `jetstream` block that lets a stream take a burst of so many messages, as in the demo. */
export function roomFor(messages: number): { readonly max_buffered_msgs: number; readonly max_buffered_size: number } {
  return { max_buffered_msgs: 2 * messages, max_buffered_size: 2 * messages * 1024 };
}

export async function makeStream(server: NatsServer, name: string, subject: string): Promise<void> {
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name, subjects: [subject], storage: StorageType.Memory });
  await nc.close();
}

/** All that is in the stream, in its order, once nothing has been added for half a second. */
export async function readStream(server: NatsServer, name: string): Promise<string[]> {
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  let last = -1;
  for (;;) {
    const { state } = await manager.streams.info(name);
    if (state.last_seq === last) break;
    last = state.last_seq;
    await sleep(500);
  }
  const consumer = await jetstream(nc).consumers.get(name);
  const stored: string[] = [];
  while (stored.length < last) {
    const batch = await consumer.fetch({ max_messages: Math.min(10_000, last - stored.length), expires: 10_000 });
    for await (const message of batch) stored.push(message.string());
  }
  await nc.close();
  return stored;
}
