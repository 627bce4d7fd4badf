import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StreamCheck, streamBytes } from "../../src/testing/transport-recorder.ts";
import type { SecureOptions } from "../../src/transport/transport.ts";
import { openMemory } from "./open-memory.ts";

test("memory: the kernel takes what it has room for, to the byte, and the rest as the peer reads", async () => {
  const { clock, link, peer, recorder } = await openMemory({ capacity: 100 });
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
  const { link, peer, recorder } = await openMemory({ capacity: 7 });
  recorder.write(link, 1000);
  assert.deepEqual(peer.read(peer.waiting), streamBytes(0, 7));
  assert.deepEqual(peer.read(), streamBytes(7, 993));
});

test("memory: what the kernel took is a copy", async () => {
  const { link, peer } = await openMemory({ capacity: 4 });
  const chunk = Buffer.of(1, 2, 3, 4, 5); // a Buffer: its slice() would be a view
  link.write(chunk);
  chunk.fill(9);
  assert.deepEqual(peer.read(), Uint8Array.of(1, 2, 3, 4, 9)); // the fifth was still the owner's: it must not have changed it
});

test("memory: what the peer sends is a copy, and comes in the next turn", async () => {
  const { clock, peer, recorder } = await openMemory();
  const bytes = Buffer.from(streamBytes(0, 10));
  peer.send(bytes);
  bytes.fill(0);
  assert.equal(recorder.inbound.length, 0);
  clock.advance();
  assert.deepEqual([recorder.inbound.length, recorder.inbound.wrongAt], [10, -1]);
  peer.fin();
  assert.throws(() => peer.send(bytes), /send\(\) after fin\(\)/);
});

test("memory: cut at any byte, by FIN or RST, the peer has exactly the bytes before it and no chunk is half taken", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 400 }),
      fc.constantFrom("fin" as const, "rst" as const),
      async (lengths, capacity, position, how) => {
        const { clock, link, peer, recorder } = await openMemory({ capacity });
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
  const { link, peer, recorder } = await openMemory();
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
    const { clock, link, peer, recorder } = await openMemory();
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
    const { clock, link, peer, recorder } = await openMemory({ capacity: 10 });
    recorder.write(link, 15);
    link[how]();
    clock.advance();
    assert.equal(peer.read().length, left);
    assert.equal(peer.ended, ended);
    assert.deepEqual(recorder.ends, [null]);
  }
});

test("memory: a chunk that went out whole while its taken() was due is not denied", async () => {
  const { clock, link, peer, recorder } = await openMemory({ capacity: 10 });
  recorder.write(link, 15);
  peer.read();
  link.destroy();
  clock.advance();
  assert.deepEqual([recorder.takenBytes, recorder.waits, link.unfinished], [0, true, "nothing"]);
});

test("memory: a peer's end comes behind the taken() that was due", async () => {
  const { clock, link, peer, recorder } = await openMemory({ capacity: 10 });
  recorder.write(link, 15);
  peer.read();
  peer.reset();
  clock.advance();
  assert.deepEqual([recorder.takenBytes, recorder.ends.length], [15, 1]);
});

test("memory: secure() makes the link encrypted, or fails as the test judges, closing it once", async () => {
  const asked: [SecureOptions, string][] = [];
  const secured = (options: SecureOptions, name: string): Error | null => {
    asked.push([options, name]);
    return name === "good" ? null : new Error("bad certificate");
  };
  const good = await openMemory({ secured });
  const done = good.link.secure({ ca: "x" }, "good");
  assert.throws(() => good.link.write(streamBytes(0, 1)), /in the clear/);
  good.clock.advance();
  await done;
  assert.deepEqual([good.link.encrypted, good.peer.encrypted, asked], [true, true, [[{ ca: "x" }, "good"]]]);
  const bad = await openMemory({ secured });
  const failing = assert.rejects(bad.link.secure({}, "bad"), { name: "ConnectionError", message: /bad certificate/ });
  bad.clock.advance();
  await failing;
  assert.equal(bad.recorder.ends.length, 1);
  assert.equal(bad.link.encrypted, false);
});

test("memory: the peer sees what keepAlive() asked for", async () => {
  const { link, peer } = await openMemory();
  assert.equal(peer.keepsAlive, true);
  link.keepAlive(false);
  assert.equal(peer.keepsAlive, false);
});

test("memory: nothing is left on the clock when links have ended", async () => {
  const { clock, link, peer, recorder } = await openMemory();
  peer.receive(() => {});
  recorder.write(link, 10);
  clock.advance();
  link.end();
  peer.fin();
  clock.runAll();
  assert.equal(recorder.ends.length, 1);
  assert.deepEqual(clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
});
