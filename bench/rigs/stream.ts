import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { startNatsServer } from "holdfast/testing";
import { numberIn } from "../shared/payloads.ts";
import type { IngestTask, Setup, StreamTask, Task } from "../shared/tasks.ts";
import type { Rig } from "./rig.ts";

export const STREAM_SUBJECT = "bench.stream";
const STREAM = "bench";
const CHECKED = 20_000;

/** A server with one stream, empty at the start of each round; what it stores in a round is counted. */
export async function streamRig(storage: "memory" | "file"): Promise<Rig> {
  const server = await startNatsServer({ jetStream: true });
  const setup: Setup = { url: server.url };
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  await manager.streams.add({
    name: STREAM,
    subjects: [STREAM_SUBJECT],
    storage: storage === "memory" ? StorageType.Memory : StorageType.File,
    allow_atomic: true,
    allow_batched: true,
  });
  const stored = async (): Promise<number> => (await manager.streams.info(STREAM)).state.messages;
  return {
    setup: () => Promise.resolve(setup),
    round: async (side, task) => {
      await manager.streams.purge(STREAM);
      const answer = await side.do(task);
      const count = await stored();
      if (count !== task.messages) throw new Error(`${side.name}: published ${task.messages}, the stream has ${count}`);
      return answer;
    },
    check: async (side, task) => {
      if (!isStream(task)) throw new Error(`no task for a stream: ${task.kind}`);
      const messages = Math.min(task.messages, CHECKED);
      await manager.streams.purge(STREAM);
      await side.do({ ...task, messages });
      await readBack(nc, messages, side.name);
    },
    [Symbol.asyncDispose]: async () => {
      await nc.close();
      await server.stop();
    },
  };
}

/** What is stored: each message once, in the order in which it was published. */
async function readBack(nc: NatsConnection, messages: number, name: string): Promise<void> {
  const consumer = await jetstream(nc).consumers.get(STREAM);
  const read = await consumer.consume({ max_messages: 5000 });
  let first: number | undefined;
  let seen = 0;
  for await (const { data, info } of read) {
    const number = numberIn(data);
    first ??= number;
    if (number !== first + seen)
      throw new Error(`${name}: message ${seen} of the stream has the number ${number}, not ${first + seen}`);
    if (++seen === messages && info.pending > 0) throw new Error(`${name}: the stream has ${info.pending} messages too many`);
    if (seen === messages) break;
  }
}

function isStream(task: Task): task is StreamTask | IngestTask {
  return task.kind === "stream" || task.kind === "ingest";
}
