import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Msg, Status, Subscription } from "@nats-io/nats-core";
import { connect as connectOfficial, type NatsConnection } from "@nats-io/transport-node";
import { connect, type HoldfastConnection, type HoldfastOptions, type Undelivered } from "../../src/index.ts";
import {
  type FaultProxy,
  type FaultProxyOptions,
  type NatsServer,
  type NatsServerOptions,
  startFaultProxy,
  startNatsServer,
} from "../../src/testing/index.ts";

/** For every test of these files: a test that hangs is then named, instead of its file. */
export const limit = { timeout: 60_000 } as const;

/** Undone in reverse order when the test is over, so that a client is closed before its server stops. */
const undoings = new WeakMap<TestContext, (() => Promise<unknown>)[]>();

export function afterwards(t: TestContext, undo: () => Promise<unknown>): void {
  const known = undoings.get(t);
  if (known !== undefined) {
    known.push(undo);
    return;
  }
  const undos = [undo];
  undoings.set(t, undos);
  t.after(async () => {
    for (const last of undos.reverse()) await last();
  });
}

/** A real server for one test. */
export async function startServer(t: TestContext, options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNatsServer(options);
  afterwards(t, () => server.stop());
  return server;
}

/** A connection for one test; it reconnects at once unless told otherwise. */
export async function open(t: TestContext, options: HoldfastOptions): Promise<HoldfastConnection> {
  const nc = await connect({ reconnectTimeWait: 10, reconnectJitter: 0, ...options });
  afterwards(t, () => nc.close());
  return nc;
}

/** The official client, for one test: what Holdfast did is seen through other eyes. */
export async function openOfficial(t: TestContext, servers: string): Promise<NatsConnection> {
  const nc = await connectOfficial({ servers, reconnectTimeWait: 10, reconnectJitter: 0, maxReconnectAttempts: -1 });
  afterwards(t, () => nc.close());
  return nc;
}

/** What `openLine()` makes. */
export interface LineParts {
  readonly server?: NatsServerOptions;
  readonly proxy?: Omit<FaultProxyOptions, "upstream">;
  readonly client?: HoldfastOptions;
}

/** A real server, a proxy in front of it, and a Holdfast connection through it, for one test. */
export async function openLine(t: TestContext, parts: LineParts = {}): Promise<Line> {
  const server = await startServer(t, parts.server);
  const proxy = await startFaultProxy({ upstream: server, ...parts.proxy });
  afterwards(t, () => proxy.stop());
  const undelivered: Undelivered[] = [];
  const nc = await open(t, { servers: proxy.url, onUndelivered: (batch) => void undelivered.push(...batch), ...parts.client });
  return new Line(server, proxy, nc, undelivered);
}

export class Line {
  readonly server: NatsServer;
  readonly proxy: FaultProxy;
  readonly nc: HoldfastConnection;
  /** Everything handed back so far, unless the test has a listener of its own. */
  readonly undelivered: readonly Undelivered[];

  constructor(server: NatsServer, proxy: FaultProxy, nc: HoldfastConnection, undelivered: readonly Undelivered[]) {
    this.server = server;
    this.proxy = proxy;
    this.nc = nc;
    this.undelivered = undelivered;
  }

  /** Resolves when everything that has ended otherwise than confirmed was handed back: that takes turns of the event loop. */
  async handedBack(): Promise<void> {
    await allHandedBack(this.nc, this.undelivered);
  }

  /** RST, and the port stays closed. Resolves when the client has noticed. */
  async down(): Promise<void> {
    const noticed = statusOf(this.nc, "disconnect");
    this.proxy.refuse();
    await this.proxy.cut();
    await noticed;
  }

  /** Opens the port again. Resolves when the client is back. */
  async up(): Promise<void> {
    const back = statusOf(this.nc, "reconnect");
    await this.proxy.accept();
    await back;
  }

  /** RST of this connection alone. Resolves when the client has the next one. */
  async flap(): Promise<void> {
    const back = statusOf(this.nc, "reconnect");
    await this.proxy.cut();
    await back;
  }
}

/** What arrives at a subject, seen by the official client on a connection of its own, straight to the server. */
export async function observe(t: TestContext, server: NatsServer, subject: string): Promise<Observer> {
  const nc = await openOfficial(t, server.url);
  const observer = new Observer(nc, subject);
  await nc.flush();
  return observer;
}

export class Observer {
  readonly messages: Msg[] = [];
  readonly #nc: NatsConnection;

  constructor(nc: NatsConnection, subject: string) {
    this.#nc = nc;
    nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error === null) this.messages.push(msg);
      },
    });
  }

  /** The payloads in the order they came. */
  get texts(): string[] {
    return this.messages.map((msg) => msg.string());
  }

  /** Resolves when all that the server had read from anybody before this call has come here: a PONG comes behind it. */
  async settled(): Promise<void> {
    await this.#nc.flush();
  }
}

/** Subscribes, and keeps what comes as "subject payload". */
export function listen(nc: HoldfastConnection, subject: string, into: string[]): Subscription {
  return nc.subscribe(subject, {
    callback: (_error, msg) => {
      into.push(`${subject} ${msg.string()}`);
    },
  });
}

/** `listen()` for those who do not need the subscription. */
export function collect(nc: HoldfastConnection, subject: string, into: string[] = []): string[] {
  listen(nc, subject, into);
  return into;
}

/** Resolves with the next status of this type. Call it before what causes the status. */
export async function statusOf<T extends Status["type"]>(nc: HoldfastConnection, type: T): Promise<Extract<Status, { type: T }>> {
  for await (const status of nc.status()) if (isOf(status, type)) return status;
  throw new Error(`the connection was closed before a status ${type}`);
}

function isOf<T extends Status["type"]>(status: Status, type: T): status is Extract<Status, { type: T }> {
  return status.type === type;
}

/** Keeps every status from now on. */
export function recordStatuses(nc: HoldfastConnection): Status[] {
  const seen: Status[] = [];
  const reading = (async () => {
    for await (const status of nc.status()) seen.push(status);
  })();
  reading.catch(() => {});
  return seen;
}

/** How many of these statuses have a type. */
export function countOf(statuses: readonly Status[], type: Status["type"]): number {
  return statuses.filter((status) => status.type === type).length;
}

/** Looks every few milliseconds, for what nothing announces. */
export async function until(what: string, holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `not within ${timeoutMs} ms: ${what}`);
    await pause(5);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `from` to `to`, both included, as text. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

/** Resolves when as many messages are in `list` as have ended otherwise than confirmed. */
export function allHandedBack(nc: HoldfastConnection, list: readonly unknown[]): Promise<void> {
  return until("everything is handed back", () => {
    const { rejected, inDoubt, dropped, expired, undeliverable, abandoned } = nc.outbound.counts();
    return list.length === rejected + inDoubt + dropped + expired + undeliverable + abandoned;
  });
}

/** Every accepted message is in exactly one state. */
export function assertIdentity(nc: HoldfastConnection): void {
  const { accepted, confirmed, rejected, inDoubt, dropped, expired, undeliverable, abandoned, inFlight, buffered } =
    nc.outbound.counts();
  const sum = confirmed + rejected + inDoubt + dropped + expired + undeliverable + abandoned + inFlight + buffered;
  assert.equal(accepted, sum, JSON.stringify(nc.outbound.counts()));
}

/**
 * Every one of `published` either arrived, once and in order, or was handed back as in doubt; and nothing else was handed back. A message
 * in doubt may have arrived as well. Messages are told apart by the first word of their payload.
 */
export function assertNothingLost(
  arrived: readonly string[],
  undelivered: readonly Undelivered[],
  published: readonly string[],
): void {
  const came = arrived.map(firstWord);
  const inDoubt = new Set(undelivered.map((message) => firstWord(textOf(message))));
  assert.deepEqual(new Set(undelivered.map((message) => message.state)), new Set(inDoubt.size === 0 ? [] : ["inDoubt"]));
  assert.equal(new Set(came).size, came.length, "a message arrived twice");
  const certain = (word: string): boolean => !inDoubt.has(word);
  assert.deepEqual(came.filter(certain), published.filter(certain));
}

function firstWord(text: string): string {
  return text.trimStart().split(" ", 1)[0] ?? "";
}

export function textOf(message: Undelivered): string {
  return new TextDecoder().decode(message.data);
}
