import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, Peer } from "./harness.ts";

const states = (bench: Bench): string[] => bench.back.map((message) => `${Buffer.from(message.data)} ${message.state}`);

describe("at a disconnect", () => {
  it("the last frame of an outstanding chunk was not handed over whole: it is sent again, those before it are in doubt", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("0");
    bench.clock.advance(1);
    // No fence is due within fenceDelay, so this chunk ends with a frame.
    const peer = bench.peer;
    assert.ok(peer !== undefined);
    bench.answer();
    peer.block();
    bench.publish("1");
    bench.publish("2");
    bench.publish("3");
    bench.clock.advance(1);
    assert.equal(bench.log.counts().inFlight, 3);
    bench.cut();
    bench.clock.advance(1);
    assert.deepEqual(states(bench), ["1 inDoubt", "2 inDoubt"]);
    bench.connect();
    assert.deepEqual(bench.peer?.payloads(), ["3"]);
  });

  it("a chunk that ends with a PING leaves all its messages in doubt", () => {
    const bench = new Bench();
    bench.connect(new Peer(0));
    bench.publish("1");
    bench.publish("2");
    bench.clock.advance(1);
    bench.cut();
    bench.clock.advance(1);
    assert.deepEqual(states(bench), ["1 inDoubt", "2 inDoubt"]);
  });

  it("a long frame in pieces is sent whole again, whichever piece was outstanding", () => {
    const payload = "x".repeat(200_000);
    for (const capacity of [0, 1, 65_536, 65_537, 140_000, 200_011]) {
      const bench = new Bench();
      const peer = bench.connect(new Peer(capacity));
      bench.publish(payload);
      bench.clock.advance(1);
      assert.equal(peer.outstanding, true);
      assert.equal(bench.log.counts().inFlight, 1);
      bench.cut();
      assert.deepEqual([bench.log.counts().buffered, bench.log.counts().inDoubt], [1, 0]);
      bench.connect();
      bench.settle();
      assert.deepEqual(bench.peer?.payloads(), [payload]);
    }
  });

  it("where nothing is known of an unfinished chunk, all of it is in doubt", () => {
    const bench = new Bench();
    bench.connect(new Peer(Infinity));
    bench.publish("0");
    bench.clock.advance(1);
    bench.answer();
    const peer = bench.peer as unknown as { unfinished: string; block(): void };
    peer.unfinished = "nothing";
    peer.block();
    bench.publish("1");
    bench.clock.advance(1);
    bench.cut();
    bench.clock.advance(1);
    assert.deepEqual(states(bench), ["1 inDoubt"]);
  });

  it("the rest of a backlog survives a connection that dies in the middle of it, again and again", () => {
    const bench = new Bench();
    const sent = Array.from({ length: 50_000 }, (_, i) => `message ${i}`);
    for (const message of sent) bench.publish(message);
    const arrived: string[] = [];
    for (let round = 0; round < 20; round++) {
      const peer = bench.connect(new Peer(5000 + round));
      bench.clock.advance(1);
      bench.cut();
      arrived.push(...peer.payloads());
    }
    const last = bench.connect();
    bench.settle();
    arrived.push(...last.payloads());
    const read = new Set(arrived);
    const doubtful = new Set(bench.back.map((message) => Buffer.from(message.data).toString()));
    assert.deepEqual(
      arrived,
      sent.filter((message) => read.has(message)),
      "in order, once",
    );
    assert.ok(sent.every((message) => read.has(message) || doubtful.has(message)));
    const bytes = bench.back.reduce((sum, message) => sum + "PUB a 12\r\n\r\n".length + message.data.length, 0);
    assert.ok(bytes <= 20 * 65 * 1024, `${bytes} bytes in doubt: at most one chunk at each cut`);
  });
});

describe("control frames", () => {
  it("SUB and UNSUB keep their place among the publishes", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1");
    bench.log.control(Buffer.from("SUB a 1\r\n"));
    bench.publish("2");
    bench.log.control(Buffer.from("UNSUB 1\r\n"));
    bench.publish("3");
    bench.settle();
    const order = bench.peer?.reads.filter((read) => read.verb !== "PING").map((read) => read.payload || read.verb);
    assert.deepEqual(order, ["1", "SUB", "2", "UNSUB", "3"]);
  });

  it("wait behind a window that is closed, with the publishes before them", () => {
    const bench = new Bench();
    bench.connect();
    for (let i = 0; i < 1000; i++) bench.publish("x".repeat(100));
    bench.log.control(Buffer.from("SUB a 1\r\n"));
    bench.clock.advance(0);
    assert.equal(bench.peer?.verbs("SUB").length, 0);
    bench.settle();
    assert.equal(bench.peer?.payloads().length, 1000);
    assert.equal(bench.peer?.verbs("SUB").length, 1);
  });

  it("are void without a connection, and gone with the one they were meant for", () => {
    const bench = new Bench();
    bench.log.control(Buffer.from("SUB a 1\r\n"));
    bench.connect(new Peer(0));
    bench.publish("outstanding");
    bench.clock.advance(0);
    bench.log.control(Buffer.from("SUB a 2\r\n"));
    bench.cut();
    bench.connect();
    bench.settle();
    assert.equal(bench.peer?.verbs("SUB").length, 0);
  });
});

describe("memory", () => {
  it("a million small messages cost no more than their bytes and some slabs", () => {
    const bench = new Bench();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100_000; i++) bench.publish("0123456789abcdef");
    const used = process.memoryUsage().arrayBuffers - before;
    assert.ok(used < bench.log.held.bytes * 1.25 + 600_000, `${used} bytes for ${bench.log.held.bytes}`);
  });

  it("is the smallest again when the connection is idle", () => {
    const bench = new Bench();
    bench.connect();
    for (let i = 0; i < 50_000; i++) bench.publish("0123456789abcdef");
    bench.settle();
    bench.clock.advance(3000);
    assert.deepEqual(bench.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
    bench.publish("goes on");
    bench.settle();
    assert.equal(bench.peer?.payloads().at(-1), "goes on");
  });

  it("of a large burst is kept for the next one, and then the smallest again, too", () => {
    const bench = new Bench();
    bench.connect();
    const payload = new Uint8Array(10_000);
    for (let i = 0; i < 2000; i++) bench.log.publish("s", "", null, payload, undefined);
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 2000);
    bench.clock.advance(1500);
    assert.equal(bench.clock.pending.timers, 1);
    bench.clock.advance(10_000);
    assert.deepEqual(bench.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
  });
});

describe("settle() and end()", () => {
  it("settle resolves when everything is confirmed", async () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1");
    const settled = bench.log.settle(1000, "always");
    bench.settle();
    await settled;
    assert.equal(bench.log.counts().confirmed, 1);
  });

  it("settle for close resolves at once without a connection, and when it ends", async () => {
    const bench = new Bench();
    bench.publish("1");
    await bench.log.settle(1e6, "always");
    bench.connect(new Peer(0));
    bench.publish("2");
    const settled = bench.log.settle(1e6, "always");
    bench.cut();
    await settled;
  });

  it("settle for drain counts only time without a connection", async () => {
    const bench = new Bench();
    bench.connect(new Peer(0));
    bench.publish("1");
    let done = false;
    const settled = bench.log.settle(1000, "while-down").then(() => {
      done = true;
    });
    bench.clock.advance(5000);
    bench.cut();
    bench.clock.advance(600);
    bench.connect(new Peer(0));
    bench.clock.advance(5000);
    bench.cut();
    bench.clock.advance(399);
    await new Promise(setImmediate);
    assert.equal(done, false);
    bench.clock.advance(1);
    await settled;
  });

  it("end hands back what is left, in order, at most 256 a call, and waits for the listener", async () => {
    const seen: string[] = [];
    let release = (): void => {};
    const bench = new Bench(undefined, async (batch) => {
      assert.ok(batch.length <= 256);
      seen.push(...batch.map((message) => `${Buffer.from(message.data)} ${message.state}`));
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    bench.connect(new Peer(Infinity));
    bench.publish("0");
    bench.clock.advance(0);
    bench.peer?.block();
    for (let i = 1; i < 300; i++) bench.publish(`${i}`);
    let ended = false;
    const end = bench.log.end(5000).then(() => {
      ended = true;
    });
    bench.clock.advance(10);
    await new Promise(setImmediate);
    assert.equal(ended, false);
    assert.equal(seen.length, 300);
    assert.deepEqual([seen[0], seen[1], seen[299]], ["0 inDoubt", "1 abandoned", "299 abandoned"]);
    release();
    bench.clock.advance(5000);
    await end;
    assert.equal(bench.log.counts().abandoned, 299);
  });

  it("a listener that throws is reported and stops nothing", async () => {
    const bench = new Bench(undefined, () => {
      throw new Error("from the listener");
    });
    for (let i = 0; i < 600; i++) bench.publish(`${i}`);
    const end = bench.log.end(1000);
    bench.clock.advance(1000);
    await end;
    assert.deepEqual(bench.failures.map(String), [
      "Error: from the listener",
      "Error: from the listener",
      "Error: from the listener",
    ]);
  });

  it("end does not wait longer than it may for a listener that never is done", async () => {
    const bench = new Bench(undefined, () => new Promise(() => {}));
    bench.publish("1");
    const end = bench.log.end(1000);
    await new Promise(setImmediate);
    bench.clock.advance(1000);
    await end;
  });
});
