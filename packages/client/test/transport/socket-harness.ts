import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { freePort, listenOnFreePort } from "../../src/testing/ports.ts";
import { guardProcess } from "../../src/testing/process-guard.ts";
import type { ContractPeer, TransportHarness } from "../../src/testing/transport-contract.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import type { Endpoint, LinkHandler } from "../../src/transport/transport.ts";
import { authority, certificate } from "./certificates.ts";
import { socketPeer } from "./socket-peer.ts";

/** In the clear; TLS from the first byte; or a line in the clear, as a NATS server sends, and then TLS. */
export type SocketKind = "tcp" | "handshake-first" | "upgrade";

const greeting = "INFO {}\r\n";
const identity = authority("holdfast test authority").then(async (ca) => ({
  ca: ca.cert,
  server: await certificate(ca, ["localhost"], ["127.0.0.1"]),
}));

/** The contract suite's view of `tcpTransport()`, with a server in this process. */
export async function socketHarness(kind: SocketKind): Promise<TransportHarness> {
  const { ca, server } = await identity;
  const accepted = new Queue<ContractPeer>();
  const raws = new Set<Socket>();
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: kind === "tcp" }, (raw) => {
    raws.add(raw);
    raw.on("error", () => {});
    raw.once("close", () => raws.delete(raw));
    if (kind === "tcp") {
      accepted.push(socketPeer(raw, raw));
      return;
    }
    if (kind === "upgrade") raw.write(greeting);
    const secured = new TLSSocket(raw, { isServer: true, cert: server.cert, key: server.key });
    secured.on("error", () => {});
    secured.once("secure", () => accepted.push(socketPeer(raw, secured)));
  });
  const port = await listenOnFreePort(listener);
  const endpoint: Endpoint = { hostname: "127.0.0.1", port, tlsName: "localhost" };
  const transport = tcpTransport();
  const drop = (): void => {
    for (const raw of raws) raw.destroy();
  };
  const secure = kind === "handshake-first" ? { secure: { ca, handshakeFirst: true } } : {};

  return {
    transport,
    endpoint,
    refusing: { ...endpoint, port: await freePort() },
    encrypted: kind !== "tcp",
    ...secure,
    accepted: () => accepted.take(),
    open: async (handler) => {
      const signal = new AbortController().signal;
      if (kind !== "upgrade") {
        const [link, peer] = await Promise.all([transport.dial(endpoint, handler, { signal, ...secure }), accepted.take()]);
        return { link, peer };
      }
      const greeted = new GreetedHandler(handler);
      const link = await transport.dial(endpoint, greeted, { signal });
      await greeted.greeted;
      const [peer] = await Promise.all([accepted.take(), link.secure({ ca }, "localhost")]);
      return { link, peer };
    },
    spawn: (hold) => {
      const child = spawn(
        process.execPath,
        [...process.execArgv, fileURLToPath(new URL("holding-process.ts", import.meta.url)), kind, `${port}`, `${hold}`, ca],
        { stdio: ["ignore", "inherit", "inherit"] },
      );
      // It ends by itself, unless the transport is broken.
      if (child.pid === undefined) throw new Error("no process");
      const release = guardProcess(child.pid);
      const exited = once(child, "exit").then(([code]) => code);
      void exited.finally(release);
      return { exited };
    },
    drop,
    close: async () => {
      drop();
      listener.close();
      await once(listener, "close");
    },
  };
}

/** Keeps the line in the clear from the handler that the suite watches. */
class GreetedHandler implements LinkHandler {
  readonly greeted: Promise<void>;
  readonly #handler: LinkHandler;
  #greet: () => void = () => {};
  #left = greeting;

  constructor(handler: LinkHandler) {
    this.#handler = handler;
    this.greeted = new Promise((resolve) => {
      this.#greet = resolve;
    });
  }

  data(bytes: Uint8Array): void {
    if (this.#left === "") {
      this.#handler.data(bytes);
      return;
    }
    const text = Buffer.from(bytes).toString();
    if (!this.#left.startsWith(text)) throw new Error(`in the clear came ${JSON.stringify(text)}`);
    this.#left = this.#left.slice(text.length);
    if (this.#left === "") this.#greet();
  }

  taken(): void {
    this.#handler.taken();
  }

  closed(error: Error | null): void {
    this.#handler.closed(error);
  }
}

/** Takers wait for what is pushed, in order. */
class Queue<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  push(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  take(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#takers.push(resolve)) : Promise.resolve(item);
  }
}
