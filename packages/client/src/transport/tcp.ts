import { lookup } from "node:dns/promises";
import { createConnection, type Socket } from "node:net";
import { Inlet } from "./inlet.ts";
import { isNode } from "./platform.ts";
import { dialError, resolveError } from "./socket-errors.ts";
import { SocketLink } from "./socket-link.ts";
import { startTls } from "./tls.ts";
import type { Endpoint, Link, LinkHandler, SecureOptions, Transport } from "./transport.ts";

/** TCP by `node:net`, with TLS by `node:tls` from the first byte (`handshakeFirst`) or later (`link.secure()`). */
export function tcpTransport(): Transport {
  return { resolve, dial };
}

/** All addresses, IPv4 and IPv6, in the order of the system's resolver. Nothing is cached here. */
async function resolve(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true }).catch((cause: unknown) => {
    throw resolveError(hostname, cause);
  });
  if (found.length === 0) throw resolveError(hostname, new Error("the resolver knows no address"));
  return [...new Set(found.map((entry) => entry.address))];
}

async function dial(
  endpoint: Endpoint,
  handler: LinkHandler,
  options: { readonly signal: AbortSignal; readonly secure?: SecureOptions },
): Promise<Link> {
  const { signal, secure } = options;
  signal.throwIfAborted();
  // On Deno, with an inlet, an INFO that came early was lost now and then, and TLS after it failed always.
  const inlet = secure?.handshakeFirst === true || !isNode ? undefined : new Inlet();
  const raw = open(endpoint, inlet);
  const abort = (): void => {
    raw.destroy();
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    await connected(raw, endpoint);
    const socket = secure?.handshakeFirst === true ? await startTls(raw, secure, endpoint) : raw;
    signal.throwIfAborted();
    // No event can come between this line and the caller's: promise jobs run before the next I/O.
    if (socket.destroyed) throw dialError(endpoint, new Error("closed as soon as it was connected"));
    return new SocketLink(raw, socket, inlet, endpoint, handler);
  } catch (error) {
    raw.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** With an inlet that is where its bytes go; without one they are `data` events. */
function open(endpoint: Endpoint, inlet: Inlet | undefined): Socket {
  try {
    // keepAlive with the system's own delay: dead links are found by fences and heartbeats, this is for what stands in between.
    const reads = inlet === undefined ? {} : { onread: inlet.onread };
    return createConnection({ host: endpoint.hostname, port: endpoint.port, noDelay: true, keepAlive: true, ...reads });
  } catch (cause) {
    throw dialError(endpoint, cause); // a port that is none
  }
}

/** Its listeners are gone when it settles, but not the one for errors: an error without a listener would end the process. */
function connected(socket: Socket, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const succeeded = (): void => {
      socket.off("close", closed);
      resolve();
    };
    const closed = (): void => reject(dialError(endpoint, new Error("closed before it was connected")));
    socket.on("error", (cause) => reject(dialError(endpoint, cause)));
    socket.once("connect", succeeded);
    socket.once("close", closed);
  });
}
