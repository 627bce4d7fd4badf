import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { delay, nanos, SimpleMutex } from "@nats-io/nats-core/internal";
import { type Service, Svcm } from "@nats-io/services";
import type { FaultProxy } from "../../src/testing/index.ts";

/** What an example runs in. */
export interface World {
  /** A connection of the client under test, the `nc` of the examples that do not show where theirs comes from. */
  readonly nc: NatsConnection;
  /** What the reader of the example would do beside it, on a connection of the official client. */
  readonly reader: NatsConnection;
  /** The address of `proxy`, which leads to the server. */
  readonly proxied: string;
  readonly proxy: FaultProxy;
  /** Resolves when the example has printed so many lines (console calls). */
  printed(lines: number): Promise<void>;
  /** Resolves when somebody has subscribed to this subject. */
  subscribed(subject: string): Promise<void>;
}

/** How one example is run, when it is not simply run to its end. */
export interface Plan {
  /** Before it: what it takes for granted, as global names. */
  readonly given?: (world: World) => Promise<object>;
  /** While it runs. */
  readonly reader?: (world: World) => Promise<void>;
  /** How many lines it has printed (default 0) when it is over, or can be ended. */
  readonly lines?: number;
  /** What ends it: itself (default), the end of the `nc` it was given, or nothing: it would run until its process is killed. */
  readonly end?: "itself" | "close" | "nothing";
}

/** Names that the documentation uses without saying where they come from; some are of older versions. */
export const commonNames = {
  Svc: Svcm,
  SimpleMutex,
  delay,
  nanos,
  sc: { encode: (text: string) => new TextEncoder().encode(text), decode: (data: Uint8Array) => new TextDecoder().decode(data) },
  JSONCodec: () => ({
    encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (data: Uint8Array) => JSON.parse(new TextDecoder().decode(data)),
  }),
} as const;

const consuming: Plan = { given: (world) => withConsumer(world), lines: 5, end: "close" };

export const plans: Readonly<Record<string, Plan>> = {
  // Five connections, one of them to the default port.
  "nats-core 2": { lines: 5 },
  "nats-core 3": { lines: 3 },
  "nats-core 4": { lines: 1, end: "close" },
  "nats-core 5": {
    reader: async ({ reader, printed, subscribed }) => {
      await printed(3);
      for (const subject of ["help.*.system", "help.me.*", "help.>"]) await subscribed(subject);
      for (const subject of ["help.me.system", "help.me.now", "help.other"]) reader.publish(subject, "please");
    },
    // Three at first, then three, two and one.
    lines: 9,
    end: "nothing",
  },
  "nats-core 6": {
    reader: async ({ reader, subscribed }) => {
      await subscribed("admin.*");
      for (const subject of ["time", "admin.uptime", "admin.nothing", "admin.stop"]) {
        if (subject === "admin.nothing") reader.publish(subject);
        else await reader.request(subject, "", { timeout: 10_000 });
      }
    },
    lines: 10,
  },
  "nats-core 7": { given: async ({ reader }) => answering(reader, "time"), lines: 1 },
  "nats-core 8": {
    reader: async ({ reader, printed }) => {
      await printed(6);
      await reader.flush();
      for await (const _ of await reader.requestMany("echo", "hello", { strategy: "count", maxMessages: 3, maxWait: 10_000 }));
    },
    lines: 9,
    end: "nothing",
  },
  "nats-core 9": { lines: 3 },
  "nats-core 10": { lines: 1 },
  "nats-core 13": hearing("foo", "bar"),
  "nats-core 15": { lines: 1 },
  "nats-core 16": { given: async ({ reader }) => answering(reader, "q") },
  "nats-core 17": {
    given: async ({ proxied }) => ({ opts: { servers: proxied, reconnectTimeWait: 10, reconnectJitter: 0 } }),
    reader: async ({ printed, proxy }) => {
      await printed(1);
      await proxy.cut();
    },
    lines: 3,
    end: "nothing",
  },
  "jetstream 4": { given: (world) => withConsumer(world) },
  "jetstream 5": { given: (world) => withConsumer(world), lines: 1 },
  "jetstream 6": { given: (world) => withConsumer(world), lines: 3 },
  "jetstream 7": consuming,
  "jetstream 8": consuming,
  "jetstream 9": { ...consuming, lines: 6 },
  "jetstream 10": { given: (world) => withConsumer(world), reader: acknowledged, end: "close" },
  "jetstream 11": { given: (world) => withConsumer(world), reader: acknowledged, end: "close" },
  // Each message takes it a second, five at a time.
  "jetstream 12": { ...consuming, given: (world) => withConsumer(world, 5) },
  "jetstream 13": { given: (world) => withConsumer(world), lines: 1 },
  "jetstream 14": consuming,
  "jetstream 15": { given: (world) => withConsumer(world) },
  "jetstream 16": { given: async ({ nc }) => ({ jsm: await jetstreamManager(nc) }), lines: 3, end: "close" },
  "kv 3": { lines: 7 },
  "obj 3": { lines: 18 },
  "services 1": {
    reader: async ({ reader, subscribed }) => {
      await subscribed("max");
      await reader.request("max", "[1]");
    },
  },
  "services 2": {
    given: async ({ nc }) => ({ max: (await addService(nc)).addEndpoint("max") }),
    reader: async ({ reader, subscribed }) => {
      await subscribed("max");
      await reader.request("max", "[1]");
    },
    end: "nothing",
  },
  "services 3": { given: async ({ reader }) => answering(reader, "max") },
  "services 4": { given: withServices, lines: 1 },
  "services 5": { given: async (world) => ({ ...(await withServices(world)), m: new Svcm(world.nc).client() }) },
  "services 7": { given: async ({ nc }) => ({ calc: await addService(nc) }) },
  "services 8": {
    given: async ({ nc }) => ({ g: (await addService(nc)).addGroup("calc") }),
    reader: async ({ reader, subscribed }) => {
      await subscribed("calc.sum");
      const sum = (await reader.request("calc.sum", "[1,2,3]")).json();
      if (sum !== 6) throw new Error(`the sum is ${sum}`);
    },
  },
};

/** Stream and consumer `a` with some messages: what the blocks of the JetStream documentation build on. */
async function withConsumer({ nc, reader }: World, messages = 12): Promise<object> {
  const jsm = await jetstreamManager(reader);
  await jsm.streams.add({ name: "a", subjects: ["a.*"] });
  await jsm.consumers.add("a", { durable_name: "a", ack_policy: AckPolicy.Explicit });
  for (let number = 0; number < messages; number++) await jetstream(reader).publish(`a.${number % 2 === 0 ? "b" : "c"}`);
  const js = jetstream(nc);
  const c = await js.consumers.get("a", "a");
  return { js, jsm: await jetstreamManager(nc), c, stream: "a", consumer: "a", name: "a", asyncFn: async () => delay(1) };
}

/** Resolves when the consumer has acknowledged all. */
async function acknowledged({ reader }: World): Promise<void> {
  const { consumers } = await jetstreamManager(reader);
  for (;;) {
    const { num_pending, num_ack_pending } = await consumers.info("a", "a");
    if (num_pending === 0 && num_ack_pending === 0) return;
    await delay(20);
  }
}

async function addService(nc: NatsConnection): Promise<Service> {
  return new Svcm(nc).add({ name: "max", version: "0.0.1" });
}

async function withServices({ nc }: World): Promise<object> {
  const { id } = (await addService(nc)).info();
  return { svc: new Svcm(nc), id };
}

/** The reader subscribes before, and waits for one message to each subject. */
function hearing(...subjects: readonly string[]): Plan {
  let heard: Promise<unknown> = Promise.resolve();
  return {
    given: async ({ reader }) => {
      const once = (subject: string): Promise<void> =>
        new Promise((resolve) => reader.subscribe(subject, { callback: () => resolve() }));
      heard = Promise.all(subjects.map(once));
      await reader.flush();
      return {};
    },
    reader: async () => void (await heard),
  };
}

/** Answers every request to a subject, wherever it wants the answer. */
async function answering(reader: NatsConnection, subject: string): Promise<object> {
  reader.subscribe(subject, { callback: (_error, msg) => void msg.respond("answer") });
  await reader.flush();
  return {};
}
