/**
 * Connections that the client ends itself while a chunk still waits for the kernel: whether that chunk still goes out or is forgotten, its
 * last message must not be sent twice, nor handed back as one that the server cannot have. On memory links, since no test can tell a
 * real kernel when to be full.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "../../src/client/open.ts";
import type { HoldfastConnection, HoldfastOptions, Undelivered } from "../../src/index.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import { type WireFrame, WireReader } from "../../src/testing/index.ts";
import { type MemoryPeer, memoryTransport } from "../../src/transport/memory.ts";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";
import { limit, pause } from "./loss-rig.ts";

/** What the kernel of each link takes before its peer reads, bytes. */
const capacity = 1_000;

/** A server on the other end of memory links. */
class Server {
  /** The messages that arrived whole, on all links. */
  readonly arrived: string[] = [];
  readonly peers: MemoryPeer[] = [];

  accept(peer: MemoryPeer): void {
    this.peers.push(peer);
    const reader = new WireReader((frame) => this.#answer(peer, frame));
    peer.receive((bytes) => reader.push(bytes));
    peer.onEnd((how) => (how === "fin" ? peer.fin() : undefined));
    const info = { server_id: "S", server_name: "s", version: "2.15.2", proto: 1, max_payload: 1_048_576, headers: true };
    peer.send(Buffer.from(`INFO ${JSON.stringify(info)}\r\n`));
    this.#readers.set(peer, reader);
  }

  /** Reads no more. */
  hold(): void {
    for (const peer of this.peers) peer.receive(null);
  }

  /** Reads what it held. */
  forward(): void {
    for (const peer of this.peers) peer.receive((bytes) => this.#readers.get(peer)?.push(bytes));
  }

  readonly #readers = new Map<MemoryPeer, WireReader>();

  #answer(peer: MemoryPeer, { verb, payload }: WireFrame): void {
    if (verb === "PING") peer.send(Buffer.from("PONG\r\n"));
    if (verb === "PUB" && payload !== null) this.arrived.push(Buffer.from(payload).toString().trim());
  }
}

/** A client on a held link: one message in flight, the next one begun, its end outside of the kernel; three more behind it. */
async function blocked(
  options: HoldfastOptions,
): Promise<{ nc: HoldfastConnection; server: Server; undelivered: Undelivered[] }> {
  const server = new Server();
  const undelivered: Undelivered[] = [];
  const transport = memoryTransport({ runtime: nodeRuntime, capacity, accept: (peer) => server.accept(peer) });
  const resolved = resolveOptions({
    servers: "memory:1",
    fenceDelay: 60_000,
    reconnectTimeWait: 10,
    reconnectJitter: 0,
    ...options,
    onUndelivered: (batch: readonly Undelivered[]) => void undelivered.push(...batch),
  });
  const nc = await open(resolved, { transport, runtime: nodeRuntime, log: () => {} });
  server.hold();
  nc.publish("a", "1".padEnd(600));
  await pause(10);
  // The last item of its chunk: with this `fenceDelay` no PING comes behind it.
  nc.publish("a", "2".padEnd(600));
  await pause(10);
  assert.ok((server.peers[0]?.unsent ?? 0) > 0, "nothing waits for the kernel");
  for (const text of ["3", "4", "5"]) nc.publish("a", text);
  return { nc, server, undelivered };
}

/** Each message arrived at most once, is in doubt if it may have gone, and arrived in none of the states that deny it. */
function assertNoLie(server: Server, undelivered: readonly Undelivered[]): void {
  const arrived = server.arrived.toSorted();
  assert.deepEqual(arrived, [...new Set(arrived)], "a message arrived twice");
  const denied = undelivered.filter(({ state }) => state !== "inDoubt").map(textOf);
  assert.deepEqual(
    denied.filter((text) => arrived.includes(text)),
    [],
    "it was handed back as never sent, and arrived",
  );
  assert.deepEqual([...new Set([...arrived, ...undelivered.map(textOf)])].toSorted(), ["1", "2", "3", "4", "5"]);
}

function textOf({ data }: Undelivered): string {
  return Buffer.from(data).toString().trim();
}

test("reconnect() while the end of a message waits for the kernel does not send that message again", limit, async (t) => {
  const { nc, server, undelivered } = await blocked({});
  t.after(() => nc.close());
  await nc.reconnect();
  server.forward();
  await nc.flush().catch(() => {});
  await nc.flush();
  assertNoLie(server, undelivered);
  assert.deepEqual(server.arrived.slice(-3), ["3", "4", "5"]);
  assert.equal(server.peers.length, 2);
});

test(
  "close() that gives up while the end of a message waits for the kernel does not call abandoned what arrives",
  limit,
  async () => {
    const { nc, server, undelivered } = await blocked({ closeTimeout: 200 });
    const closing = nc.close();
    await pause(300);
    server.forward();
    await closing;
    assertNoLie(server, undelivered);
    assert.equal(undelivered.length, 5);
  },
);

test("a stale connection whose last chunk waits for the kernel does not send that message again", limit, async (t) => {
  const { nc, server, undelivered } = await blocked({ pingInterval: 50, maxPingOut: 1 });
  t.after(() => nc.close());
  while (server.peers.length < 2) await pause(5);
  server.forward();
  await nc.flush().catch(() => {});
  await nc.flush();
  assertNoLie(server, undelivered);
  assert.deepEqual(server.arrived.slice(-3), ["3", "4", "5"]);
});
