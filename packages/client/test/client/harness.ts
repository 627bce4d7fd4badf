import { after, before, type TestContext } from "node:test";
import type { Status } from "@nats-io/nats-core";
import { connect, type HoldfastConnection, type HoldfastOptions } from "../../src/index.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../src/testing/index.ts";

/** A real server for all tests of a file. */
export class Bed {
  #server: NatsServer | undefined;

  constructor(options: NatsServerOptions = {}) {
    before(async () => {
      this.#server = await startNatsServer(options);
    });
    after(() => this.#server?.stop());
  }

  get server(): NatsServer {
    if (this.#server === undefined) throw new Error("the server is not started before the first test");
    return this.#server;
  }

  /** A connection that is closed after the test, however that ends. */
  async connect(t: TestContext, options: HoldfastOptions = {}): Promise<HoldfastConnection> {
    // A test that failed while the server was away must not take the others with it.
    if (this.server.state !== "running") await this.server.restart();
    return await connected(t, { servers: this.server.url, ...options });
  }
}

/** See `Bed.connect()`; reconnects at once unless told otherwise. */
export async function connected(t: Pick<TestContext, "after">, options: HoldfastOptions): Promise<HoldfastConnection> {
  const nc = await connect({ reconnectTimeWait: 10, reconnectJitter: 0, ...options });
  t.after(() => nc.close());
  return nc;
}

/** Resolves with the next status of this type. Call it before what causes the status. */
export async function statusOf<T extends Status["type"]>(nc: HoldfastConnection, type: T): Promise<Extract<Status, { type: T }>> {
  for await (const status of nc.status()) if (isOf(status, type)) return status;
  throw new Error(`the connection was closed before a status ${type}`);
}

function isOf<T extends Status["type"]>(status: Status, type: T): status is Extract<Status, { type: T }> {
  return status.type === type;
}

/** The items of an iteration, to its end. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
