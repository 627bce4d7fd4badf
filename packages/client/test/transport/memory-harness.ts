import type { ContractPeer, TransportHarness } from "../../src/testing/transport-contract.ts";
import { type MemoryPeer, memoryTransport } from "../../src/transport/memory.ts";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";
import type { Endpoint } from "../../src/transport/transport.ts";

/** The contract suite's view of `memoryTransport()`. */
export async function memoryHarness(): Promise<TransportHarness> {
  const peers: MemoryPeer[] = [];
  const takers: ((peer: ContractPeer) => void)[] = [];
  const endpoint: Endpoint = { hostname: "memory", port: 4222, tlsName: "" };
  const refusing: Endpoint = { ...endpoint, port: 1 };
  const transport = memoryTransport({
    runtime: nodeRuntime,
    capacity: 200_000,
    answer: ({ port }) => ({ kind: port === refusing.port ? "refuse" : "accept" }),
    accept: (peer) => {
      peers.push(peer);
      takers.shift()?.(contractPeer(peer));
    },
  });
  const accepted = (): Promise<ContractPeer> => new Promise((resolve) => takers.push(resolve));
  return {
    transport,
    endpoint,
    refusing,
    encrypted: false,
    accepted,
    open: async (handler) => {
      const [peer, link] = await Promise.all([
        accepted(),
        transport.dial(endpoint, handler, { signal: new AbortController().signal }),
      ]);
      return { link, peer };
    },
    drop: () => {
      for (const peer of peers) peer.reset();
    },
    close: async () => {},
  };
}

function contractPeer(peer: MemoryPeer): ContractPeer {
  let release: () => void = () => {};
  const destroyed = new Promise<"fin">((resolve) => {
    release = () => resolve("fin");
  });
  return {
    read: (sink) => peer.receive(sink),
    hold: () => peer.receive(null),
    send: async (bytes) => peer.send(bytes),
    fin: () => peer.fin(),
    reset: () => peer.reset(),
    // As the kernel does when a program ends: with bytes unread RST, else FIN.
    destroy: () => {
      if (peer.waiting + peer.unsent > 0) peer.reset();
      else peer.fin();
      release();
    },
    ended: Promise.race([new Promise<"fin" | "rst">((resolve) => peer.onEnd(resolve)), destroyed]),
  };
}
