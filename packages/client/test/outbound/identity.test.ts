import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PermissionViolationError } from "@nats-io/nats-core";
import fc from "fast-check";
import { ReconnectBufferFullError, UndeliveredError } from "../../src/errors.ts";
import type { OutboundOptions } from "../../src/options.ts";
import type { Treatment } from "../../src/outbound/treatment.ts";
import { Bench, defaults, Peer } from "./harness.ts";

/** One step of a schedule. Numbers are drawn wide and scaled by what they are used for. */
type Step =
  | {
      do: "publish";
      size: number;
      headers: boolean;
      subject: "a.b" | "forbidden" | "poison";
      treatment: Treatment;
      confirm: boolean;
    }
  | { do: "request"; size: number }
  | { do: "expire"; which: number }
  | { do: "flush" | "cut" | "control" | "ping" | "purge" | "leave" | "hear" }
  | { do: "complain"; said: boolean }
  | { do: "connect"; capacity: number; chunk: number; maxPayload: number; headers: boolean }
  | { do: "drain"; bytes: number }
  | { do: "answer"; pongs: number; withheld: boolean }
  | { do: "advance"; ms: number };

const size = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(17_000, 66_000, 200_000, 300_000),
);
const rarely = (n: number): fc.Arbitrary<boolean> => fc.nat(n).map((drawn) => drawn === n);
const treatment: fc.Arbitrary<Treatment> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ bound: rarely(1), reserved: rarely(1) }) },
  { weight: 1, arbitrary: fc.record({ delivery: fc.constantFrom("at-most-once" as const, "at-least-once" as const) }) },
  { weight: 1, arbitrary: fc.record({ maxAge: fc.constantFrom(1, 30, 1000, 1e9) }) },
  { weight: 2, arbitrary: fc.record({ byReference: fc.constant(true), bound: rarely(5) }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      size,
      headers: fc.boolean(),
      subject: fc.oneof(
        { weight: 12, arbitrary: fc.constant("a.b" as const) },
        { weight: 2, arbitrary: fc.constant("forbidden" as const) },
        { weight: 1, arbitrary: fc.constant("poison" as const) },
      ),
      treatment,
      confirm: rarely(5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("request" as const), size }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("expire" as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "flush" as const,
        "cut" as const,
        "control" as const,
        "ping" as const,
        "leave" as const,
        "hear" as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("purge" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("complain" as const), said: rarely(2).map((not) => !not) }),
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
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("answer" as const), pongs: fc.integer({ min: 1, max: 5 }), withheld: rarely(5) }),
  },
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
  delivery: fc.constantFrom("at-most-once" as const, "at-least-once" as const),
  stallTimeout: fc.constantFrom(0, 2000, 10_000),
  backlogDelay: fc.constantFrom(0, 0, 0, 50),
});

/** A message as it was accepted. */
interface Sent {
  readonly id: string;
  /** What was passed by reference. */
  readonly bytes: Uint8Array | undefined;
  readonly subject: string;
  readonly again: boolean;
  /** What `publishAndConfirm()` told. */
  told: "nothing" | "waits" | "confirmed" | Error;
}

/** Runs a schedule and checks after every step, and at the end the fate of every single message. */
class Run {
  readonly bench: Bench;
  readonly options: OutboundOptions;
  readonly accepted: Sent[] = [];
  readonly requests: number[] = [];
  readonly peers: Peer[] = [];
  next = 0;
  /** Whether any message has an age of its own. */
  hasAges = false;

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
      case "purge": {
        const { buffered } = bench.log.counts();
        assert.equal(bench.log.purge(), buffered);
        assert.equal(bench.log.counts().buffered, 0);
        return;
      }
      case "leave":
        return this.leave();
      case "hear":
        return bench.log.received();
      case "complain":
        return bench.peer?.poisoned ? bench.complain(step.said) : undefined;
      case "drain":
        if (bench.peer?.drain(step.bytes) === true) bench.log.taken();
        return;
      case "answer":
        return bench.peer?.poisoned ? undefined : bench.answer(step.pongs, step.withheld);
      case "advance":
        return bench.clock.advance(step.ms);
    }
  }

  /** A planned move: nothing is in doubt because of it. */
  leave(): void {
    const { log } = this.bench;
    if (this.bench.peer?.poisoned) return;
    // At the end of a connection what is too old to be sent again ends in doubt, whatever ended it.
    const ages = this.options.reconnectBuffer.maxAge < Infinity || this.hasAges;
    log.leave(() => {
      const before = log.counts();
      this.bench.cut();
      if (!ages) assert.equal(log.counts().inDoubt, before.inDoubt, "a planned move left a message in doubt");
    });
  }

  offer(step: Step & { do: "publish" | "request" }): void {
    const { log } = this.bench;
    const id = `${this.next++}`.padEnd(step.size, ".");
    const before = log.counts();
    const headers = step.do === "publish" && step.headers ? Buffer.from("NATS/1.0\r\nA: b\r\n\r\n") : null;
    const isPublish = step.do === "publish";
    if (isPublish && step.treatment.maxAge !== undefined) this.hasAges = true;
    const { bound, delivery } = isPublish ? step.treatment : { bound: true, delivery: undefined };
    const again = bound !== true && (delivery ?? this.options.delivery) === "at-least-once";
    const bytes = isPublish && step.treatment.byReference === true ? Buffer.from(id) : undefined;
    const sent: Sent = { id, bytes, subject: isPublish ? step.subject : "a.b", again, told: "nothing" };
    const payload = bytes ?? id;
    try {
      if (!isPublish) this.requests.push(log.request("a.b", "_INBOX.1", null, id));
      else if (!step.confirm) log.publish(step.subject, "", headers, payload, step.treatment);
      else this.confirm(sent, log.publishAndConfirm(step.subject, "", headers, payload, step.treatment));
      if (log.counts().accepted > before.accepted) this.accepted.push(sent);
    } catch (error) {
      assert.ok(error instanceof ReconnectBufferFullError || /max_payload|headers/.test(String(error)), String(error));
      assert.deepEqual(log.counts(), { ...before, refused: before.refused + 1 }, "a refused publish changes nothing else");
    }
  }

  confirm(sent: Sent, told: Promise<void>): void {
    sent.told = "waits";
    told.then(
      () => {
        sent.told = "confirmed";
      },
      (error: Error) => {
        sent.told = error;
      },
    );
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

  /** Lets everything come to its end. */
  async finish(): Promise<void> {
    const { bench } = this;
    const poisons = this.accepted.filter(({ subject }) => subject === "poison").length;
    for (let connections = 0; ; connections++) {
      if (bench.peer === undefined) this.peers.push(bench.connect(new Peer(Infinity)));
      bench.settle();
      if (bench.log.held.messages === 0) break;
      assert.ok(connections <= 10 + 12 * poisons, `${connections} connections: ${JSON.stringify(bench.log.counts())}`);
    }
    bench.log.end(1000).catch(() => {});
    bench.clock.advance(2000);
    this.check();
    assert.equal(bench.log.held.messages, 0);
    await new Promise((resolve) => setImmediate(resolve));
    this.account();
    assert.deepEqual({ ...bench.clock.pending, timers: 0 }, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
  }

  /** The fate of every message, by what peers read and what was handed back. */
  account(): void {
    const { bench } = this;
    const counts = bench.log.counts();
    const id = (payload: string): string => payload.replace(/\.+$/, "");
    const arrived = new Map<string, number>();
    for (const peer of this.peers) {
      const ids = peer.messages().map((message) => id(message.payload));
      for (const each of ids) arrived.set(each, (arrived.get(each) ?? 0) + 1);
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => Number(a) - Number(b)),
        "order on each connection",
      );
      assert.equal(new Set(ids).size, ids.length, "once on each connection");
    }
    const back = new Map(bench.back.map((message) => [id(Buffer.from(message.data).toString()), message.state]));
    assert.equal(back.size, bench.back.length, "handed back once");
    const data = new Map(bench.back.map((message) => [id(Buffer.from(message.data).toString()), message.data]));
    let again = 0;
    for (const message of this.accepted) {
      const name = id(message.id);
      const state = back.get(name);
      const times = arrived.get(name) ?? 0;
      const what = `message ${name} (${message.subject}, again ${message.again}) ended ${state ?? "confirmed"}, arrived ${times} times`;
      if (state === undefined) assert.ok(times > 0, what);
      else if (state === "rejected") assert.ok(message.subject !== "a.b", what);
      else if (state !== "inDoubt") assert.equal(times, 0, what);
      if (state !== undefined && message.bytes !== undefined && message.bytes.length >= 16_384)
        assert.equal(data.get(name), message.bytes, `${what}, and the same object came back`);
      if (message.again) again += Math.max(0, times - 1);
      else assert.ok(times <= 1, what);
      if (message.told === "nothing") continue;
      if (message.told === "confirmed") assert.ok(state === undefined, `${what}, and was told so`);
      else if (message.told instanceof UndeliveredError) assert.equal(message.told.state, state, what);
      else assert.ok(message.told instanceof PermissionViolationError || state === "rejected", `${what}, told ${message.told}`);
    }
    assert.ok(again <= counts.resent, `${again} arrived again, ${counts.resent} resent`);
    for (const state of ["rejected", "inDoubt", "dropped", "expired", "undeliverable", "abandoned"] as const) {
      assert.equal([...back.values()].filter((each) => each === state).length, counts[state], state);
    }
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
        await run.finish();
      }),
      { numRuns: Number(process.env.IDENTITY_RUNS ?? 2000), includeErrorInReport: true },
    );
  });

  it("holds for a long backlog over many short connections", async () => {
    const run = new Run(defaults);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 400; i++) {
        const size = (i * 37) % 900;
        run.do({ do: "publish", size, headers: i % 3 === 0, subject: "a.b", treatment: {}, confirm: false });
      }
      run.do({ do: "connect", capacity: round * 1777, chunk: 64 * 1024, maxPayload: 1024 * 1024, headers: true });
      for (let i = 0; i < 20; i++) {
        run.do({ do: "drain", bytes: 3000 });
        run.do({ do: "answer", pongs: 1, withheld: false });
        run.do({ do: "advance", ms: 5 });
      }
      run.do({ do: "cut" });
      run.check();
    }
    await run.finish();
  });
});
