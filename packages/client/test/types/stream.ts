/** Compiled, never run: `publishToStream()` has the types of the official module where it has its values. */
import type * as official from "@nats-io/jetstream";
import type { Payload } from "@nats-io/nats-core";
import {
  type AtomicPublisher,
  type BatchAck,
  type FastPublisher,
  type HoldfastConnection,
  type PubAck,
  publishToStream,
  type StreamPublisher,
  type StreamPublishOptions,
} from "../../src/index.ts";

declare const nc: HoldfastConnection;
declare const options: Partial<official.JetStreamPublishOptions>;

const each: StreamPublisher = publishToStream(nc);
const alsoEach: StreamPublisher = publishToStream(nc, { mode: "each", maxOutstanding: 4_096, dedupe: false });
const fast: FastPublisher = publishToStream(nc, { mode: "fast", ackInterval: 100 });
const atomic: AtomicPublisher = publishToStream(nc, { mode: "atomic" });
// @ts-expect-error an interval is for fast batches
publishToStream(nc, { ackInterval: 100 });
// @ts-expect-error no such mode
publishToStream(nc, { mode: "slow" });

export async function use(payload: Payload): Promise<[official.PubAck, official.BatchAck, PubAck, BatchAck]> {
  const ours: StreamPublishOptions = {
    expect: { lastSequence: 1 },
    ttl: "1h",
    schedule: { specification: new Date(0), target: "t" },
  };
  const ack = await each.publish("s", payload, ours);
  await alsoEach.publish("s", "text", options);
  await fast.publish("s", new Uint8Array());
  const batch = await atomic.publish([{ subject: "s" }, { subject: "s", payload, options: { msgID: "1" } }]);
  // @ts-expect-error a batch has one timeout, the publisher's
  await atomic.publish([{ subject: "s", options: { timeout: 1 } }]);
  return [ack, batch, ack, batch];
}
