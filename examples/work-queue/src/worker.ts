/** Takes jobs and does them, one after the other. On SIGTERM or SIGINT it finishes the one in hand, and ends. */
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { startHealth } from "./health.ts";
import { connectAs, type Job, openQueue, untilAnswered } from "./queue.ts";

const jobMs = Number(process.env.JOB_MS ?? 20);
const name = `worker ${process.pid}`;
let done = 0;
let stopping = false;
let messages: ConsumerMessages | undefined;

const nc = await connectAs(name);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
const consumer = await openQueue(nc);
const health = startHealth(nc, () => `done ${done}`);
console.log(`${name} is ready`);

// A consume() ends when it was stopped, or when its consumer is gone; it lives through disconnects.
while (!stopping) {
  messages = await untilAnswered(() => consumer.consume({ max_messages: 10 }));
  if (stopping) void messages.close();
  for await (const message of messages) await take(message);
}

health.stop();
// Acknowledgements go out, and are confirmed, before this resolves.
await nc.drain();
console.log(`${name} has ended in order: done ${done}`);

async function take(message: JsMsg): Promise<void> {
  // Not ours any more: another worker has it at once.
  if (stopping) return message.nak();
  const job = message.json<Job>();
  await work(job);
  // Held while the server is away, and sent when it is back.
  message.ack();
  done++;
  console.log(`done ${job.id} delivery ${message.info.deliveryCount}`);
}

/** The work itself. */
async function work(_job: Job): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, jobMs));
}

function stop(): void {
  stopping = true;
  void messages?.close();
}
