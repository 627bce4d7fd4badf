import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocketOptions } from "node:tls";
import { FakeConnection } from "./fake-connection.ts";
import { FakeRouter } from "./fake-router.ts";
import { listen, listenOnFreePort } from "./ports.ts";

/** What a fake server does with a connection. A rejection is a failed expectation: `stop()` reports it. */
export type FakeScript = (connection: FakeConnection) => void | Promise<void>;

/** Options of {@link startFakeServer}. */
export interface FakeServerOptions {
  /** Run for each connection (default: `connection.serve()`, a small real server). */
  readonly script?: FakeScript;
  /** Fields of INFO beside or instead of the usual ones; `undefined` leaves one out. */
  readonly info?: Readonly<Record<string, unknown>>;
  /** Where it listens (default `127.0.0.1`). */
  readonly host?: string;
  /** Its port (default a free one). */
  readonly port?: number;
  /** Certificate and key as for `node:tls`: connections that are served upgrade to TLS. */
  readonly tls?: TLSSocketOptions;
  /** TLS before INFO, as a server with `handshake_first` (default `false`). */
  readonly tlsFirst?: boolean;
  /**
   * How many bytes of commands each connection keeps (default 64 MiB); those beyond are counted, not kept, and cannot be read by
   * a script.
   */
  readonly recordBytes?: number;
  /** How long a script waits for a command, in milliseconds (default 10 000). */
  readonly timeoutMs?: number;
}

/** Starts a fake NATS server on loopback, in this process. */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const server = new FakeServer(options);
  await server.accept();
  return server;
}

/** A scriptable NATS server. Made by {@link startFakeServer}; also an async disposable. */
export class FakeServer {
  readonly host: string;
  /** What it does with new connections; may be changed at any time. */
  script: FakeScript;
  /** The fields of INFO for new connections; may be changed at any time. */
  info: Readonly<Record<string, unknown>>;
  /** What went wrong in scripts so far. */
  readonly failures: Error[] = [];

  readonly #options: FakeServerOptions;
  readonly #router: FakeRouter = new FakeRouter();
  readonly #open: Map<Socket, FakeConnection> = new Map();
  readonly #scripts: Set<Promise<void>> = new Set();
  readonly #waiters: Set<{ resolve(connection: FakeConnection): void; reject(reason: Error): void }> = new Set();
  #server: Server | null = null;
  #port: number;
  #accepted = 0;
  #stopping = false;

  /** @internal Use {@link startFakeServer}. */
  constructor(options: FakeServerOptions) {
    this.#options = options;
    this.host = options.host ?? "127.0.0.1";
    this.#port = options.port ?? 0;
    this.script = options.script ?? ((connection) => connection.serve());
    this.info = options.info ?? {};
  }

  /** The same for the whole life of the server. */
  get port(): number {
    return this.#port;
  }

  /** `nats://host:port`. */
  get url(): string {
    return `nats://${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.#port}`;
  }

  /** The connections that are open now, oldest first. */
  get connections(): FakeConnection[] {
    return [...this.#open.values()];
  }

  /** How many connections were accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Resolves with the next connection. Rejects after the option `timeoutMs` or at `stop()`. */
  nextConnection(): Promise<FakeConnection> {
    const { timeoutMs = 10_000 } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => waiter.reject(new Error(`no connection came to ${this.url} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const end = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter = {
        resolve: (connection: FakeConnection): void => {
          end();
          resolve(connection);
        },
        reject: (reason: Error): void => {
          end();
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Closes the port: new connections are refused by the kernel. Open ones stay. Safe to call again. */
  refuse(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** Opens the port again after {@link refuse}. Safe to call again. */
  async accept(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ noDelay: true }, (socket) => this.#take(socket));
    if (this.#port === 0) this.#port = await listenOnFreePort(server, this.host);
    else await listen(server, this.host, this.#port);
    this.#server = server;
  }

  /**
   * Closes the port and every connection, and resolves when all is closed and every script has ended. Rejects with an
   * `AggregateError` when an expectation of a script failed before.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.refuse();
    for (const waiter of [...this.#waiters]) waiter.reject(new Error("the fake server was stopped"));
    const closing = this.connections.map((connection) => connection.closed);
    for (const socket of this.#open.keys()) socket.destroy();
    await Promise.all([...closing, ...this.#scripts]);
    const failures = this.failures.splice(0);
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} script(s) of the fake server failed: ${failures[0]?.message}`);
  }

  /** The same as `stop()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #take(socket: Socket): void {
    const { tls = null, tlsFirst = false, recordBytes = 64 * 1024 * 1024, timeoutMs = 10_000 } = this.#options;
    const connection = new FakeConnection(socket, {
      id: ++this.#accepted,
      info: this.#infoFields(socket),
      router: this.#router,
      tls,
      tlsFirst,
      recordBytes,
      timeoutMs,
    });
    this.#open.set(socket, connection);
    socket.once("close", () => this.#open.delete(socket));
    const running = this.#run(connection).finally(() => this.#scripts.delete(running));
    this.#scripts.add(running);
    for (const waiter of [...this.#waiters]) waiter.resolve(connection);
  }

  async #run(connection: FakeConnection): Promise<void> {
    try {
      await this.script(connection);
    } catch (error) {
      // Scripts that still wait when the test ends have done nothing wrong.
      if (!this.#stopping) this.failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #infoFields(socket: Socket): Readonly<Record<string, unknown>> {
    return {
      server_id: "FAKE",
      server_name: "fake",
      version: "2.15.2",
      proto: 1,
      host: this.host,
      port: this.#port,
      headers: true,
      max_payload: 1024 * 1024,
      client_ip: socket.remoteAddress,
      ...this.info,
    };
  }
}
