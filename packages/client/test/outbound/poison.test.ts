import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench, defaults, Peer } from "./harness.ts";

/** Brings the bench to the end, however many connections that takes; returns how many. */
function drain(bench: Bench, said: (connection: number) => boolean, most = 30): number {
  for (let connections = 1; connections <= most; connections++) {
    const peer = bench.connect(new Peer());
    for (let rounds = 0; rounds < 200 && bench.peer !== undefined; rounds++) {
      bench.clock.advance(25);
      if (peer.poisoned) bench.complain(said(connections));
      else bench.answer();
      if (bench.log.held.messages === 0) return connections;
    }
  }
  throw new Error(`${most} connections were not enough: ${JSON.stringify(bench.log.counts())}`);
}

const back = (bench: Bench): string[] => {
  bench.clock.advance(1);
  return bench.back.map(({ data, state }) => `${Buffer.from(data)} ${state}`);
};

describe("a frame that ends every connection", () => {
  it("at-least-once: is found and set aside, alone, within six more connections, also when the first -ERRs are lost", () => {
    for (const withheld of [0, 1, 2]) {
      const bench = new Bench({ ...defaults, delivery: "at-least-once" });
      for (let i = 0; i < 400; i++) bench.publish(`${i}`.padEnd(100, "."), i === 250 ? "poison" : "a");
      const connections = drain(bench, (connection) => connection > withheld);
      assert.ok(connections <= 7, `${connections} connections`);
      assert.deepEqual(back(bench), [`${"250".padEnd(100, ".")} rejected`]);
      assert.equal(bench.log.counts().confirmed, 399);
    }
  });

  it("at-most-once: ends in doubt with what it was in flight with, and the rest arrives", () => {
    const bench = new Bench();
    for (let i = 0; i < 3000; i++) bench.publish(`${i}`.padEnd(100, "."), i === 2500 ? "poison" : "a");
    const connections = drain(bench, () => true);
    assert.ok(connections <= 3, `${connections} connections`);
    const { confirmed, inDoubt, rejected } = bench.log.counts();
    assert.equal(confirmed + inDoubt, 3000);
    assert.equal(rejected, 0);
    assert.ok(inDoubt * 110 <= 256 * 1024, `${inDoubt} in doubt`);
    assert.ok(back(bench).some((message) => message.startsWith("2500.")));
  });

  it("is found when it is longer than a chunk, and only a part of it was handed over", () => {
    const bench = new Bench({ ...defaults, delivery: "at-least-once" });
    bench.publish("before");
    bench.publish("x".repeat(500_000), "poison");
    bench.publish("after");
    let connections = 0;
    for (; bench.log.counts().rejected === 0; connections++) {
      assert.ok(connections < 8);
      const peer = bench.connect(new Peer(connections === 0 ? 200_000 : 150_000));
      for (let rounds = 0; rounds < 20 && bench.peer !== undefined; rounds++) {
        bench.clock.advance(25);
        if (peer.outstanding) bench.complain(true);
        else bench.answer();
      }
    }
    bench.connect();
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 2);
  });

  it("leaves the window as it was once nothing of what was in flight with it is held", () => {
    const bench = new Bench({ ...defaults, delivery: "at-least-once" });
    for (let i = 0; i < 50; i++) bench.publish(`${i}`, i === 20 ? "poison" : "a");
    drain(bench, () => true);
    assert.equal(bench.log.window, 64 * 1024);
  });

  it("is still looked for after a fatal -ERR that met nothing in flight", () => {
    const bench = new Bench({ ...defaults, delivery: "at-least-once", backlogDelay: 1000 });
    bench.connect();
    bench.publish("1");
    bench.publish("2");
    bench.clock.advance(1);
    bench.complain(true);
    bench.connect();
    bench.complain(true);
    const peer = bench.connect();
    bench.clock.advance(1600);
    assert.deepEqual(peer.payloads(), ["1"]);
    bench.answer();
    bench.clock.advance(25);
    assert.deepEqual(peer.payloads(), ["1", "2"]);
  });

  it("a server that goes on after all is believed", () => {
    const bench = new Bench();
    const peer = bench.connect();
    bench.publish("1");
    bench.clock.advance(1);
    bench.log.refused("Parser Error", new Error("Parser Error"));
    bench.publish("2");
    bench.clock.advance(25);
    assert.deepEqual(peer.payloads(), ["1"]);
    bench.settle();
    assert.deepEqual(peer.payloads(), ["1", "2"]);
    assert.equal(bench.log.counts().confirmed, 2);
  });
});
