/** What the tests of `@nats-io/jetstream` share: a line with a stream, outages, and what went over the wire. */
import { execFileSync } from "node:child_process";
import type { TestContext } from "node:test";
import {
  type ConsumeOptions,
  type ConsumerConfig,
  type ConsumerInfo,
  type ConsumerMessages,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  type StreamConfig,
} from "@nats-io/jetstream";
import { connect as connectOfficial, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import type { Delivery, HoldfastConnection, HoldfastOptions } from "../../src/index.ts";
import { findNatsServer, type NatsServerOptions, serverVersionAtLeast } from "../../src/testing/index.ts";
import { type ModuleLine, restart } from "./modules-harness.ts";
import { Wire } from "./modules-js-wire.ts";
import { afterwards, openLine, pause, statusOf, until } from "./peers-harness.ts";

const levels: readonly Delivery[] = ["at-most-once", "at-least-once"];

/** How the server goes away: by RST; restarted, with what it stored; or in a black hole, which the stall rule finds. */
export type JsOutage = "rst" | "restart" | "hole";

/** What a test may change of its line. */
export interface JsParts {
  readonly client?: HoldfastOptions;
  readonly server?: NatsServerOptions;
  /** The oldest nats-server that has what is tested (default 2.9.0). */
  readonly needs?: string;
  /** Options of the client straight to the server. */
  readonly second?: Omit<NodeConnectionOptions, "servers">;
  /** More of the stream's configuration. */
  readonly stream?: Partial<StreamConfig>;
}

/** A line with a stream `EVENTS` on disk that takes `events` and `events.>`, and the official client straight to the server. */
export class JsLine implements ModuleLine {
  readonly line: ModuleLine["line"];
  readonly second: NatsConnection;
  readonly manager: JetStreamManager;
  readonly wire: Wire;

  constructor(line: ModuleLine["line"], second: NatsConnection, manager: JetStreamManager, wire: Wire) {
    this.line = line;
    this.second = second;
    this.manager = manager;
    this.wire = wire;
  }

  get nc(): HoldfastConnection {
    return this.line.nc;
  }

  /** The JetStream client on the connection that is tested. */
  get js(): JetStreamClient {
    return jetstream(this.nc);
  }

  /** Adds the consumer `worker`, of explicit acknowledgements that are waited for a minute. */
  async addWorker(config: Partial<ConsumerConfig> = {}): Promise<void> {
    const ours = { durable_name: "worker", ack_policy: "explicit", ack_wait: 60e9 } as const;
    await this.manager.consumers.add("EVENTS", { ...ours, ...config });
  }

  /** What the server says of the consumer `worker`. */
  worker(): Promise<ConsumerInfo> {
    return this.manager.consumers.info("EVENTS", "worker");
  }

  /** Stores the numbers `from` to `to`, by the other client. */
  async store(from: number, to: number): Promise<void> {
    const js = jetstream(this.second);
    for (let number = from; number <= to; number++) await js.publish("events", String(number));
  }

  /** The payloads in the stream, in order. */
  async stored(): Promise<string[]> {
    const { state } = await this.manager.streams.info("EVENTS");
    const texts: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
      const message = await this.manager.streams.getMessage("EVENTS", { seq });
      if (message !== null) texts.push(message.string());
    }
    return texts;
  }

  /** A consumer that keeps what comes, unacknowledged, and the messages it has after `count` of them have come. */
  async take(count: number, options: Partial<ConsumeOptions> = {}): Promise<{ messages: ConsumerMessages; taken: JsMsg[] }> {
    const taken: JsMsg[] = [];
    const consumer = await this.js.consumers.get("EVENTS", "worker");
    const callback = (message: JsMsg): void => void taken.push(message);
    const messages = await consumer.consume({ max_messages: 100, expires: 5_000, ...options, callback });
    await until(`${count} messages`, () => taken.length >= count);
    return { messages, taken };
  }

  workerWhen(what: string, holds: (info: ConsumerInfo) => boolean): Promise<ConsumerInfo> {
    return this.consumerWhen("worker", what, holds);
  }

  /** Resolves when the server has noticed that nobody listens any more for the pulls it holds. Asking is what makes it look. */
  async forgotten(): Promise<void> {
    await this.workerWhen("the server forgets the pulls", (info) => info.num_waiting === 0);
  }

  /** Resolves when a consumer's figures are as wanted: the server reads acknowledgements some time after their PONG. */
  async consumerWhen(name: string, what: string, holds: (info: ConsumerInfo) => boolean): Promise<ConsumerInfo> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const info = await this.manager.consumers.info("EVENTS", name);
      if (holds(info)) return info;
      if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}; the consumer is ${JSON.stringify(info)}`);
      await pause(20);
    }
  }

  /** Loses the server and finds it again. `meanwhile` runs while it is away: in a black hole from its beginning. */
  async through(outage: JsOutage, meanwhile: () => unknown = () => {}): Promise<void> {
    const { line, second } = this;
    if (outage === "hole") return this.#throughHole(meanwhile);
    await line.down();
    if (outage === "restart") await restart(line, second);
    await Promise.all([meanwhile(), pause(200)]);
    await line.up();
  }

  async #throughHole(meanwhile: () => unknown): Promise<void> {
    const { proxy, nc } = this.line;
    const lost = [...proxy.connections];
    const noticed = statusOf(nc, "disconnect");
    proxy.refuse();
    for (const { toServer, toClient } of lost) {
      toServer.swallow();
      toClient.swallow();
    }
    // Silence is noticed by those who wait for an answer.
    const flushed = nc.flush().catch(() => {});
    await Promise.all([meanwhile(), noticed]);
    // The server hears of the end.
    for (const { toServer, toClient } of lost) {
      toServer.forward();
      toClient.forward();
    }
    await this.line.up();
    await flushed;
  }
}

/** Undefined, and the test is skipped with the reason, when the server lacks what is tested. */
export async function openJs(t: TestContext, parts: JsParts = {}): Promise<JsLine | undefined> {
  const needs = parts.needs ?? "2.9.0";
  // Before anything is started: an older server may refuse the very configuration.
  if (!serverVersionAtLeast(installed(), needs)) {
    t.skip(`needs nats-server ${needs} or newer; this is ${installed()}`);
    return undefined;
  }
  const wire = new Wire();
  const line = await openLine(t, {
    server: { jetStream: true, ...parts.server },
    proxy: { onFrame: (frame) => wire.add(frame) },
    // Only the black hole needs it so short.
    client: { stallTimeout: 1_000, timeout: 10_000, ...parts.client },
  });
  const second = await connectOfficial({
    servers: line.server.url,
    reconnectTimeWait: 20,
    reconnectJitter: 0,
    maxReconnectAttempts: -1,
    ...parts.second,
  });
  afterwards(t, () => second.close());
  const manager = await jetstreamManager(second);
  await manager.streams.add({ name: "EVENTS", subjects: ["events", "events.>"], ...parts.stream });
  return new JsLine(line, second, manager, wire);
}

/** The version of the server that the tests start. */
export function installed(): string {
  version ??= /v?(\d+\.\d+\.\d+\S*)/.exec(execFileSync(findNatsServer(), ["--version"], { encoding: "utf8" }))?.[1];
  return version ?? "0.0.0";
}

let version: string | undefined;

/** Both delivery levels at the same time, each on a line of its own. */
export async function atEachLevel(
  t: TestContext,
  check: (js: JsLine, delivery: Delivery) => Promise<void>,
  parts: JsParts = {},
): Promise<void> {
  const checks = levels.map(async (delivery) => {
    const js = await openJs(t, { ...parts, client: { ...parts.client, delivery } });
    if (js !== undefined) await check(js, delivery);
  });
  await together(checks);
}

/** Waits for all of them, also when one has failed: the others still use what the test is about to undo. */
export async function together(checks: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(checks);
  await Promise.all(checks);
}

/** Closed until it is opened, once. */
export class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}
