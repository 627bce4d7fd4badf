import assert from "node:assert/strict";
import { LinkRecorder } from "../../src/testing/transport-recorder.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type MemoryOptions, type MemoryPeer, memoryTransport } from "../../src/transport/memory.ts";
import type { Endpoint, Link } from "../../src/transport/transport.ts";

/** Where the tests of the memory transport dial. */
export const endpoint: Endpoint = { hostname: "nats.example", port: 4222, tlsName: "nats.example" };

/** An open memory link on a virtual clock. */
export interface Opened {
  readonly clock: VirtualClock;
  readonly link: Link;
  readonly peer: MemoryPeer;
  readonly recorder: LinkRecorder;
}

/** Dials, with these options. */
export async function openMemory(options: Partial<MemoryOptions> = {}): Promise<Opened> {
  const clock = new VirtualClock();
  const peers: MemoryPeer[] = [];
  const recorder = new LinkRecorder();
  const transport = memoryTransport({ ...options, runtime: clock, accept: (peer) => peers.push(peer) });
  const dialled = transport.dial(endpoint, recorder, { signal: new AbortController().signal });
  await clock.runAllAsync();
  const [peer] = peers;
  assert.ok(peer !== undefined);
  return { clock, link: await dialled, peer, recorder };
}
