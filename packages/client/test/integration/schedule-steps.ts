/** What a schedule of the model is made of: options, what becomes of each dial, the steps, and how it ends. */
import type { Delivery, HoldfastOptions } from "../../src/options.ts";

/** What an INFO announces. */
export interface Announced {
  readonly maxPayload: number;
  readonly headers: boolean;
}

export type Cut = "rst" | "fin";
export type Mode = "auto" | "hold";
/** `trickle`: a little every few milliseconds, so that a chunk is outstanding most of the time. */
export type Reading = Mode | "trickle";

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
  /** All that it sends in one turn arrives at once; else each line by itself. */
  readonly joined: boolean;
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
  readonly reading: Reading;
  readonly pongs: Mode;
  /** What it says about messages that its permissions forbid. */
  readonly refusals: Refusals;
}

/**
 * One `-ERR` for each forbidden message (`exact`); now and then none (`withheld`), or two (`doubled`); or it allows everything (`none`), as a
 * server does whose permissions were changed.
 */
export type Refusals = "exact" | "withheld" | "doubled" | "none";

/**
 * A limit that no INFO announces. A message with more headers and payload than `maxPayload` ends its connection, from its control line on; the
 * first `silent` times without an `-ERR`, then behind one.
 */
export interface Secret {
  readonly maxPayload: number;
  readonly silent: number;
  readonly how: Cut;
}

/**
 * How a message differs from a plain one. `subject` and `reply`: it goes to a subject, or has a reply, that many share and some servers
 * forbid. `ack` to `inbox` may use the reserve; those from `next` on belong to the connection.
 */
export type Class =
  | "plain"
  | "subject"
  | "reply"
  | "ack"
  | "api"
  | "inbox"
  | "next"
  | "flowControl"
  | "working"
  | "nextAck"
  | "batch"
  | "fast";

/** What the caller says about one message; undefined: nothing. */
export interface Own {
  readonly delivery: Delivery | undefined;
  readonly maxAge: number | undefined;
  readonly msgId: boolean;
}

/** What the server does with a request it reads. */
export type Answer = "now" | "later" | "noResponders" | "never" | "twice";

export type Step =
  | { do: "publish"; size: number; text: boolean; headers: boolean; reply: boolean; cls: Class; own: Own; confirm: boolean }
  | { do: "burst"; count: number; size: number }
  /** Messages, requests, flushes, SUBs and UNSUBs in one turn; `salt` says which. */
  | { do: "mixture"; count: number; salt: number }
  /** The same again and again, with so much time in between. */
  | { do: "pulse"; count: number; ms: number; what: "publish" | "serverPing" | "both" }
  | { do: "request"; size: number; timeout: number; how: "mux" | "own" | "many"; batch: boolean; answer: Answer }
  | { do: "subscribe"; max: number; queue: boolean; iterate: boolean; timeout: number }
  | { do: "unsubscribe"; which: number; max: number }
  | { do: "drainSubscription"; which: number }
  | { do: "deliver"; which: number; count: number; size: number; reply: boolean }
  | { do: "flush"; how: "plain" | "timeout" | "abort" }
  | { do: "reply" | "rtt" | "serverPing" | "reconnect" | "lameDuck" | "purge" | "writable" | "close" | "drain" }
  | { do: "read"; bytes: number; earlier: boolean }
  | { do: "mode"; reading: Reading; pongs: Mode }
  | { do: "pong"; count: number }
  /** `stays`: later connections are told the same, as after a reload. */
  | { do: "info"; info: Announced; stays: boolean }
  | { do: "complain"; about: "server" | "request" | "frame" }
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
  /** Of every server of this schedule, also when it behaves. */
  readonly secret: Secret | null;
  readonly options: HoldfastOptions;
}

export interface Schedule {
  readonly setup: Setup;
  readonly dials: readonly DialScript[];
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

/** What a server announces unless a test says otherwise. */
export const generous: Announced = { maxPayload: 1024 * 1024, headers: true };

/** A dial that ends in a connection to a server that answers everything. */
export const goodDial: DialScript = {
  answer: "accept",
  delayMs: 0,
  capacity: 65_536,
  chunkBytes: 65_536,
  unfinished: "last-item",
  piece: 65_536,
  joined: false,
  pauses: [0, 0, 0],
  dies: "never",
  how: "rst",
  info: generous,
  account: null,
  cutAfter: null,
  reading: "auto",
  pongs: "auto",
  refusals: "exact",
};

/** Nothing said about a message. */
export const nothingOwn: Own = { delivery: undefined, maxAge: undefined, msgId: false };
