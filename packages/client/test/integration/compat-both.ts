import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { errors, type NatsConnection, type Status } from "@nats-io/nats-core";
import { connect as connectOfficial, type NodeConnectionOptions } from "@nats-io/transport-node";
import { connect } from "../../src/index.ts";
import { type FaultProxy, type NatsServer, serverVersionAtLeast, startFaultProxy } from "../../src/testing/index.ts";
import { Bed } from "../client/harness.ts";

/** For every test of these files: a test that hangs is then named, instead of its file. */
export const limit = { timeout: 30_000 } as const;

type Side = "nats.js" | "holdfast";

/** What a scenario is run with: one of the two clients, on a real server. */
export class Client {
  readonly side: Side;
  readonly server: NatsServer;
  readonly #undo: (() => Promise<unknown>)[] = [];

  constructor(side: Side, server: NatsServer) {
    this.side = side;
    this.server = server;
  }

  /** A connection of the client under test; it reconnects at once unless told otherwise. */
  async open(options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    const nc = await this.connect({ ...quick, ...(options.port === undefined ? { servers: this.server.url } : {}), ...options });
    this.afterwards(() => nc.close());
    return nc;
  }

  /** The client's own `connect()`, with nothing added. Who calls it closes what it gives. */
  connect(options?: NodeConnectionOptions): Promise<NatsConnection> {
    return this.side === "holdfast" ? connect(options) : connectOfficial(options);
  }

  /** Somebody else on the server, always the official client. */
  async peer(): Promise<NatsConnection> {
    const nc = await connectOfficial({ ...quick, servers: this.server.url });
    this.afterwards(() => nc.close());
    return nc;
  }

  /** A proxy in front of the server, to break links. */
  async proxy(): Promise<FaultProxy> {
    const proxy = await startFaultProxy({ upstream: this.server });
    this.afterwards(() => proxy.stop());
    return proxy;
  }

  /** Undone in reverse order when the scenario is over. */
  afterwards(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  async end(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
  }
}

const quick = { reconnectTimeWait: 10, reconnectJitter: 0, maxReconnectAttempts: -1 } as const;

/** What a client did in a scenario. */
type Scenario<T> = (client: Client) => Promise<T>;

/** One real server for all tests of a file, and each scenario run on it with the official client, then with Holdfast. */
export class Both extends Bed {
  /** Both clients do the same, and it is this. */
  async agree<T>(scenario: Scenario<T>, expected: T): Promise<void> {
    await this.differ(scenario, { natsJs: expected, holdfast: expected });
  }

  /** nats.js does the one, Holdfast does the other: a deliberate difference. */
  async differ<T>(scenario: Scenario<T>, expected: { readonly natsJs: T; readonly holdfast: T }): Promise<void> {
    assert.deepEqual(await this.#run("nats.js", scenario), expected.natsJs, "nats.js does something else");
    assert.deepEqual(await this.#run("holdfast", scenario), expected.holdfast, "Holdfast does something else");
  }

  /** False, and the test is skipped with the reason, when the server is older than `version`. */
  hasAtLeast(t: TestContext, version: string): boolean {
    if (serverVersionAtLeast(this.server.version, version)) return true;
    t.skip(`needs nats-server ${version} or newer; this is ${this.server.version}`);
    return false;
  }

  async #run<T>(side: Side, scenario: Scenario<T>): Promise<T> {
    const client = new Client(side, this.server);
    try {
      return await scenario(client);
    } finally {
      await client.end();
    }
  }
}

/** Class and message of an error, and of a cause that is nats-core's, too. A class of nats-core's must be nats-core's own. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return `not an error: ${String(error)}`;
  const { name } = error.constructor;
  const own = Object.entries(errors).find(([known]) => known === name)?.[1];
  const shown = own === undefined || own === error.constructor ? name : `another ${name}`;
  const { cause } = error;
  const isCore = Object.values(errors).some((known) => cause instanceof known);
  return `${shown}: ${error.message}${isCore ? ` (${describe(cause)})` : ""}`;
}

/** What a promise came to, or a call that may throw. */
export async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return describe(error);
  }
}

/** What comes of a promise within ten seconds, which is more than any of these options allows. */
export async function soon(promise: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, 10_000, "nothing within 10 s");
  });
  try {
    return await Promise.race([outcome(() => promise), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Closes what came of a connect() that a test does not wait for. */
export function closing(client: Client, connecting: Promise<NatsConnection>): void {
  client.afterwards(() =>
    connecting.then(
      (nc) => nc.close(),
      () => {},
    ),
  );
}

/** Keeps every status from now on. */
export function recordStatuses(nc: NatsConnection): Status[] {
  const seen: Status[] = [];
  const reading = (async () => {
    for await (const status of nc.status()) seen.push(status);
  })();
  reading.catch(() => {});
  return seen;
}

/** The types in their order, without `update`, of which nats.js sends one with every INFO, and runs of one type as one. */
export function typesOf(statuses: readonly Status[]): string[] {
  const types = statuses.map(({ type }) => type).filter((type) => type !== "update");
  return types.filter((type, at) => type !== types[at - 1]);
}

/** Resolves with the next status of this type. Call it before what causes the status. */
export async function next<T extends Status["type"]>(nc: NatsConnection, type: T): Promise<Extract<Status, { type: T }>> {
  for await (const status of nc.status()) if (isOf(status, type)) return status;
  throw new Error(`the connection was closed before a status ${type}`);
}

function isOf<T extends Status["type"]>(status: Status, type: T): status is Extract<Status, { type: T }> {
  return status.type === type;
}

/** The payloads of an iteration, to its end or for `count` of them. */
export async function texts(source: AsyncIterable<{ string(): string }>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const seen: string[] = [];
  if (count === 0) return seen;
  for await (const msg of source) {
    seen.push(msg.string());
    if (seen.length === count) break;
  }
  return seen;
}
