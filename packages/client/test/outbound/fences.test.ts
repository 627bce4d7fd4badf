import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, defaults, Peer } from "./harness.ts";

const verbs = (bench: Bench): string => (bench.peer?.reads ?? []).map((read) => read.verb).join(" ");

/** How many frames lie before each PING that the peer read. */
function fencedAt(bench: Bench): number[] {
  const reads = bench.peer?.reads ?? [];
  return reads.flatMap((read, i) =>
    read.verb === "PING" ? [reads.slice(0, i).filter((each) => each.verb === "PUB").length] : [],
  );
}

describe("fences", () => {
  it("go out with the first write, then fenceDelay after the last one", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1");
    bench.clock.advance(0);
    assert.equal(verbs(bench), "PUB PING");
    bench.clock.advance(5);
    bench.publish("2");
    bench.clock.advance(14);
    assert.equal(verbs(bench), "PUB PING PUB");
    bench.clock.advance(1);
    assert.equal(verbs(bench), "PUB PING PUB PING");
    bench.clock.advance(1000);
    assert.equal(verbs(bench), "PUB PING PUB PING", "nothing to confirm, no fence");
    bench.publish("3");
    bench.clock.advance(0);
    assert.equal(verbs(bench), "PUB PING PUB PING PUB PING");
  });

  it("leave in the same write as a small message", () => {
    const bench = new Bench();
    const peer = bench.connect();
    const writes: number[] = [];
    const write = peer.write.bind(peer);
    peer.write = (chunk) => {
      writes.push(chunk.length);
      return write(chunk);
    };
    bench.publish("one");
    bench.clock.advance(0);
    assert.deepEqual(writes, ["PUB a 3\r\none\r\nPING\r\n".length]);
  });

  it("follow each quarter of the window, and the window stops the writer", () => {
    const bench = new Bench();
    bench.connect();
    for (let i = 0; i < 2000; i++) bench.publish("x".repeat(100));
    bench.clock.advance(0);
    const { inFlight } = bench.log.counts();
    assert.ok(inFlight * 113 <= 64 * 1024 && inFlight * 113 > 48 * 1024, `${inFlight} in flight`);
    const ends = fencedAt(bench);
    assert.equal(ends.at(-1), inFlight, "a fence right behind the last frame: only its PONG opens the window");
    for (const [i, end] of ends.entries())
      assert.ok((end - (ends[i - 1] ?? 0)) * 113 < 2 * 16 * 1024, `fences behind ${ends} frames`);
    bench.answer(1);
    assert.ok(bench.log.window >= 64 * 1024);
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 2000);
  });

  it("open the window in a flood over a quick link, to its cap", () => {
    const bench = new Bench({ ...defaults, maxInFlight: 1024 * 1024 });
    bench.connect();
    for (let i = 0; i < 50_000; i++) bench.publish("x".repeat(200));
    let widest = 0;
    while (bench.log.held.messages > 0) {
      bench.clock.advance(1);
      bench.answer();
      widest = Math.max(widest, bench.log.window);
      assert.ok(bench.log.counts().inFlight * 213 <= bench.log.window);
    }
    assert.equal(widest, 1024 * 1024);
  });

  it("one frame of any length may be in flight", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("x".repeat(900_000));
    bench.publish("behind it");
    bench.clock.advance(0);
    assert.equal(bench.log.counts().inFlight, 1);
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 2);
  });

  it("confirm only what was handed over before them", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1");
    bench.clock.advance(1);
    bench.publish("2");
    bench.clock.advance(1);
    bench.answer();
    assert.deepEqual([bench.log.counts().confirmed, bench.log.counts().inFlight], [1, 1]);
  });

  it("a PONG that nothing asked for is ignored", () => {
    const bench = new Bench();
    bench.connect();
    bench.log.pong();
    bench.publish("1");
    bench.clock.advance(0);
    bench.answer();
    bench.log.pong();
    bench.publish("2");
    bench.clock.advance(1);
    assert.deepEqual([bench.log.counts().confirmed, bench.log.counts().inFlight], [1, 1]);
  });

  it("in the middle of a chunk confirm what is before them while the rest of the chunk waits for the kernel", () => {
    const bench = new Bench();
    for (let i = 0; i < 400; i++) bench.publish(`${i}`.padEnd(100, "."));
    const peer = bench.connect(new Peer(30_000));
    assert.equal(peer.outstanding, true);
    const [first] = fencedAt(bench);
    assert.ok(first !== undefined && first < 300);
    bench.answer(1);
    assert.equal(bench.log.counts().confirmed, first);
    bench.cut();
    bench.connect();
    bench.settle();
    const { confirmed, inDoubt } = bench.log.counts();
    assert.equal(confirmed + inDoubt, 400);
    assert.ok(confirmed >= first);
  });

  it("a PING of the heartbeat goes at once and answers its own caller, never after the connection ended", () => {
    const bench = new Bench();
    let pongs = 0;
    bench.log.ping(() => pongs++);
    bench.connect();
    bench.log.ping(() => pongs++);
    bench.clock.advance(0);
    bench.answer();
    assert.equal(pongs, 1);
    bench.log.ping(() => pongs++);
    bench.cut();
    bench.connect();
    bench.settle();
    assert.equal(pongs, 1);
  });

  it("the server's PINGs are answered, also while the window is closed", () => {
    const bench = new Bench();
    bench.connect();
    for (let i = 0; i < 2000; i++) bench.publish("x".repeat(100));
    for (let i = 0; i < 200; i++) bench.log.pongDue();
    bench.clock.advance(0);
    assert.equal(bench.peer?.verbs("PONG").length, 200);
  });
});
