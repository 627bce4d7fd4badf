import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { listenOnFreePort } from "../../src/testing/ports.ts";
import type { Endpoint } from "../../src/transport/transport.ts";

/** A server whose every connection a test handles. Closed, with its sockets, at the end of the test. */
export async function rawServer(t: TestContext, handle: (raw: Socket) => void): Promise<Endpoint> {
  const sockets = new Set<Socket>();
  const listener = createServer((raw) => {
    sockets.add(raw);
    raw.on("error", () => {});
    raw.once("close", () => sockets.delete(raw));
    handle(raw);
  });
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
    await once(listener, "close");
  });
  return { hostname: "127.0.0.1", port: await listenOnFreePort(listener), tlsName: "localhost" };
}

/** A server that speaks TLS from the first byte. `handle` gets each connection when its handshake is done. */
export function tlsServer(
  t: TestContext,
  options: TLSSocketOptions,
  handle: (socket: TLSSocket, raw: Socket) => void = () => {},
): Promise<Endpoint> {
  return rawServer(t, (raw) => {
    const socket = new TLSSocket(raw, { ...options, isServer: true });
    socket.on("error", () => {});
    socket.once("secure", () => handle(socket, raw));
  });
}
