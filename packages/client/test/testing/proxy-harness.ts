import type { TestContext } from "node:test";
import { type FaultProxy, type FaultProxyOptions, startFaultProxy } from "../../src/testing/fault-proxy.ts";
import type { ProxiedConnection } from "../../src/testing/proxied-connection.ts";
import { dial, RawServer, type RawSocket } from "./raw-socket.ts";

/** A raw server, a proxy in front of it, and pairs of sockets through both; all gone when the test ends. */
export interface ProxyHarness {
  readonly server: RawServer;
  readonly proxy: FaultProxy;
  connect(): Promise<ProxiedPair>;
}

export interface ProxiedPair {
  readonly client: RawSocket;
  readonly server: RawSocket;
  readonly link: ProxiedConnection;
}

export async function proxyHarness(
  context: TestContext,
  options: Omit<FaultProxyOptions, "upstream"> & { readonly halfOpenServer?: boolean } = {},
): Promise<ProxyHarness> {
  const { halfOpenServer, ...rest } = options;
  const server = await RawServer.start(halfOpenServer);
  const proxy = await startFaultProxy({ upstream: `127.0.0.1:${server.port}`, ...rest });
  const clients: RawSocket[] = [];
  context.after(async () => {
    for (const { socket } of clients) socket.destroy();
    await proxy.stop();
    await server.stop();
  });
  return {
    server,
    proxy,
    connect: async () => {
      const waiting = Promise.all([proxy.nextConnection(), server.next()]);
      const client = await dial(proxy.port);
      clients.push(client);
      const [link, accepted] = await waiting;
      return { client, server: accepted, link };
    },
  };
}

/** `length` bytes that differ by place, so that a gap or a swap shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8) * 7) & 0xff;
  return bytes;
}
