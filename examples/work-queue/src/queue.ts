import { AckPolicy, type Consumer, jetstream, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect, errors, type HoldfastConnection, nanos } from "holdfast";

/** What is to be done. */
export interface Job {
  readonly id: string;
  readonly text: string;
}

const STREAM = "JOBS";
const CONSUMER = "workers";
/** How long the stream remembers the ids of jobs, ms: a producer may try one job again for so long. */
const REMEMBERED = 120_000;

/** Connects. Acknowledgements that were on their way when a connection broke are sent again on the next one. */
export async function connectAs(name: string): Promise<HoldfastConnection> {
  return await connect({
    name,
    servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222",
    delivery: "at-least-once",
    reconnectTimeWait: 250,
    retryOnFailedConnect: true,
    onUndelivered: (batch) => {
      // Only acknowledgements: what the modules ask the server comes here, too, when it has lost its answer, and is asked again.
      const lost = batch.filter(({ subject }) => subject.startsWith("$JS.ACK."));
      if (lost.length > 0) console.error(`not delivered: ${lost.length} acknowledgements; their jobs will be done again`);
    },
  });
}

/** Makes the stream and its consumer if they are not there, and gets the consumer. Tries until the server answers. */
export async function openQueue(nc: HoldfastConnection): Promise<Consumer> {
  const manager = await untilAnswered(() => jetstreamManager(nc, { timeout: 5_000 }));
  const ackWait = nanos(Number(process.env.ACK_WAIT_MS ?? 30_000));
  await untilAnswered(() =>
    manager.streams.add({
      name: STREAM,
      subjects: ["jobs.>"],
      // A job is gone from the stream when a worker has acknowledged it.
      retention: RetentionPolicy.Workqueue,
      duplicate_window: nanos(REMEMBERED),
    }),
  );
  await untilAnswered(() =>
    manager.consumers.add(STREAM, { durable_name: CONSUMER, ack_policy: AckPolicy.Explicit, ack_wait: ackWait }),
  );
  return await untilAnswered(() => jetstream(nc).consumers.get(STREAM, CONSUMER));
}

/** Does what may be done twice, again and again until there is an answer. An answer that says no is one. */
export async function untilAnswered<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!unanswered(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** A time-out, nobody there (JetStream is still starting), or a request that was on its way when the connection broke. */
function unanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof errors.TimeoutError || error instanceof errors.RequestError || unanswered(error.cause);
}
