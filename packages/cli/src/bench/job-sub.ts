import type { Msg, Subscription } from "holdfast";
import { closeAll, connectAll, type Job, type JobTools, timedRound } from "./job.ts";
import type { Round, RoundLimit, TaskOf } from "./messages.ts";

/** Receives. The time runs from the first message to the last. */
export async function subJob(task: TaskOf<"sub">, tools: JobTools): Promise<Job> {
  const connections = await connectAll(task, {});
  let reception: Reception | null = null;
  return {
    round: async (limit) => {
      const now = new Reception(task, limit);
      reception = now;
      return await timedRound(
        tools,
        () => now.progress,
        async () => {
          const subject = task.subjects === null ? task.subject : `${task.subject}.*`;
          const options = task.queue === null ? {} : { queue: task.queue };
          const subscriptions = connections.map(({ nc }, i) => {
            if (task.by === "callback") return nc.subscribe(subject, { ...options, callback: now.callback(i) });
            const subscription = nc.subscribe(subject, options);
            now.read(subscription, i);
            return subscription;
          });
          await Promise.all(connections.map(({ nc }) => nc.flush()));
          tools.tell({ type: "listening" });
          const end = await now.ended;
          for (const subscription of subscriptions) subscription.unsubscribe();
          await Promise.all(connections.map(({ nc }) => nc.flush()));
          return end;
        },
      );
    },
    published: (messages) => reception?.expect(messages),
    close: () => closeAll(connections),
  };
}

/** Looks so often whether nothing comes any more, ms. */
const lookMs = 20;

/** What all connections get in one round. */
class Reception {
  readonly ended: Promise<Omit<Round, "cpuMs">>;
  readonly #copies: number;
  readonly #received: number[];
  readonly #isShared: boolean;
  readonly #timer: NodeJS.Timeout;
  readonly #end: () => void;
  #expected = 0;
  #total = 0;
  #first = 0;
  #last = 0;
  #failure: string | null = null;

  constructor({ clients, queue, waitMs }: TaskOf<"sub">, { messages, ms }: RoundLimit) {
    this.#isShared = queue !== null;
    this.#copies = this.#isShared ? 1 : clients;
    this.#expected = messages * this.#copies;
    this.#received = Array.from({ length: clients }, () => 0);
    let resolve: () => void = () => {};
    const over = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#end = resolve;
    let before = 0;
    let quietSince = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      if (this.#total !== before) {
        // Not read for every message: that would take a tenth of the time that is measured.
        quietSince = now;
        this.#last = now;
      }
      before = this.#total;
      if (waitMs !== null && now - quietSince > waitMs) this.#end();
      if (this.#total > 0 && now - this.#first > ms) this.#end();
    }, lookMs);
    this.ended = over.then(() => this.#result());
  }

  /** There are so many messages, no more. */
  expect(messages: number): void {
    this.#expected = messages * this.#copies;
    if (this.#total >= this.#expected) this.#end();
  }

  /** How many messages of the publisher all of those who should have got them. */
  get progress(): number {
    return this.#isShared ? this.#total : Math.min(...this.#received);
  }

  callback(index: number): (error: Error | null, msg: Msg) => void {
    return (error) => {
      if (error === null) this.#take(index);
      else this.#fail(error);
    };
  }

  read(subscription: Subscription, index: number): void {
    const read = async (): Promise<void> => {
      for await (const _ of subscription) this.#take(index);
    };
    read().catch((error: unknown) => this.#fail(error));
  }

  #take(index: number): void {
    if (this.#total === 0) this.#first = performance.now();
    this.#received[index] = (this.#received[index] ?? 0) + 1;
    this.#total += 1;
    if (this.#total < this.#expected) return;
    this.#last = performance.now();
    this.#end();
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error.message : String(error);
    this.#end();
  }

  #result(): Omit<Round, "cpuMs"> {
    clearInterval(this.#timer);
    const isBounded = this.#expected !== Number.POSITIVE_INFINITY;
    const messages = isBounded ? this.#expected : this.#total;
    const missing = messages - this.#total;
    const reason = this.#failure === null ? "did not come" : `did not come (${this.#failure})`;
    return {
      messages,
      done: this.#total,
      ms: this.#last - this.#first,
      failures: missing > 0 ? { [reason]: missing } : {},
      latencies: null,
    };
  }
}
