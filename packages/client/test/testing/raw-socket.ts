import { connect, createServer, type Server, type Socket } from "node:net";
import { listenOnFreePort } from "../../src/testing/ports.ts";

/** How a socket ended: by the peer's FIN, by its RST (or another error), or by ourselves. */
export type RawEnd = "fin" | "rst" | "local";

/** One end of a plain TCP connection, as tests need it. */
export class RawSocket {
  readonly socket: Socket;
  /** Resolves at the first of FIN, error and our own destroy. */
  readonly ended: Promise<RawEnd>;
  #parts: Buffer[] = [];
  #length = 0;
  readonly #watchers: Set<() => void> = new Set();

  constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      socket.once("end", () => resolve("fin"));
      socket.once("error", () => resolve("rst"));
      socket.once("close", () => resolve("local"));
    });
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      this.#parts.push(bytes);
      this.#length += bytes.length;
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  get length(): number {
    return this.#length;
  }

  get received(): Buffer {
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  /** Resolves when `done()` is true, asked after each chunk. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const watcher = (): void => {
        if (!done()) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  untilText(text: string): Promise<void> {
    return this.until(() => this.text.includes(text));
  }

  untilLength(length: number): Promise<void> {
    return this.until(() => this.#length >= length);
  }

  /** Resolves when the bytes are with the kernel. */
  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(data, () => resolve()));
  }
}

export function dial(port: number, allowHalfOpen: boolean = true): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new RawSocket(socket));
    });
  });
}

/** A TCP server that records what each connection sends and never answers by itself. */
export class RawServer {
  readonly connections: RawSocket[] = [];
  port = 0;
  readonly #server: Server;
  readonly #waiters: ((socket: RawSocket) => void)[] = [];

  constructor(allowHalfOpen: boolean = true) {
    this.#server = createServer({ allowHalfOpen, noDelay: true }, (socket) => {
      const raw = new RawSocket(socket);
      this.connections.push(raw);
      this.#waiters.shift()?.(raw);
    });
  }

  static async start(allowHalfOpen?: boolean): Promise<RawServer> {
    const server = new RawServer(allowHalfOpen);
    server.port = await listenOnFreePort(server.#server);
    return server;
  }

  next(): Promise<RawSocket> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
