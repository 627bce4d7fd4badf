/** Reads the streams through the official client, directly from the server: what is under test takes no part in judging itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { PayloadFormat } from "./payload.ts";

/** Where the server keeps a stream. */
export type Storage = "memory" | "file";

/** A stream has come to rest when it got no message for this long. */
const quietMs = 1_000;
const pollMs = 100;
/** A stream that does not come to rest, or is not read, in this time is an error. */
const limitMs = 60_000;
const fetchSize = 10_000;

/** Makes one stream with one subject. */
export async function createStream(nc: NatsConnection, name: string, subject: string, storage: Storage): Promise<void> {
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name, subjects: [subject], storage: storage === "file" ? StorageType.File : StorageType.Memory });
}

/** Resolves when no stream got a message for a second, counted from the call at the earliest. */
export async function whenQuiet(nc: NatsConnection, streams: readonly string[]): Promise<void> {
  const manager = await jetstreamManager(nc);
  const giveUp = performance.now() + limitMs;
  let last = "";
  let since = performance.now();
  while (performance.now() - since < quietMs) {
    const state = (await Promise.all(streams.map((stream) => lastSequence(manager, stream)))).join();
    const now = performance.now();
    if (state !== last) since = now;
    last = state;
    if (now > giveUp) throw new Error(`the streams still get messages ${limitMs} ms after the last publish`);
    await sleep(pollMs);
  }
}

/** The numbers of all messages of the stream, in its order, as `format` reads them. */
export async function readStream(nc: NatsConnection, stream: string, format: PayloadFormat): Promise<number[]> {
  const manager = await jetstreamManager(nc);
  const { state } = await manager.streams.info(stream);
  const consumer = await jetstream(nc).consumers.get(stream);
  const numbers: number[] = [];
  const giveUp = performance.now() + limitMs;
  while (numbers.length < state.messages) {
    if (performance.now() > giveUp) throw incomplete(stream, numbers.length, state.messages);
    const wanted = Math.min(fetchSize, state.messages - numbers.length);
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: 10_000 })) {
      numbers.push(format.read(message.data));
    }
  }
  return numbers;
}

async function lastSequence(manager: JetStreamManager, stream: string): Promise<number> {
  return (await manager.streams.info(stream)).state.last_seq;
}

function incomplete(stream: string, read: number, held: number): Error {
  return new Error(`only ${read} of the ${held} messages of stream ${stream} could be read in ${limitMs} ms`);
}
