import { connect, createServer, type Server, type Socket } from "node:net";
import { listen, listenOnFreePort } from "./ports.ts";
import { type Direction, ProxiedConnection, type ProxiedFrame } from "./proxied-connection.ts";
import { type CutKind, checkedSettings, type FlowControls, type FlowSettings, plainFlow } from "./proxy-flow.ts";

/** Options of {@link startFaultProxy}. */
export interface FaultProxyOptions {
  /** The server: `"nats://127.0.0.1:4222"`, `"127.0.0.1:4222"`, or an object such as a `NatsServer`. */
  readonly upstream: string | { readonly host: string; readonly port: number };
  /** Where the proxy listens (default `127.0.0.1`). */
  readonly host?: string;
  /** Its port (default a free one, chosen so that it is free again after `refuse()`). */
  readonly port?: number;
  /** How many bytes of each direction to keep for `connection.recorded()`, the first ones of each connection (default 0). */
  readonly record?: number;
  /**
   * Called for each NATS frame that was forwarded whole, of both directions, in order of the wire. What was only partly
   * forwarded, or swallowed, is not reported; a stream with a gap or under TLS ends the reports (see `connection.frameError()`).
   */
  readonly onFrame?: (frame: ProxiedFrame) => void;
  /** Called for each new connection before a byte of it is forwarded: the place to set faults of its own. */
  readonly onConnection?: (connection: ProxiedConnection) => void;
}

/** What happens to a new connection: forwarded to the server, or ended on accept by RST (`"reset"`) or FIN (`"close"`). */
export type OnAccept = "forward" | "reset" | "close";

/** Where to cut a connection, counted from its first byte: whichever comes first. */
export interface CutPoint {
  readonly toServer?: number;
  readonly toClient?: number;
  /** `"rst"` unless told otherwise. */
  readonly kind?: CutKind;
}

interface Waiter {
  resolve(connection: ProxiedConnection): void;
  reject(reason: Error): void;
}

/** Starts a proxy in front of a server. It runs in this process: a blocked event loop blocks it too. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const host = options.host ?? "127.0.0.1";
  const { upstream } = options;
  const target = typeof upstream === "string" ? parseAddress(upstream) : { host: upstream.host, port: upstream.port };
  const proxy = new FaultProxy(options, host, target);
  await proxy.accept();
  return proxy;
}

/** A TCP proxy that breaks connections in exact ways. Made by {@link startFaultProxy}; also an async disposable. */
export class FaultProxy {
  readonly host: string;
  /** The server behind it. */
  readonly upstream: { readonly host: string; readonly port: number };
  /** Faults from client to server, of all open connections and those still to come. */
  readonly toServer: FlowControls;
  /** Faults from server to client, of all open connections and those still to come. */
  readonly toClient: FlowControls;
  /** What happens to new connections; may be changed at any time. */
  onAccept: OnAccept = "forward";

  readonly #options: FaultProxyOptions;
  readonly #open: Set<ProxiedConnection> = new Set();
  readonly #sockets: Set<Socket> = new Set();
  readonly #waiters: Set<Waiter> = new Set();
  readonly #settings: Record<Direction, FlowSettings> = { toServer: plainFlow, toClient: plainFlow };
  readonly #bytes: Record<Direction, number> = { toServer: 0, toClient: 0 };
  #server: Server | null = null;
  #port: number;
  #accepted = 0;
  #forwardedConnections = 0;
  #cutNext: CutPoint | null = null;
  #cutEach: CutPoint | null = null;

  /** @internal Use {@link startFaultProxy}. */
  constructor(options: FaultProxyOptions, host: string, upstream: { readonly host: string; readonly port: number }) {
    this.#options = options;
    this.host = host;
    this.upstream = upstream;
    this.#port = options.port ?? 0;
    this.toServer = this.#controls("toServer");
    this.toClient = this.#controls("toClient");
  }

  /** The same for the whole life of the proxy. */
  get port(): number {
    return this.#port;
  }

  /** `nats://host:port`. */
  get url(): string {
    return `nats://${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.#port}`;
  }

  /** The connections that are open now, oldest first. One that was cut is gone at once. */
  get connections(): ProxiedConnection[] {
    return [...this.#open];
  }

  /** How many connections were accepted, those ended on accept included. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes forwarded each way on all connections, also the closed ones. */
  get bytes(): Readonly<Record<Direction, number>> {
    return { ...this.#bytes };
  }

  /** Resolves with the next connection that is forwarded. Rejects after `timeoutMs` (default 10 000) or at `stop()`. */
  nextConnection(timeoutMs: number = 10_000): Promise<ProxiedConnection> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        resolve: (connection) => {
          end();
          resolve(connection);
        },
        reject: (reason) => {
          end();
          reject(reason);
        },
      };
      const timer = setTimeout(
        () => waiter.reject(new Error(`no connection came to ${this.url} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#waiters.add(waiter);
    });
  }

  /** Cuts all open connections, by RST unless told otherwise. Resolves when they have `ended`. */
  async cut(kind: CutKind = "rst"): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.cut(kind)));
  }

  /** Cuts the next connection, and only that, at an exact byte. `null` takes it back. */
  cutNext(point: CutPoint | null): void {
    this.#cutNext = point;
  }

  /** Cuts every new connection at an exact byte. `null` takes it back. `cutNext()` goes before it. */
  cutEach(point: CutPoint | null): void {
    this.#cutEach = point;
  }

  /** Closes the port: new connections are refused by the kernel. Open ones stay. Safe to call again. */
  refuse(): void {
    // Its callback would wait for the open connections; the port itself is closed when close() returns.
    this.#server?.close();
    this.#server = null;
  }

  /** Opens the port again after {@link refuse}. Safe to call again. */
  async accept(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => this.#take(client));
    if (this.#port === 0) this.#port = await listenOnFreePort(server, this.host);
    else await listen(server, this.host, this.#port);
    this.#server = server;
  }

  /** Closes the port and every connection, and resolves when all sockets are closed. Safe to call again. */
  async stop(): Promise<void> {
    this.refuse();
    for (const waiter of [...this.#waiters]) waiter.reject(new Error("the proxy was stopped"));
    for (const connection of this.#open) void connection.cut();
    const closing = [...this.#sockets].map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closing);
  }

  /** The same as `stop()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #controls(direction: Direction): FlowControls {
    const apply = (change: Partial<FlowSettings>): void => {
      this.#settings[direction] = checkedSettings({ ...this.#settings[direction], ...change });
      for (const connection of this.#open) connection.apply(direction, change);
    };
    return {
      forward: () => apply({ mode: "forward" }),
      hold: () => apply({ mode: "hold" }),
      swallow: () => apply({ mode: "swallow" }),
      delay: (delayMs) => apply({ delayMs }),
      throttle: (bytesPerSecond) => apply({ bytesPerSecond }),
    };
  }

  #take(client: Socket): void {
    this.#accepted += 1;
    this.#track(client);
    if (this.onAccept === "reset") {
      client.resetAndDestroy();
      return;
    }
    if (this.onAccept === "close") {
      client.end();
      // Read on until the client closes too: unread bytes would turn our FIN into a RST.
      client.resume();
      return;
    }
    const server = connect({ ...this.upstream, allowHalfOpen: true, noDelay: true });
    this.#track(server);
    client.once("close", () => {
      if (server.connecting) server.destroy();
    });
    const failed = (): void => void client.resetAndDestroy();
    server.once("error", failed);
    server.once("connect", () => {
      server.off("error", failed);
      if (!client.destroyed) this.#forward(client, server);
    });
  }

  #forward(client: Socket, server: Socket): void {
    const connection = new ProxiedConnection(++this.#forwardedConnections, client, server, this.#settings, {
      record: this.#options.record ?? 0,
      onFrame: this.#options.onFrame,
      onBytes: (direction, count) => {
        this.#bytes[direction] += count;
      },
      onOver: () => void this.#open.delete(connection),
    });
    this.#open.add(connection);
    const point = this.#cutNext ?? this.#cutEach;
    this.#cutNext = null;
    if (point?.toServer !== undefined) connection.toServer.cutAfter(point.toServer, point.kind);
    if (point?.toClient !== undefined) connection.toClient.cutAfter(point.toClient, point.kind);
    this.#options.onConnection?.(connection);
    for (const waiter of [...this.#waiters]) waiter.resolve(connection);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    // Every error is followed by 'close', which says all we need.
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const text = address.includes("://") ? address : `nats://${address}`;
  if (!URL.canParse(text))
    throw new TypeError(`upstream "${address}": expected host:port or a URL such as nats://127.0.0.1:4222`);
  const url = new URL(text);
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: url.port === "" ? 4222 : Number(url.port) };
}
