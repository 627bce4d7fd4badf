import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ReconnectBufferFullError } from "../../src/errors.ts";
import type { OutboundOptions } from "../../src/options.ts";
import { Bench, defaults, Peer } from "./harness.ts";

/** One step of a schedule. Numbers are drawn wide and scaled by what they are used for. */
type Step =
  | { do: "publish"; size: number; bound: boolean; headers: boolean }
  | { do: "request"; size: number }
  | { do: "expire"; which: number }
  | { do: "flush" | "cut" | "control" | "ping" }
  | { do: "connect"; capacity: number; chunk: number; maxPayload: number; headers: boolean }
  | { do: "drain"; bytes: number }
  | { do: "answer"; pongs: number }
  | { do: "advance"; ms: number };

const size = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(16_000, 66_000, 200_000, 300_000),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      size,
      bound: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      headers: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("request" as const), size }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("expire" as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("flush" as const, "cut" as const, "control" as const, "ping" as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("connect" as const),
      capacity: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 500_000 })),
      chunk: fc.constantFrom(64 * 1024, 256 * 1024),
      maxPayload: fc.constantFrom(1024 * 1024, 1024 * 1024, 2000),
      headers: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("drain" as const), bytes: fc.oneof(fc.nat(200), fc.nat(300_000)) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("answer" as const), pongs: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(0, 1, 5, 21, 100, 2000) }) },
);

const limit = fc.constantFrom(Infinity, 3, 20);
const options: fc.Arbitrary<OutboundOptions> = fc.record({
  reconnectBuffer: fc.record({
    enabled: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    maxBytes: fc.constantFrom(Infinity, 500, 100_000, 1_000_000),
    maxMessages: limit,
    maxAge: fc.constantFrom(Infinity, Infinity, 50),
    whenFull: fc.constantFrom("error" as const, "drop-oldest" as const, "drop-newest" as const),
  }),
  maxQueued: fc.record({
    maxBytes: fc.constantFrom(Infinity, Infinity, 400_000),
    maxMessages: fc.constantFrom(Infinity, Infinity, 30),
  }),
  maxInFlight: fc.constantFrom(64 * 1024, 1024 * 1024),
  fenceDelay: fc.constantFrom(0, 20),
  maxControlLine: fc.constant(4096),
});

/** Runs a schedule and checks after every step, and at the end the fate of every single message. */
class Run {
  readonly bench: Bench;
  readonly options: OutboundOptions;
  readonly accepted: string[] = [];
  readonly requests: number[] = [];
  readonly peers: Peer[] = [];
  next = 0;

  constructor(options: OutboundOptions) {
    this.options = options;
    this.bench = new Bench(options);
  }

  do(step: Step): void {
    const { bench } = this;
    switch (step.do) {
      case "publish":
      case "request":
        return this.offer(step);
      case "expire": {
        const [handle] = this.requests.splice(step.which % Math.max(1, this.requests.length), 1);
        if (handle !== undefined) bench.log.expire(handle);
        return;
      }
      case "flush":
        bench.log.flush().catch(() => {});
        return;
      case "cut":
        return bench.cut();
      case "control":
        return bench.log.control(Buffer.from("SUB x 1\r\n"));
      case "ping":
        return bench.log.ping(() => {});
      case "connect":
        if (bench.peer !== undefined) return;
        this.peers.push(bench.connect(new Peer(step.capacity, step.chunk), step.maxPayload, step.headers));
        return;
      case "drain":
        if (bench.peer?.drain(step.bytes) === true) bench.log.taken();
        return;
      case "answer":
        return bench.answer(step.pongs);
      case "advance":
        return bench.clock.advance(step.ms);
    }
  }

  offer(step: Step & { size: number }): void {
    const { log } = this.bench;
    const id = `${this.next++}`.padEnd(step.size, ".");
    const before = log.counts();
    const headers = step.do === "publish" && step.headers ? Buffer.from("NATS/1.0\r\nA: b\r\n\r\n") : null;
    try {
      if (step.do === "publish") log.publish("a.b", "", headers, id, step.bound);
      else this.requests.push(log.request("a.b", "_INBOX.1", null, id));
      this.accepted.push(id);
    } catch (error) {
      assert.ok(error instanceof ReconnectBufferFullError || /max_payload|headers/.test(String(error)), String(error));
      assert.deepEqual(log.counts(), { ...before, refused: before.refused + 1 }, "a refused publish changes nothing else");
    }
  }

  check(): void {
    const { log } = this.bench;
    const counts = log.counts();
    for (const [state, n] of Object.entries(counts)) assert.ok(n >= 0, `${state} is ${n}`);
    assert.equal(counts.accepted, this.accepted.length);
    assert.equal(this.bench.sum(), counts.accepted, `identity: ${JSON.stringify(counts)}`);
    assert.equal(log.held.messages, counts.inFlight + counts.buffered);
    assert.ok(log.held.bytes >= 0);
  }

  /** Lets everything come to its end, and accounts for every message by what peers read and what was handed back. */
  finish(): void {
    const { bench } = this;
    if (bench.peer === undefined) this.peers.push(bench.connect(new Peer(Infinity)));
    bench.settle();
    bench.log.end(1000).catch(() => {});
    bench.clock.advance(2000);
    this.check();
    const counts = bench.log.counts();
    assert.equal(counts.inFlight + counts.buffered, 0);
    const id = (payload: string): string => payload.replace(/\.+$/, "");
    const arrived = this.peers.flatMap((peer) => peer.payloads().map(id));
    const back = new Map(bench.back.map((message) => [id(Buffer.from(message.data).toString()), message.state]));
    assert.equal(new Set(arrived).size, arrived.length, "at most once");
    assert.equal(back.size, bench.back.length, "handed back once");
    for (const payload of this.accepted) {
      const state = back.get(id(payload));
      const read = arrived.includes(id(payload));
      if (state === undefined) assert.ok(read, `message ${id(payload)} was confirmed and never arrived`);
      else if (state !== "inDoubt") assert.ok(!read, `message ${id(payload)} ended ${state} and arrived`);
    }
    for (const state of ["inDoubt", "dropped", "expired", "undeliverable", "abandoned"] as const) {
      assert.equal([...back.values()].filter((each) => each === state).length, counts[state], state);
    }
    for (const peer of this.peers) {
      const ids = peer.payloads().map((payload) => Number(id(payload)));
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
        "order on each connection",
      );
    }
    assert.deepEqual({ ...bench.clock.pending, timers: 0 }, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
  }
}

describe("the accounting identity", () => {
  it("holds after every step of any schedule, and every message has exactly one fate", async () => {
    await fc.assert(
      // Asynchronous only so that the promises of one run are done before the next: they would pile up otherwise.
      fc.asyncProperty(options, fc.array(step, { maxLength: 120, size: "max" }), async (chosen, steps) => {
        const run = new Run(chosen);
        for (const each of steps) {
          run.do(each);
          run.check();
        }
        run.finish();
      }),
      { numRuns: Number(process.env.IDENTITY_RUNS ?? 3000) },
    );
  });

  it("holds for a long backlog over many short connections", () => {
    const run = new Run(defaults);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 400; i++) run.do({ do: "publish", size: (i * 37) % 900, bound: false, headers: i % 3 === 0 });
      run.do({ do: "connect", capacity: round * 1777, chunk: 64 * 1024, maxPayload: 1024 * 1024, headers: true });
      for (let i = 0; i < 20; i++) {
        run.do({ do: "drain", bytes: 3000 });
        run.do({ do: "answer", pongs: 1 });
        run.do({ do: "advance", ms: 5 });
      }
      run.do({ do: "cut" });
      run.check();
    }
    run.finish();
  });
});
