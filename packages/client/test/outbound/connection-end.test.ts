import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Treatment } from "../../src/outbound/treatment.ts";
import { Bench, defaults, Peer } from "./harness.ts";

const again = { ...defaults, delivery: "at-least-once" } as const;
const back = (bench: Bench): string[] => {
  bench.clock.advance(1);
  return bench.back.map(({ data, state }) => `${Buffer.from(data)} ${state}`);
};

describe("at-least-once", () => {
  it("sends what was in flight again, in order, before what is newer", () => {
    const bench = new Bench(again);
    bench.connect();
    for (const n of ["1", "2", "3"]) bench.publish(n);
    bench.clock.advance(1);
    bench.cut();
    assert.deepEqual([bench.log.counts().inFlight, bench.log.counts().buffered], [3, 0]);
    bench.publish("4");
    const peer = bench.connect();
    bench.settle();
    assert.deepEqual(peer.payloads(), ["1", "2", "3", "4"]);
    assert.deepEqual([bench.log.counts().resent, bench.log.counts().confirmed], [3, 4]);
    assert.deepEqual(back(bench), []);
  });

  it("does not send again what was confirmed", () => {
    const bench = new Bench(again);
    bench.connect();
    bench.publish("1");
    bench.clock.advance(25);
    bench.answer();
    bench.publish("2");
    bench.clock.advance(1);
    bench.cut();
    assert.deepEqual(bench.connect().payloads(), ["2"]);
  });

  it("counts a frame that the second connection cut once more as in flight still, and not as resent", () => {
    const bench = new Bench(again);
    bench.connect();
    bench.publish("whole", "a");
    bench.clock.advance(1);
    bench.cut();
    // The kernel takes a part only: the last frame of the chunk was not handed over whole this time, but the time before.
    bench.connect(new Peer(5));
    bench.clock.advance(1);
    bench.cut();
    const counts = bench.log.counts();
    assert.deepEqual([counts.inFlight, counts.buffered, counts.inDoubt], [1, 0, 0]);
    assert.equal(bench.log.purge(), 0, "purge takes buffered frames only");
    bench.log.end(0).catch(() => {});
    assert.deepEqual(back(bench), ["whole inDoubt"]);
  });

  it("ends what became too old or too large for the new server in doubt, because an earlier one may have it", () => {
    const bench = new Bench({ ...again, reconnectBuffer: { ...again.reconnectBuffer, maxAge: 100 } });
    bench.connect();
    bench.publish("old");
    bench.publish("x".repeat(3000));
    bench.clock.advance(1);
    bench.cut();
    bench.connect(new Peer(), 2000);
    bench.clock.advance(1);
    bench.cut();
    bench.clock.advance(200);
    assert.deepEqual(back(bench).toSorted(), ["old inDoubt", `${"x".repeat(3000)} inDoubt`]);
  });

  it("holds what was in flight against limits that were announced meanwhile", () => {
    const bench = new Bench(again);
    bench.connect();
    bench.publish("x".repeat(3000));
    bench.publish("1");
    bench.clock.advance(1);
    bench.log.limits(2000, true);
    bench.publish("2");
    bench.clock.advance(25);
    bench.cut();
    const peer = bench.connect(new Peer(), 2000);
    bench.settle();
    assert.deepEqual(peer.payloads(), ["1", "2"]);
    assert.deepEqual(back(bench), [`${"x".repeat(3000)} inDoubt`]);
  });

  it("is a matter of each message: the level of the connection is the default", () => {
    const treatments: (Treatment | undefined)[] = [
      undefined,
      { delivery: "at-most-once" },
      { delivery: "at-least-once" },
      { bound: true },
      { bound: true, delivery: "at-least-once" },
    ];
    const expected = { "at-least-once": ["0", "2", "4"], "at-most-once": ["2", "4"] };
    for (const delivery of ["at-least-once", "at-most-once"] as const) {
      const bench = new Bench({ ...defaults, delivery });
      bench.connect();
      treatments.forEach((treatment, i) => {
        bench.publish(`${i}`, "a", treatment);
      });
      bench.clock.advance(1);
      bench.cut();
      const peer = bench.connect();
      bench.settle();
      assert.deepEqual(peer.payloads(), expected[delivery], delivery);
      assert.equal(bench.log.counts().inDoubt, 5 - expected[delivery].length);
    }
  });

  it("never sends a request again", () => {
    const bench = new Bench(again);
    bench.log.request("a", "_INBOX.1", null, "beside");
    bench.connect();
    bench.log.request("a", "_INBOX.2", null, "within");
    bench.clock.advance(1);
    bench.cut();
    assert.deepEqual(bench.connect().payloads(), []);
    assert.deepEqual(back(bench).toSorted(), ["beside inDoubt", "within inDoubt"]);
  });
});

describe("the age of a single message", () => {
  it("ends it alone, earlier or later than the connection's", () => {
    const bench = new Bench({ ...defaults, reconnectBuffer: { ...defaults.reconnectBuffer, maxAge: 100 } });
    bench.publish("long", "a", { maxAge: 500 });
    bench.publish("usual");
    bench.publish("short", "a", { maxAge: 10 });
    bench.clock.advance(35);
    assert.deepEqual(back(bench), ["short expired"]);
    bench.clock.advance(100);
    assert.deepEqual(back(bench), ["short expired", "usual expired"]);
    bench.clock.advance(400);
    assert.deepEqual(back(bench), ["short expired", "usual expired", "long expired"]);
    assert.equal(bench.clock.pending.timers, 0);
  });

  it("does not matter once it is in flight on a connection that lives", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1", "a", { maxAge: 10 });
    bench.clock.advance(50);
    assert.equal(bench.log.counts().inFlight, 1);
    bench.answer();
    assert.equal(bench.log.counts().confirmed, 1);
  });

  it("costs no memory beyond what is held", () => {
    const bench = new Bench();
    bench.connect();
    for (let i = 0; i < 20; i++) {
      for (let n = 0; n < 100; n++) bench.publish("x", "a", { maxAge: 3_600_000 });
      bench.settle();
    }
    assert.equal(bench.clock.pending.keptAlive, 0, "no timer for what was confirmed");
  });
});
