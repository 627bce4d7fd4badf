/** A real cluster, judged by a subscriber of the official client on a server that stays. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { type NatsCluster, type NatsServer, startCluster } from "../../src/testing/index.ts";
import type { Ground } from "./loss-bed.ts";

const mebibyte = 1024 * 1024;
/** So long nothing new may come until the cluster counts as quiet, ms. */
const quietMs = 300;

/** Three servers; the client under test begins on the first one, the observer is on the last. */
export class ClusterGround implements Ground {
  readonly ca = undefined;
  #cluster: NatsCluster | undefined;
  #observer: NatsConnection | undefined;
  #names = 0;
  readonly #kept = new Map<string, Msg[]>();

  /** Sets itself up before the first test of the file that makes it. */
  constructor() {
    before(async () => {
      this.#cluster = await startCluster(3, {
        config: { max_pending: 256 * mebibyte, lame_duck_duration: "30s", lame_duck_grace_period: "20s" },
      });
      this.#observer = await connect({ servers: this.#server(2).url, ignoreClusterUpdates: true, maxReconnectAttempts: -1 });
    });
    after(async () => {
      await this.#observer?.close();
      await this.#cluster?.stop("SIGKILL");
    });
  }

  get server(): NatsServer {
    return this.#server(0);
  }

  /** The other servers. */
  get others(): string[] {
    return [this.#server(1).url, this.#server(2).url];
  }

  /** Brings back the first server, if it is gone. */
  async heal(): Promise<void> {
    assert.ok(this.#cluster !== undefined);
    await this.server.restart();
    await this.#cluster.whenReady();
  }

  async addStream(): Promise<string> {
    assert.ok(this.#observer !== undefined);
    this.#names += 1;
    const name = `loss${this.#names}`;
    const kept: Msg[] = [];
    this.#kept.set(name, kept);
    this.#observer.subscribe(`${name}.>`, {
      callback: (error, message) => {
        if (error === null) kept.push(message);
      },
    });
    await this.#observer.flush();
    // The interest has to reach the other servers: what comes before it goes nowhere.
    const others = await Promise.all([0, 1].map((index) => connect({ servers: this.#server(index).url })));
    for (const other of others) {
      while (!kept.some((message) => message.subject === `${name}.here.${other.info?.server_name}`)) {
        other.publish(`${name}.here.${other.info?.server_name}`);
        await other.flush();
        await pause(5);
      }
      await other.close();
    }
    return name;
  }

  async readStream(name: string, onMessage: (message: Msg) => void): Promise<void> {
    const kept = this.#kept.get(name) ?? [];
    // What a server has read goes over its routes a moment later.
    for (let before = -1; before !== kept.length; ) {
      before = kept.length;
      await pause(quietMs);
    }
    for (const message of kept) if (!message.subject.startsWith(`${name}.here.`)) onMessage(message);
  }

  #server(index: number): NatsServer {
    const server = this.#cluster?.servers[index];
    assert.ok(server !== undefined);
    return server;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
