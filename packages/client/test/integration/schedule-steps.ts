/** What a schedule of identity.test.ts is made of: options, what becomes of each dial, the steps, and how it ends. */
import fc from "fast-check";
import type { HoldfastOptions, WhenFull } from "../../src/options.ts";

/** What an INFO announces. */
export interface Announced {
  readonly maxPayload: number;
  readonly headers: boolean;
}

export type Cut = "rst" | "fin";
export type Mode = "auto" | "hold";

/** What becomes of one dial, and of the connection that comes of it. */
export interface DialScript {
  readonly answer: "accept" | "refuse" | "hang";
  readonly delayMs: number;
  /** Of the kernel between client and server, bytes. */
  readonly capacity: number;
  readonly chunkBytes: number;
  readonly unfinished: "last-item" | "nothing";
  /** What it sends arrives in pieces of so many bytes. */
  readonly piece: number;
  /** How long the server thinks before INFO, the first PONG and the second, ms. */
  readonly pauses: readonly [number, number, number];
  /** What it does instead of the next step of the handshake; `garbage` instead of INFO. */
  readonly dies: "never" | "garbage" | "greeting" | "introduced" | "asked" | "authenticated" | "subscribed" | "silent";
  readonly how: Cut;
  readonly info: Announced;
  /** A second INFO behind the first PONG, as the account's own. */
  readonly account: Announced | null;
  /** The connection is cut when so many bytes behind the handshake were read. */
  readonly cutAfter: number | null;
  /** From the second PONG on. */
  readonly reading: Mode;
  readonly pongs: Mode;
}

/** How a message differs from a plain one. Those below `ack` belong to the connection. */
export type Class = "plain" | "ack" | "next" | "flowControl" | "working" | "nextAck" | "batch" | "fast";

/** What the server does with a request it reads. */
export type Answer = "now" | "later" | "noResponders" | "never" | "twice";

export type Step =
  | { do: "publish"; size: number; text: boolean; headers: boolean; reply: boolean; cls: Class }
  | { do: "burst"; count: number; size: number }
  /** Messages, requests and flushes of all kinds in one turn; `salt` says which. */
  | { do: "mixture"; count: number; salt: number }
  | { do: "request"; size: number; timeout: number; how: "mux" | "own" | "many"; batch: boolean; answer: Answer }
  | { do: "subscribe"; max: number; queue: boolean; iterate: boolean; timeout: number }
  | { do: "unsubscribe"; which: number; max: number }
  | { do: "drainSubscription"; which: number }
  | { do: "deliver"; which: number; count: number; size: number; reply: boolean }
  | { do: "reply" | "flush" | "rtt" | "serverPing" | "reconnect" | "close" | "drain" }
  | { do: "read"; bytes: number; earlier: boolean }
  | { do: "mode"; reading: Mode; pongs: Mode }
  | { do: "pong"; count: number }
  | { do: "info"; info: Announced }
  | { do: "complain"; about: "server" | "request" }
  | { do: "cut"; how: Cut }
  | { do: "cutAt"; bytes: number; how: Cut }
  | { do: "advance" | "block"; ms: number };

/**
 * How a schedule ends. `heal`: the server behaves, and all comes to its end before the client is closed; `drain`: while the server heals;
 * `drainLate`: it heals too late; `close`: with the server as it is; `closeSlowly`: with one that reads a little at a time.
 */
export type Ending = "heal" | "drain" | "drainLate" | "close" | "closeSlowly";

export interface Setup {
  readonly seed: number;
  /** `good`: the first dial is good, then come the scripts. `early`: `connect()` resolves before. `raw`: it may reject. */
  readonly first: "good" | "early" | "raw";
  readonly listener: "sync" | "async" | "throws" | "none";
  readonly options: HoldfastOptions;
}

export interface Schedule {
  readonly setup: Setup;
  readonly dials: readonly DialScript[];
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

/** True once in `n`. */
const once = (n: number): fc.Arbitrary<boolean> => fc.nat(n - 1).map((drawn) => drawn === n - 1);

const announced: fc.Arbitrary<Announced> = fc.record({
  maxPayload: fc.constantFrom(1024 * 1024, 1024 * 1024, 2000, 70_000),
  headers: once(4).map((not) => !not),
});

const generous: Announced = { maxPayload: 1024 * 1024, headers: true };
const pause = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(3, 40, 5000) });
const mode = (weight: number): fc.Arbitrary<Mode> => once(weight).map((hold) => (hold ? "hold" : "auto"));
const cut = fc.constantFrom<Cut>("rst", "fin");

/** A server that behaves, over any kernel. */
const fair: fc.Arbitrary<DialScript> = fc.record({
  answer: fc.constant("accept" as const),
  delayMs: fc.constantFrom(0, 0, 0, 15),
  capacity: fc.constantFrom(64, 1000, 16_384, 65_536, 65_536, Infinity),
  chunkBytes: fc.constantFrom(65_536, 65_536, 65_536, 262_144, 9000),
  unfinished: once(5).map((tls) => (tls ? "nothing" : "last-item")),
  piece: fc.constantFrom(65_536, 65_536, 65_536, 65_536, 65_536, 7),
  pauses: fc.tuple(pause, pause, pause),
  dies: fc.constant("never" as const),
  how: cut,
  info: fc.oneof({ weight: 4, arbitrary: fc.constant(generous) }, { weight: 1, arbitrary: announced }),
  account: fc.option(announced, { freq: 6 }).map((account) => (account === null ? null : account)),
  cutAfter: fc.constant(null),
  reading: mode(3),
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
  { weight: 3, arbitrary: fc.record({ do: fc.constant("mode" as const), reading: mode(2), pongs: mode(2) }) },
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
      do: fc.constantFrom("reconnect" as const, "reconnect" as const, "reconnect" as const, "reconnect" as const, "close" as const, "drain" as const),
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

/** A dial that ends in a connection to a server that answers everything. */
export const goodDial: DialScript = {
  answer: "accept",
  delayMs: 0,
  capacity: 65_536,
  chunkBytes: 65_536,
  unfinished: "last-item",
  piece: 65_536,
  pauses: [0, 0, 0],
  dies: "never",
  how: "rst",
  info: generous,
  account: null,
  cutAfter: null,
  reading: "auto",
  pongs: "auto",
};
