/** Random schedules. */
import fc from "fast-check";
import type { HoldfastOptions, WhenFull } from "../../src/options.ts";
import {
  type Announced,
  type Answer,
  type Class,
  type Cut,
  type DialScript,
  type Ending,
  generous,
  type Mode,
  type Reading,
  type Schedule,
  type Setup,
  type Step,
} from "./schedule-steps.ts";

/** True once in `n`. */
const once = (n: number): fc.Arbitrary<boolean> => fc.nat(n - 1).map((drawn) => drawn === n - 1);

const announced: fc.Arbitrary<Announced> = fc.record({
  maxPayload: fc.constantFrom(1024 * 1024, 1024 * 1024, 2000, 70_000),
  headers: once(4).map((not) => !not),
});

const pause = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(3, 40, 5000) });
const mode = (weight: number): fc.Arbitrary<Mode> => once(weight).map((hold) => (hold ? "hold" : "auto"));
const reading = fc.constantFrom<Reading>("auto", "auto", "auto", "hold", "hold", "trickle");
const cut = fc.constantFrom<Cut>("rst", "fin");

/** A server that behaves, over any kernel. */
const fair: fc.Arbitrary<DialScript> = fc.record({
  answer: fc.constant("accept" as const),
  delayMs: fc.constantFrom(0, 0, 0, 15),
  capacity: fc.constantFrom(64, 1000, 16_384, 65_536, 65_536, Infinity),
  chunkBytes: fc.constantFrom(65_536, 65_536, 65_536, 262_144, 9000),
  unfinished: once(3).map((tls) => (tls ? "nothing" : "last-item")),
  piece: fc.constantFrom(65_536, 65_536, 65_536, 65_536, 65_536, 7),
  pauses: fc.tuple(pause, pause, pause),
  dies: fc.constant("never" as const),
  how: cut,
  info: fc.oneof({ weight: 4, arbitrary: fc.constant(generous) }, { weight: 1, arbitrary: announced }),
  account: fc.option(announced, { freq: 6 }),
  cutAfter: fc.constant(null),
  reading,
  pongs: mode(3),
});

const dial: fc.Arbitrary<DialScript> = fc.oneof(
  { weight: 3, arbitrary: fair },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fair, fc.oneof(fc.nat(200), fc.nat(20_000), fc.nat(400_000)))
      .map(([script, cutAfter]): DialScript => ({ ...script, cutAfter })),
  },
  { weight: 1, arbitrary: fair.map((script): DialScript => ({ ...script, answer: "refuse" })) },
  { weight: 1, arbitrary: fair.map((script): DialScript => ({ ...script, answer: "hang" })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fair,
        fc.constantFrom<DialScript["dies"]>(
          "garbage",
          "greeting",
          "introduced",
          "asked",
          "authenticated",
          "subscribed",
          "silent",
        ),
      )
      .map(([script, dies]): DialScript => ({ ...script, dies })),
  },
);

const small = fc.oneof({ weight: 4, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.nat(3000) });
const size = fc.oneof(
  { weight: 9, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom(16_000, 66_000, 130_000, 300_000) },
);
const cls = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Class>("plain") },
  { weight: 1, arbitrary: fc.constantFrom<Class>("ack", "next", "flowControl", "working", "nextAck", "batch", "fast") },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      size,
      text: fc.boolean(),
      headers: once(4),
      reply: once(4),
      cls,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("mixture" as const), count: fc.integer({ min: 3, max: 60 }), salt: fc.nat(1000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("burst" as const), count: fc.integer({ min: 2, max: 120 }), size: small }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("request" as const),
      size,
      timeout: fc.constantFrom(1, 10, 100, 1000, 5000),
      how: fc.constantFrom("mux" as const, "mux" as const, "own" as const, "many" as const),
      batch: once(8),
      answer: fc.constantFrom<Answer>("now", "later", "noResponders", "never", "twice"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("subscribe" as const),
      max: fc.constantFrom(0, 0, 1, 3),
      queue: fc.boolean(),
      iterate: fc.boolean(),
      timeout: fc.constantFrom(0, 0, 0, 50),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), which: fc.nat(50), max: fc.constantFrom(0, 0, 1, 5) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drainSubscription" as const), which: fc.nat(50) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("deliver" as const),
      which: fc.nat(50),
      count: fc.integer({ min: 1, max: 5 }),
      size: fc.nat(2000),
      reply: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("flush" as const, "flush" as const, "reply" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("rtt" as const, "serverPing" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("read" as const), bytes: fc.oneof(fc.nat(300), fc.nat(300_000)), earlier: once(5) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mode" as const), reading, pongs: mode(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pong" as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("info" as const), info: announced }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("complain" as const), about: fc.constantFrom("server" as const, "request" as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const), how: cut }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("cutAt" as const), bytes: fc.oneof(fc.nat(100), fc.nat(100_000)), how: cut }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(0, 1, 5, 21, 60, 300, 2500) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("block" as const), ms: fc.constantFrom(3, 30, 1500) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "reconnect" as const,
        "reconnect" as const,
        "reconnect" as const,
        "reconnect" as const,
        "close" as const,
        "drain" as const,
      ),
    }),
  },
);

const buffer: fc.Arbitrary<NonNullable<HoldfastOptions["reconnectBuffer"]>> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      maxBytes: fc.constantFrom(Infinity, 500, 100_000, 1_000_000),
      maxMessages: fc.constantFrom(Infinity, Infinity, 3, 20),
      maxAge: fc.constantFrom(Infinity, Infinity, 50),
      whenFull: fc.constantFrom<WhenFull>("error", "drop-oldest", "drop-newest"),
    }),
  },
  { weight: 1, arbitrary: fc.constant(false as const) },
);

const options: fc.Arbitrary<HoldfastOptions> = fc.record({
  servers: fc.constantFrom("here:1", ["here:1", "there:2"]),
  reconnectBuffer: buffer,
  maxQueued: fc.record({
    maxBytes: fc.constantFrom(Infinity, Infinity, 400_000),
    maxMessages: fc.constantFrom(Infinity, Infinity, 30),
  }),
  maxInFlight: fc.constantFrom(65_536, 1_048_576),
  fenceDelay: fc.constantFrom(0, 20),
  reconnectTimeWait: fc.constantFrom(0, 10, 200),
  reconnectJitter: fc.constantFrom(0, 100),
  maxReconnectAttempts: fc.constantFrom(-1, -1, 2),
  timeout: fc.constantFrom(200, 20_000),
  pingInterval: fc.constantFrom(120_000, 120_000, 400),
  closeTimeout: fc.constantFrom(5000, 100, 0),
  noAsyncTraces: fc.constant(true),
});

const setup: fc.Arbitrary<Setup> = fc.record({
  seed: fc.nat(1_000_000),
  first: fc.constantFrom("good" as const, "good" as const, "good" as const, "early" as const, "early" as const, "raw" as const),
  listener: fc.constantFrom("sync" as const, "sync" as const, "async" as const, "throws" as const, "none" as const),
  options,
});

/** Any schedule of up to `maxSteps` steps. */
export function schedules(maxSteps: number): fc.Arbitrary<Schedule> {
  return fc.record({
    setup,
    dials: fc.array(dial, { maxLength: 8, size: "max" }),
    steps: fc.array(step, { maxLength: maxSteps, size: "max" }),
    ending: fc.constantFrom<Ending>("heal", "heal", "heal", "drain", "drainLate", "close", "closeSlowly"),
  });
}
