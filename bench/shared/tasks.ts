/** What a side is told at its start, as JSON in its first argument. */
export interface Setup {
  readonly url: string;
  /** The certificate authority of a server with TLS, PEM. */
  readonly ca?: string;
  /** There is no server at `url` yet, or none at all: the side makes its connections when its tasks want them. */
  readonly down?: boolean;
  /** Node only: the module of the Holdfast to use; without it the side is the official client. */
  readonly library?: string;
  /** Node only: more options of `connect()`. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Payloads carry a number in their first four bytes, big-endian: a subscriber sees what is lost, doubled, out of order or overwritten. */
export interface PublishTask {
  readonly kind: "publish";
  readonly messages: number;
  readonly bytes: number;
  /** Messages between two turns of the event loop, where there is one. */
  readonly batch: number;
  /** Payloads that are used in turn: the official client keeps a reference until the end of the turn, so at least `batch`. */
  readonly pool: number;
  /**
   * `headers` has two, the same for all messages; `reply` has one reply subject for all: a new one for each would slow the server down.
   * `reference`: Holdfast only, with `copy: false`; payloads are not changed, so their numbers are those of their places in the pool.
   */
  readonly mode: "bytes" | "string" | "headers" | "reply" | "reference";
}

/** Publish one and flush, so many times. */
export interface RoundTripTask {
  readonly kind: "roundTrip";
  readonly messages: number;
  readonly bytes: number;
}

/**
 * `append`: publish on a connection of its own that has no server. `hold`: publish on the side's connection while its server is away.
 * `drain`: measure from the reconnect to the PONG behind the last message held.
 */
export interface DownTask {
  readonly kind: "append" | "hold" | "drain";
  readonly messages: number;
  readonly bytes: number;
  readonly batch: number;
  /** `append`: so many first on a connection that is thrown away, so that the code is warm and the memory is not. Default: 0. */
  readonly warmUp?: number;
}

/** Subscribe to `bench.receive`, tell the source through `bench.start`, and read every payload's number, which starts again after `batch`. */
export interface ReceiveTask {
  readonly kind: "receive";
  readonly messages: number;
  readonly bytes: number;
  readonly batch: number;
  readonly how: "callback" | "iterator";
}

/** So many requests, of which `outstanding` wait at a time; the answer is the request's payload. */
export interface RequestTask {
  readonly kind: "request";
  readonly messages: number;
  readonly bytes: number;
  readonly outstanding: number;
  readonly subject: string;
}

/** Answer each request with its payload, from now on. */
export interface RespondTask {
  readonly kind: "respond";
  readonly subject: string;
}

/** Publish to a stream, an acknowledgement for each message, `outstanding` at a time. */
export interface StreamTask {
  readonly kind: "stream";
  readonly messages: number;
  readonly bytes: number;
  readonly outstanding: number;
  readonly subject: string;
  /** Holdfast's own `publishToStream`, or the official JetStream module on either client. */
  readonly api: "own" | "official";
  /** `own`: without the ids by which the stream recognises a second copy. Default: with them, as is the library's. */
  readonly withoutIds?: boolean;
}

/** Publish to a stream by fast ingest: cumulative acknowledgements. */
export interface IngestTask {
  readonly kind: "ingest";
  readonly messages: number;
  readonly bytes: number;
  readonly subject: string;
}

/** What is measured. */
export type Task = PublishTask | RoundTripTask | DownTask | ReceiveTask | RequestTask | StreamTask | IngestTask;

/** What a side measured in one round. */
export interface Answer {
  readonly ms: number;
  /** CPU time of the side's process, ns a message. */
  readonly cpuNs: number;
  /** Messages to the server beside those of the task: a client whose flush does not wait for the server sends one to itself. */
  readonly beside?: number;
  /** The window at the end in bytes, where there is one. */
  readonly window?: number;
  /** Of one operation, where one waits at a time. */
  readonly p50Us?: number;
  readonly p99Us?: number;
  /** `append`: growth of the resident set, and what the messages take on the wire where the client says so. */
  readonly rssBytes?: number;
  readonly wireBytes?: number;
}
