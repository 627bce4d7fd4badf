import { jetstream } from "@nats-io/jetstream";
import type { FastPublisher, HoldfastConnection, StreamPublisher } from "holdfast";
import { Clock } from "../shared/clock.ts";
import { payloadPool, setNumber } from "../shared/payloads.ts";
import type { Answer, IngestTask, StreamTask } from "../shared/tasks.ts";
import type { SideClient } from "./connection.ts";

/** One acknowledgement a message. */
export async function stream(client: SideClient, task: StreamTask): Promise<Answer> {
  const { library } = client;
  // An older Holdfast, to compare with, has no `publishToStream`.
  if (task.api === "official" || library?.publishToStream === undefined) return await official(client, task);
  const dedupe = task.withoutIds !== true;
  const open = (): StreamPublisher =>
    library.publishToStream(client.nc as HoldfastConnection, { maxOutstanding: task.outstanding, dedupe });
  const { answer, results } = await publishAll(client, task, open);
  for (const { duplicate } of results) if (duplicate) throw new Error("acknowledged as a duplicate");
  return answer;
}

/** Cumulative acknowledgements. */
export async function ingest(client: SideClient, task: IngestTask): Promise<Answer> {
  const { library } = client;
  if (library === undefined) throw new Error("the official client has no fast ingest");
  const open = (): FastPublisher => library.publishToStream(client.nc as HoldfastConnection, { mode: "fast" });
  return (await publishAll(client, task, open)).answer;
}

async function publishAll<Result>(
  client: SideClient,
  { messages, bytes, subject }: StreamTask | IngestTask,
  open: () => {
    publish(subject: string, payload: Uint8Array): Promise<Result>;
    writable: boolean;
    ready(): Promise<void>;
    close(): Promise<void>;
  },
): Promise<{ readonly answer: Answer; readonly results: Result[] }> {
  const [payload = Buffer.alloc(bytes)] = payloadPool(1, bytes);
  const pending: Promise<Result>[] = [];
  const clock = new Clock();
  const publisher = open();
  for (let i = 0; i < messages; i++) {
    if (!publisher.writable) await publisher.ready();
    // It copies.
    setNumber(payload, client.published++);
    pending.push(publisher.publish(subject, payload));
  }
  const closed = publisher.close();
  const results = await Promise.all(pending);
  const answer = clock.stop(messages);
  await closed;
  await client.nc.flush();
  return { answer: { ...answer, ...client.check(true) }, results };
}

/** With the official module, on either client: so many loops that each wait for an acknowledgement. */
async function official(client: SideClient, task: StreamTask): Promise<Answer> {
  const js = jetstream(client.nc);
  let left = task.messages;
  const worker = async (): Promise<void> => {
    const [payload = Buffer.alloc(task.bytes)] = payloadPool(1, task.bytes);
    while (left-- > 0) {
      setNumber(payload, client.published++);
      const { duplicate } = await js.publish(task.subject, payload);
      if (duplicate === true) throw new Error("acknowledged as a duplicate");
    }
  };
  const clock = new Clock();
  await Promise.all(Array.from({ length: task.outstanding }, worker));
  const answer = clock.stop(task.messages);
  await client.nc.flush();
  return { ...answer, ...client.check() };
}
