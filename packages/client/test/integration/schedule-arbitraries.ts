/** Random schedules. */
import fc from "fast-check";
import type { Delivery, HoldfastOptions, WhenFull } from "../../src/options.ts";
import { announced, cut, dial, mode, once, reading } from "./schedule-dials.ts";
import {
  type Answer,
  type Class,
  type Ending,
  nothingOwn,
  type Own,
  type Schedule,
  type Secret,
  type Setup,
  type Step,
} from "./schedule-steps.ts";

const small = fc.oneof({ weight: 4, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.nat(3000) });
const size = fc.oneof(
  { weight: 9, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom(16_000, 66_000, 130_000, 300_000) },
);
const cls = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Class>("plain") },
  { weight: 4, arbitrary: fc.constantFrom<Class>("subject", "subject", "subject", "reply") },
  { weight: 1, arbitrary: fc.constantFrom<Class>("ack", "api", "inbox") },
  { weight: 2, arbitrary: fc.constantFrom<Class>("next", "flowControl", "working", "nextAck", "batch", "fast") },
);
const level = fc.constantFrom<Delivery>("at-most-once", "at-least-once");
const own: fc.Arbitrary<Own> = fc.record({
  delivery: fc.option(level, { nil: undefined, freq: 1 }),
  maxAge: fc.option(fc.constantFrom(0, 30, 400, Infinity), { nil: undefined, freq: 1 }),
  msgId: once(6),
});
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
      own: fc.oneof({ weight: 3, arbitrary: fc.constant(nothingOwn) }, { weight: 1, arbitrary: own }),
      confirm: once(4),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("mixture" as const), count: fc.integer({ min: 3, max: 30 }), salt: fc.nat(1000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("burst" as const),
      count: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 2, max: 30 }) }, { weight: 1, arbitrary: fc.constant(120) }),
      size: small,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pulse" as const),
      count: fc.integer({ min: 2, max: 12 }),
      ms: fc.constantFrom(20, 300, 450),
      what: fc.constantFrom("publish" as const, "serverPing" as const, "both" as const),
    }),
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
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("flush" as const),
      how: fc.constantFrom("plain" as const, "plain" as const, "timeout" as const, "abort" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("reply" as const, "purge" as const, "writable" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("rtt" as const, "serverPing" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("read" as const), bytes: fc.oneof(fc.nat(300), fc.nat(300_000)), earlier: once(5) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mode" as const), reading, pongs: mode(2) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pong" as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("info" as const), info: announced, stays: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("complain" as const),
      about: fc.constantFrom("server" as const, "request" as const, "frame" as const, "frame" as const),
    }),
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
        "lameDuck" as const,
        "lameDuck" as const,
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
  delivery: level,
  stallTimeout: fc.constantFrom(0, 500, 500, 10_000),
  backlogDelay: fc.constantFrom(0, 0, 0, 30),
  failRequestsOnDisconnect: fc.boolean(),
  closeTimeout: fc.constantFrom(5000, 100, 0),
  noAsyncTraces: fc.constant(true),
});

const secret: fc.Arbitrary<Secret> = fc.record({
  maxPayload: fc.constantFrom(1000, 2500, 60_000),
  silent: fc.constantFrom(0, 0, 1, 2),
  how: cut,
});

const setup: fc.Arbitrary<Setup> = fc.record({
  seed: fc.nat(1_000_000),
  first: fc.constantFrom("good" as const, "good" as const, "good" as const, "early" as const, "early" as const, "raw" as const),
  listener: fc.constantFrom("sync" as const, "sync" as const, "async" as const, "throws" as const, "none" as const),
  secret: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: secret }),
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

/** What the tests run: mostly short ones, which shrink well, and some that get into corners. */
export const mixed: fc.Arbitrary<Schedule> = fc.oneof(
  { weight: 16, arbitrary: schedules(18) },
  { weight: 3, arbitrary: schedules(40) },
  { weight: 1, arbitrary: schedules(80) },
);
