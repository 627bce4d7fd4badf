/**
 * Free TCP ports for test servers, chosen outside the range from which the kernel takes ports for outgoing connections
 * (`bind(0)` chooses inside it). Two things go wrong inside that range, rarely and then inexplicably:
 * - while a server is down, someone's outgoing connection gets its port, and the server cannot come back to it;
 * - a client that dials a closed port on its own host can be given that very port as its source, and connects to itself.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

/** How many ports are tried before we give up: with half of all ports taken this fails once in 10^9. */
const attempts = 30;
const loopback = "127.0.0.1";
const lowest = 10_000;
const highest = 65_535;
/** A range smaller than this would make collisions between test processes likely. */
const enough = 1_000;

/**
 * A port on which nothing listens at `host` (default `127.0.0.1`) at this moment. Another process may take it before you do: use
 * it for programs that must be told their port, and try again with another one when they cannot bind it. For a listener in this
 * process use {@link listenOnFreePort}, which has no such gap.
 *
 * Rejects when no port could be bound in 30 attempts, with the last reason.
 */
export async function freePort(host: string = loopback): Promise<number> {
  const probe = createServer();
  const port = await listenOnFreePort(probe, host);
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

/** Makes `server` listen on a free port of `host` and resolves with that port. Rejects like {@link freePort}. */
export async function listenOnFreePort(server: Server, host: string = loopback): Promise<number> {
  let reason: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = nextPort();
    try {
      await listen(server, host, port);
      return port;
    } catch (error) {
      reason = error;
    }
  }
  throw new Error(`no free port found on ${host} in ${attempts} attempts`, { cause: reason });
}

/** Makes `server` listen on exactly this port. Rejects with the system's error, leaving no listener behind. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off("listening", succeeded);
      reject(error);
    };
    const succeeded = (): void => {
      server.off("error", failed);
      resolve();
    };
    server.once("error", failed);
    server.once("listening", succeeded);
    server.listen({ host, port, exclusive: true });
  });
}

/** How many ports belong to one process. */
const BLOCK = 128;
let offset = Math.floor(Math.random() * BLOCK);

/**
 * Each process goes round a block of its own, by its id: a proxy or server that is down for a while leaves its port free, and must find it
 * free again. When each took any of the whole range at random, another test process was seen to take such a port.
 */
function nextPort(): number {
  const [from, to] = quietRange();
  const blocks = Math.floor((to - from + 1) / BLOCK);
  offset = (offset + 1) % BLOCK;
  return from + (process.pid % blocks) * BLOCK + offset;
}

let cachedRange: readonly [number, number] | undefined;

/**
 * The ports above 10 000 that the kernel does not hand out by itself: below its range if that leaves enough, else above, else
 * all.
 */
function quietRange(): readonly [number, number] {
  if (cachedRange !== undefined) return cachedRange;
  const [low, high] = ephemeralRange();
  if (low - lowest >= enough) cachedRange = [lowest, low - 1];
  else if (highest - high >= enough) cachedRange = [high + 1, highest];
  else cachedRange = [lowest, highest];
  return cachedRange;
}

function ephemeralRange(): readonly [number, number] {
  try {
    const [low, high] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
    if (Number.isInteger(low) && Number.isInteger(high) && low !== undefined && high !== undefined) return [low, high];
  } catch {
    // Not Linux, or no /proc.
  }
  // What IANA says, and what macOS and Windows use.
  return [49_152, 65_535];
}
