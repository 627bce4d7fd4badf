import type { Msg } from "@nats-io/transport-node";
import { Clock, withTimes } from "../shared/clock.ts";
import { numberIn, payloadPool, setNumber } from "../shared/payloads.ts";
import type { Answer, ReceiveTask, RequestTask, RespondTask } from "../shared/tasks.ts";
import type { SideClient } from "./connection.ts";

export async function receive(client: SideClient, task: ReceiveTask): Promise<Answer> {
  const { nc } = client;
  const reader = new Reader(task);
  const byCallback = task.how === "callback";
  const subscription = nc.subscribe(
    "bench.receive",
    byCallback ? { callback: (error, message) => (error === null ? reader.take(message) : reader.fail(error)) } : {},
  );
  await nc.flush();
  const clock = new Clock();
  nc.publish("bench.start", `${task.messages} ${task.bytes} ${task.batch}`);
  client.published++;
  if (byCallback) await reader.done;
  else {
    for await (const message of subscription) {
      reader.take(message);
      if (reader.taken === task.messages) break;
    }
    await reader.done;
  }
  const answer = clock.stop(task.messages);
  subscription.unsubscribe();
  await nc.flush();
  return { ...answer, ...client.check() };
}

/** Reads the number of each message. */
class Reader {
  taken = 0;
  readonly done: Promise<void>;
  readonly #task: ReceiveTask;
  #next = 0;
  #resolve = (): void => {};
  #reject = (_error: Error): void => {};

  constructor(task: ReceiveTask) {
    this.#task = task;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  take(message: Msg): void {
    const { data } = message;
    if (numberIn(data) !== this.#next || data.length !== this.#task.bytes) {
      this.fail(new Error(`message ${this.taken}: ${numberIn(data)} with ${data.length} bytes in place of ${this.#next}`));
    }
    this.#next = this.#next + 1 === this.#task.batch ? 0 : this.#next + 1;
    if (++this.taken === this.#task.messages) this.#resolve();
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}

export async function respond(client: SideClient, { subject }: RespondTask): Promise<object> {
  client.nc.subscribe(subject, {
    callback: (error, message) => {
      if (error !== null || !message.respond(message.data)) throw error ?? new Error("a request without a reply subject");
    },
  });
  await client.nc.flush();
  return {};
}

export async function request(client: SideClient, task: RequestTask): Promise<Answer> {
  const { nc } = client;
  const took: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    const [payload = Buffer.alloc(task.bytes)] = payloadPool(1, task.bytes);
    while (next < task.messages) {
      const number = next++;
      setNumber(payload, number);
      const start = task.outstanding === 1 ? performance.now() : 0;
      const { data } = await nc.request(task.subject, payload, { timeout: 10_000 });
      if (task.outstanding === 1) took.push(performance.now() - start);
      if (numberIn(data) !== number || data.length !== task.bytes) throw new Error(`asked ${number}, answered ${numberIn(data)}`);
    }
  };
  const clock = new Clock();
  await Promise.all(Array.from({ length: task.outstanding }, worker));
  const answer = clock.stop(task.messages);
  client.published += task.messages;
  await nc.flush();
  return { ...(took.length > 0 ? withTimes(answer, took) : answer), ...client.check() };
}
