/** A real server with JetStream for all tests of a file, set up so that nothing but the client under test can lose a message. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before } from "node:test";
import { AckPolicy, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import {
  findNatsServer,
  type NatsServer,
  type ServerConfig,
  serverVersionAtLeast,
  startNatsServer,
} from "../../src/testing/index.ts";

/** Certificate and key of a server as files, and who vouches for it as PEM. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: string;
  remove(): void;
}

/** Where runs take place: a server, and somebody who can tell afterwards what it got. */
export interface Ground {
  readonly server: NatsServer;
  /** What the server's certificate is to be held against; `undefined` without TLS. */
  readonly ca: string | undefined;
  /** Begins to keep what is published below a new name, which it returns. */
  addStream(storage?: StorageType): Promise<string>;
  /** Gives `onMessage` everything that was kept, from first to last, all that the server has read by now included. */
  readStream(name: string, onMessage: (message: Msg) => void): Promise<void>;
}

const mebibyte = 1024 * 1024;
/** The longest message that any run publishes, and some. */
const maxPayload = 16 * mebibyte;

/** The server, and the official client on a connection straight to it: the client under test takes no part in judging itself. */
export class Bed implements Ground {
  #server: NatsServer | undefined;
  #observer: NatsConnection | undefined;
  #tls: TlsFiles | undefined;
  #streams = 0;

  /** Sets itself up before the first test of the file that makes it; under TLS if there are `tls` files. */
  constructor(tls: () => Promise<TlsFiles | undefined> = async () => undefined) {
    before(async () => {
      this.#tls = await tls();
      this.#server = await startNatsServer({ jetStream: roomForAll(), config: configFor(this.#tls) });
      this.#observer = await connect({
        servers: this.#server.url,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 50,
        timeout: 10_000,
        ...(this.#tls === undefined ? {} : { tls: { ca: this.#tls.ca } }),
      });
    });
    after(async () => {
      await this.#observer?.close();
      await this.#server?.stop();
      this.#tls?.remove();
    });
  }

  get server(): NatsServer {
    assert.ok(this.#server !== undefined);
    return this.#server;
  }

  /** What the server's certificate is to be held against; `undefined` without TLS. */
  get ca(): string | undefined {
    return this.#tls?.ca;
  }

  get #client(): NatsConnection {
    assert.ok(this.#observer !== undefined);
    return this.#observer;
  }

  /** A stream for one run, of all subjects below its name. */
  async addStream(storage: StorageType = StorageType.Memory): Promise<string> {
    this.#streams += 1;
    const name = `loss${this.#streams}`;
    const manager = await jetstreamManager(this.#client);
    await manager.streams.add({ name, subjects: [`${name}.>`], storage });
    return name;
  }

  /** Gives `onMessage` everything in the stream, from first to last, all that the server has read by now included. */
  async readStream(name: string, onMessage: (message: Msg) => void): Promise<void> {
    const end = await this.#publishEnd(name);
    const inbox = createInbox();
    const complete = new Promise<void>((resolve, reject) => {
      const subscription = this.#client.subscribe(inbox, {
        callback: (error, message) => {
          if (error === null && message.subject !== end) {
            if (!message.subject.startsWith(`${name}.end.`)) onMessage(message);
            return;
          }
          subscription.unsubscribe();
          if (error === null) resolve();
          else reject(error);
        },
      });
    });
    const manager = await jetstreamManager(this.#client);
    await manager.consumers.add(name, { deliver_subject: inbox, ack_policy: AckPolicy.None });
    await complete;
  }

  /**
   * It goes through the stream's queue behind everything that the server has read: when it is stored, so is the rest. Tried again, since the
   * server may have been down a moment ago.
   */
  async #publishEnd(name: string): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const subject = `${name}.end.${attempt}`;
      try {
        await jetstream(this.#client).publish(subject, "", { timeout: 1_000 });
        return subject;
      } catch (error) {
        if (attempt === 24) throw error;
      }
    }
  }
}

function configFor(tls: TlsFiles | undefined): ServerConfig {
  const own = { max_payload: maxPayload, max_pending: 256 * mebibyte };
  return tls === undefined ? own : { ...own, tls: { cert_file: tls.certFile, key_file: tls.keyFile } };
}

/**
 * A stream takes core publishes from a queue: with this it never overflows, so that what is missing is the client's fault. Servers before
 * 2.11 have no limit there, and do not know the options.
 */
function roomForAll(): true | ServerConfig {
  const version = /\d+\.\d+\.\d+\S*/.exec(execFileSync(findNatsServer(), ["--version"], { encoding: "utf8" }))?.[0] ?? "";
  if (!serverVersionAtLeast(version, "2.11.0")) return true;
  return { max_buffered_msgs: 2_000_000, max_buffered_size: 2048 * mebibyte };
}
