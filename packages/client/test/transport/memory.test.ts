import assert from "node:assert/strict";
import { test } from "node:test";
import { transportContract } from "../../src/testing/transport-contract.ts";
import { LinkRecorder, streamBytes } from "../../src/testing/transport-recorder.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type MemoryPeer, memoryTransport } from "../../src/transport/memory.ts";
import { memoryHarness } from "./memory-harness.ts";
import { endpoint } from "./open-memory.ts";

transportContract("memory", memoryHarness);

const { signal } = new AbortController();

test("memory: what the peer sends while it accepts comes after the dial has resolved", async () => {
  const order: string[] = [];
  const clock = new VirtualClock();
  const transport = memoryTransport({ runtime: clock, accept: (peer) => peer.send(streamBytes(0, 1)) });
  const recorder = new LinkRecorder();
  recorder.onData = () => order.push("data");
  const dialled = transport.dial(endpoint, recorder, { signal }).then(() => order.push("dialled"));
  await clock.runAllAsync();
  await dialled;
  assert.deepEqual(order, ["dialled", "data"]);
});

test("memory: dials are refused, delayed or left hanging as the test answers them", async () => {
  const clock = new VirtualClock();
  const accepted: MemoryPeer[] = [];
  const answers = {
    now: { kind: "accept" },
    late: { kind: "accept", delayMs: 500 },
    no: { kind: "refuse", delayMs: 100, error: new Error("host is down") },
    never: { kind: "hang" },
  } as const;
  const transport = memoryTransport({
    runtime: clock,
    accept: (peer) => accepted.push(peer),
    answer: ({ hostname }) => Object.entries(answers).find(([name]) => name === hostname)?.[1] ?? { kind: "refuse" },
  });
  const log: string[] = [];
  const controller = new AbortController();
  for (const hostname of ["now", "late", "no", "never", "other"]) {
    transport.dial({ ...endpoint, hostname }, new LinkRecorder(), { signal: controller.signal }).then(
      () => log.push(`${hostname} ${clock.now()}`),
      (error: Error) => log.push(`${hostname} ${clock.now()} ${error.message}`),
    );
  }
  await clock.runAllAsync();
  controller.abort(new Error("enough"));
  await clock.runAllAsync();
  assert.deepEqual(log, [
    "now 0",
    "other 0 connection refused",
    "no 100 cannot connect to no:4222: host is down",
    "late 500",
    "never 500 enough",
  ]);
  assert.deepEqual(
    accepted.map((peer) => peer.endpoint.hostname),
    ["now", "late"],
  );
});

test("memory: an aborted dial leaves no timer and accepts nothing", async () => {
  const clock = new VirtualClock();
  let accepted = 0;
  const transport = memoryTransport({
    runtime: clock,
    accept: () => accepted++,
    answer: ({ port }) => ({ kind: "accept", delayMs: port }),
  });
  for (const port of [0, 1000]) {
    const controller = new AbortController();
    const dialled = transport.dial({ ...endpoint, port }, new LinkRecorder(), { signal: controller.signal });
    controller.abort(new Error("no"));
    await assert.rejects(dialled, /^Error: no$/);
    await clock.runAllAsync();
  }
  assert.deepEqual([clock.now(), accepted], [0, 0]);
});

test("memory: an exception in the test's accept() rejects the dial", async () => {
  const clock = new VirtualClock();
  const transport = memoryTransport({
    runtime: clock,
    accept: () => {
      throw new Error("test bug");
    },
  });
  const dialled = assert.rejects(transport.dial(endpoint, new LinkRecorder(), { signal }), /test bug/);
  await clock.runAllAsync();
  await dialled;
});

test("memory: a handshake at the dial is judged too", async () => {
  const clock = new VirtualClock();
  const peers: MemoryPeer[] = [];
  const transport = memoryTransport({
    runtime: clock,
    accept: (peer) => peers.push(peer),
    secured: (options) => (options.ca === "x" ? null : new Error("bad certificate")),
  });
  const good = transport.dial(endpoint, new LinkRecorder(), { signal, secure: { handshakeFirst: true, ca: "x" } });
  const bad = transport.dial(endpoint, new LinkRecorder(), { signal, secure: { handshakeFirst: true } });
  const failing = assert.rejects(bad, { name: "ConnectionError", message: /bad certificate/ });
  await clock.runAllAsync();
  await failing;
  assert.equal((await good).encrypted, true);
  assert.equal(peers.length, 1);
});

test("memory: host names resolve as the test says, anew each time", async () => {
  const known = [["10.0.0.1", "::2"], []];
  const transport = memoryTransport({ runtime: new VirtualClock(), accept: () => {}, resolve: () => known.shift() ?? [] });
  assert.deepEqual(await transport.resolve("a"), ["10.0.0.1", "::2"]);
  await assert.rejects(transport.resolve("a"), { name: "ConnectionError", message: /cannot resolve the host name "a"/ });
});

test("memory: options out of range are refused", () => {
  for (const wrong of [0, Number.NaN]) {
    assert.throws(() => memoryTransport({ runtime: new VirtualClock(), accept: () => {}, capacity: wrong }), /capacity is/);
    assert.throws(() => memoryTransport({ runtime: new VirtualClock(), accept: () => {}, chunkBytes: wrong }), /chunkBytes is/);
  }
});
