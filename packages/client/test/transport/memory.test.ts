import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { transportContract } from "../../src/testing/transport-contract.ts";
import { LinkRecorder, StreamCheck, streamBytes } from "../../src/testing/transport-recorder.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type MemoryOptions, type MemoryPeer, memoryTransport } from "../../src/transport/memory.ts";
import type { Endpoint, Link, SecureOptions } from "../../src/transport/transport.ts";
import { memoryHarness } from "./memory-harness.ts";

transportContract("memory", memoryHarness);

const endpoint: Endpoint = { hostname: "nats.example", port: 4222, tlsName: "nats.example" };
const { signal } = new AbortController();

test("memory: the kernel takes what it has room for, to the byte, and the rest as the peer reads", async () => {
  const { clock, link, peer, recorder } = await open({ capacity: 100 });
  assert.equal(recorder.write(link, 60), true);
  assert.equal(recorder.write(link, 60), false);
  assert.deepEqual([peer.taken, peer.waiting, peer.unsent], [100, 100, 20]);
  assert.deepEqual(peer.read(19), streamBytes(0, 19));
  assert.deepEqual([peer.taken, peer.received, peer.unsent], [119, 19, 1]);
  clock.advance();
  assert.equal(recorder.waits, true);
  assert.deepEqual(peer.read(1), streamBytes(19, 1));
  assert.equal(recorder.waits, true, "taken() comes in a turn of its own");
  clock.advance();
  assert.equal(recorder.takenBytes, 120);
  assert.deepEqual(peer.read(), streamBytes(20, 100));
  assert.deepEqual(recorder.violations, []);
});

test("memory: read() without a length takes all that was handed over, also what waits for the kernel", async () => {
  const { link, peer, recorder } = await open({ capacity: 7 });
  recorder.write(link, 1000);
  assert.deepEqual(peer.read(peer.waiting), streamBytes(0, 7));
  assert.deepEqual(peer.read(), streamBytes(7, 993));
});

test("memory: what the kernel took is a copy", async () => {
  const { link, peer } = await open({ capacity: 4 });
  const chunk = Uint8Array.of(1, 2, 3, 4, 5);
  link.write(chunk);
  chunk.fill(9);
  assert.deepEqual(peer.read(), Uint8Array.of(1, 2, 3, 4, 9)); // the fifth was still the owner's: it must not have changed it
});

test("memory: what the peer sends is a copy, and comes in the next turn", async () => {
  const { clock, peer, recorder } = await open();
  const bytes = streamBytes(0, 10);
  peer.send(bytes);
  bytes.fill(0);
  assert.equal(recorder.inbound.length, 0);
  clock.advance();
  assert.deepEqual([recorder.inbound.length, recorder.inbound.wrongAt], [10, -1]);
  peer.fin();
  assert.throws(() => peer.send(bytes), /send\(\) after fin\(\)/);
});

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

test("memory: cut at any byte, by FIN or RST, the peer has exactly the bytes before it and no chunk is half taken", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 400 }),
      fc.constantFrom("fin" as const, "rst" as const),
      async (lengths, capacity, position, how) => {
        const { clock, link, peer, recorder } = await open({ capacity });
        const received = new StreamCheck();
        peer.receive((bytes) => received.add(bytes));
        peer.cutAt(position, how);
        for (const length of lengths) {
          if (recorder.waits || recorder.ends.length > 0) break;
          recorder.write(link, length);
          clock.advance();
        }
        const { handed } = recorder;
        assert.deepEqual([received.length, received.wrongAt], [Math.min(position, handed), -1]);
        assert.ok(recorder.takenBytes <= received.length);
        assert.equal(recorder.ends.length, position <= handed ? 1 : 0);
        if (recorder.ends.length > 0) assert.equal(recorder.ends[0]?.name ?? null, how === "fin" ? null : "ConnectionError");
        if (recorder.waits && link.unfinished === "last-item") assert.ok(received.length < handed);
        assert.deepEqual(recorder.violations, []);
      },
    ),
  );
});

test("memory: a cut behind what the kernel has taken is refused", async () => {
  const { link, peer, recorder } = await open();
  recorder.write(link, 10);
  assert.throws(() => peer.cutAt(9, "fin"), /cutAt\(9\): the kernel has taken 10 bytes already/);
  peer.cutAt(10, "rst");
  assert.equal(recorder.write(link, 1), false);
  assert.equal(peer.read(5).length, 5);
  assert.equal(peer.read().length, 5);
});

test("memory: what the kernel took before an RST of the peer is lost, before its FIN it can be read", async () => {
  for (const [how, left] of [
    ["reset", 0],
    ["fin", 10],
  ] as const) {
    const { clock, link, peer, recorder } = await open();
    recorder.write(link, 10);
    peer[how]();
    clock.advance();
    assert.equal(recorder.ends.length, 1);
    assert.equal(peer.read().length, left);
  }
});

test("memory: a reset by the owner empties the kernel, a destroy leaves it to the peer", async () => {
  for (const [how, left, ended] of [
    ["reset", 0, "rst"],
    ["destroy", 10, "fin"],
  ] as const) {
    const { clock, link, peer, recorder } = await open({ capacity: 10 });
    recorder.write(link, 15);
    link[how]();
    clock.advance();
    assert.equal(peer.read().length, left);
    assert.equal(peer.ended, ended);
    assert.deepEqual(recorder.ends, [null]);
  }
});

test("memory: a chunk that went out whole while its taken() was due is not denied", async () => {
  const { clock, link, peer, recorder } = await open({ capacity: 10 });
  recorder.write(link, 15);
  peer.read();
  link.destroy();
  clock.advance();
  assert.deepEqual([recorder.takenBytes, recorder.waits, link.unfinished], [0, true, "nothing"]);
});

test("memory: a peer's end comes behind the taken() that was due", async () => {
  const { clock, link, peer, recorder } = await open({ capacity: 10 });
  recorder.write(link, 15);
  peer.read();
  peer.reset();
  clock.advance();
  assert.deepEqual([recorder.takenBytes, recorder.ends.length], [15, 1]);
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

test("memory: secure() makes the link encrypted, or fails as the test judges, closing it once", async () => {
  const asked: [SecureOptions, string][] = [];
  const secured = (options: SecureOptions, name: string): Error | null => {
    asked.push([options, name]);
    return name === "good" ? null : new Error("bad certificate");
  };
  const good = await open({ secured });
  const done = good.link.secure({ ca: "x" }, "good");
  assert.throws(() => good.link.write(streamBytes(0, 1)), /in the clear/);
  good.clock.advance();
  await done;
  assert.deepEqual([good.link.encrypted, good.peer.encrypted, asked], [true, true, [[{ ca: "x" }, "good"]]]);
  const bad = await open({ secured });
  const failing = assert.rejects(bad.link.secure({}, "bad"), { name: "ConnectionError", message: /bad certificate/ });
  bad.clock.advance();
  await failing;
  assert.equal(bad.recorder.ends.length, 1);
  assert.equal(bad.link.encrypted, false);
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

test("memory: the peer sees what keepAlive() asked for", async () => {
  const { link, peer } = await open();
  assert.equal(peer.keepsAlive, true);
  link.keepAlive(false);
  assert.equal(peer.keepsAlive, false);
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

test("memory: nothing is left on the clock when links have ended", async () => {
  const { clock, link, peer, recorder } = await open();
  peer.receive(() => {});
  recorder.write(link, 10);
  clock.advance();
  link.end();
  peer.fin();
  clock.runAll();
  assert.equal(recorder.ends.length, 1);
  assert.deepEqual(clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
});

interface Opened {
  readonly clock: VirtualClock;
  readonly link: Link;
  readonly peer: MemoryPeer;
  readonly recorder: LinkRecorder;
}

async function open(options: Partial<MemoryOptions> = {}): Promise<Opened> {
  const clock = new VirtualClock();
  const peers: MemoryPeer[] = [];
  const recorder = new LinkRecorder();
  const transport = memoryTransport({ ...options, runtime: clock, accept: (peer) => peers.push(peer) });
  const dialled = transport.dial(endpoint, recorder, { signal });
  await clock.runAllAsync();
  const [peer] = peers;
  assert.ok(peer !== undefined);
  return { clock, link: await dialled, peer, recorder };
}
