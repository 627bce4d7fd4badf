import type {
  Authenticator,
  ConnectionOptions,
  MsgHdrs,
  PublishOptions,
  ReconnectToServerHandler,
  TlsOptions,
} from "@nats-io/nats-core";
import type { UndeliveredState } from "./errors.ts";
import type { SecureOptions } from "./transport/transport.ts";

/**
 * What to do with a publish that does not fit:
 * - `"error"`: refuse it. `publish()` throws `ReconnectBufferFullError`.
 * - `"drop-oldest"`: make room by evicting as many of the oldest buffered messages as needed (they end `dropped`). What is in flight is
 *   never evicted; if all that is buffered would not make enough room, nothing is evicted and the new message is refused.
 * - `"drop-newest"`: take the new message and drop it at once. `publish()` returns `false`, and the message ends `dropped`.
 */
export type WhenFull = "error" | "drop-oldest" | "drop-newest";

/** Limits of the reconnect buffer. A limit that is left out keeps its default. Unknown keys are an error. */
export interface ReconnectBufferOptions {
  /**
   * Bytes that may be held (buffered and in flight) while there is no usable connection, counted as on the wire: payload, headers,
   * subject and framing. A whole number from 1, or `Infinity` for no limit. Default: 8388608 (8 MiB).
   */
  maxBytes?: number;
  /** Messages that may be held while there is no usable connection. A whole number from 1, or `Infinity`. Default: `Infinity`. */
  maxMessages?: number;
  /**
   * Milliseconds after which a message that is still buffered ends `expired`, instead of arriving as stale news. It does so at most
   * 20 ms late. A number from 1, or `Infinity` for never. Default: `Infinity`.
   */
  maxAge?: number;
  /** What to do with a publish beyond a limit. Default: `"error"`. */
  whenFull?: WhenFull;
}

/** Limits that hold at any time, connected or not. A limit that is left out is `Infinity`. Unknown keys are an error. */
export interface MaxQueuedOptions {
  /** Bytes that may be held, counted as on the wire. A whole number from 1, or `Infinity`. Default: `Infinity`. */
  maxBytes?: number;
  /** Messages that may be held. A whole number from 1, or `Infinity`. Default: `Infinity`. */
  maxMessages?: number;
}

/** A message that ended other than confirmed, handed back. */
export interface Undelivered {
  /** The subject it was published to. */
  readonly subject: string;
  /** Its reply subject; absent when it had none. */
  readonly reply?: string;
  /** Its headers; absent when it had none. */
  readonly headers?: MsgHdrs;
  /** Its payload, yours to keep or to change: a copy, or what was passed with `copy: false`. */
  readonly data: Uint8Array;
  /** How it ended. */
  readonly state: UndeliveredState;
  /** Why, where there is more to say than the state does. */
  readonly error?: Error;
  /** Milliseconds since `publish()`, to about a millisecond. */
  readonly ageMs: number;
}

/** TLS options for Node, as in `@nats-io/transport-node`. Any other option of `tls.connect()` is passed on. */
export type NodeTlsOptions = TlsOptions & {
  /** False accepts a certificate that cannot be verified. Default: `true`. */
  rejectUnauthorized?: boolean;
};

/**
 * Options of `connect()`: those of `@nats-io/transport-node`, with the same meaning and defaults (`maxReconnectAttempts` excepted), and
 * Holdfast's own.
 *
 * An option that is `undefined` counts as absent. A wrong type, a value out of range, or an unknown key inside `reconnectBuffer` or
 * `maxQueued` makes `connect()` reject with nats-core's `InvalidArgumentError`, which names the option, what was given and what is
 * allowed. An unknown option at the top level is ignored, as in nats.js; if its name is within two edits of a known one, the process
 * prints one warning (`HOLDFAST_UNKNOWN_OPTION`). Nothing that is passed in is written to, or read again later.
 */
export interface HoldfastOptions extends Omit<ConnectionOptions, "tls"> {
  /**
   * Where to connect: `"host:port"`, or several of them; a scheme before it (`nats://`, `tls://`) means nothing: `tls` says whether TLS is
   * used. User and password, or a token, may stand before an `@` (`nats://user:pass@host`, with percent-encoding where it is needed).
   * They are used where neither an option nor an authenticator gives any, and for the servers that this one tells of, too. (nats.js
   * ignores them.) Default: `127.0.0.1` and `port`.
   */
  servers?: string[] | string;
  /**
   * Failed dials in a row after which a server is given up; `connect()` and reconnecting fail when none is left. A number from 0, or
   * -1 for never. Default: -1. (nats.js: 10. A client that gives up after 20 seconds does not hold on.)
   */
  maxReconnectAttempts?: number;
  /**
   * `undefined`: TLS where the server offers it. An object, also an empty one: always TLS, with these options. `null`: never. Strings
   * are PEM; the names ending in `File` are paths, read at every dial. Default: `undefined`.
   */
  tls?: NodeTlsOptions | null;
  /**
   * What may be held while there is no usable connection. A number of bytes, an object with limits, or `false`: hold nothing, and
   * refuse each publish while disconnected. A number is a whole number from 1, or `Infinity`; 0 is an error.
   * Default: 8388608 bytes (8 MiB), any number of messages of any age, `whenFull: "error"`.
   */
  reconnectBuffer?: number | false | ReconnectBufferOptions;
  /**
   * What happens to messages that were handed over but not confirmed when a connection ends. Default: `"at-most-once"`.
   * - `"at-most-once"`: they end in doubt, are counted and handed back, and are never sent twice.
   * - `"at-least-once"`: they stay in flight, count as held, and are sent again on the next connection, in order, before newer ones. So a
   *   subscriber may get one twice; `msgId` in the publish options lets a stream drop the second copy. What belongs to the connection
   *   it was made on, or waits for an answer at one of our own inboxes, is not sent again; nor are requests.
   *
   * A `delivery` in the publish options says otherwise for one message. At either level, what was never handed over waits and is sent.
   */
  delivery?: Delivery;
  /**
   * What may be held at any time, also on a healthy connection: a number of bytes (a whole number from 1, or `Infinity`), or an object
   * with limits. What does not fit is treated as `reconnectBuffer.whenFull` says. Default: no limit.
   */
  maxQueued?: number | MaxQueuedOptions;
  /**
   * The largest window: bytes that may be handed over to a connection and not yet be confirmed. They are what can be in doubt when it
   * breaks. The window in use adapts below this. A whole number from 65536 (64 KiB) to 1073741824 (1 GiB). Default: 8388608 (8 MiB).
   */
  maxInFlight?: number;
  /**
   * Milliseconds between two fences (PINGs that confirm what was written before them) while messages trickle. Smaller confirms sooner
   * and costs more PINGs; a `flush()` and a well-filled window do not wait for it. A finite number from 0. Default: 20.
   */
  fenceDelay?: number;
  /**
   * Milliseconds without a sign of life, while the client waits for the server's answer to what it wrote or for the kernel to take it,
   * after which a connection counts as half open: it is reset, and another one is made. A finite number from 0. Default: 10000.
   *
   * Only time in which the event loop runs is counted. A slow link gets longer: twice its last round trip, if that is more, plus what the
   * unanswered bytes take at 1 Mbit/s (8.4 s for 1 MiB). Other traffic that still comes in counts as a sign of life for five times this
   * long, no longer. 0 never ends a connection by this rule; the heartbeat (`pingInterval`, `maxPingOut`) still does.
   */
  stallTimeout?: number;
  /**
   * Milliseconds to wait after a reconnect before the backlog is sent, and up to half as much again at random, so that subscribers can
   * return first, and a fleet of clients does not come back in one moment. What is published meanwhile waits behind it. A finite number
   * from 0. Default: 0.
   */
  backlogDelay?: number;
  /**
   * Milliseconds that `close()` may take to send what is held and to wait for the last PONG, and then for `onUndelivered`. A finite
   * number from 0; 0 does not wait. Default: 5000.
   */
  closeTimeout?: number;
  /**
   * The longest control line (everything of a message before its headers or payload) in bytes; a publish with a longer one is refused,
   * since the server would end the connection. Set it to the server's `max_control_line`. A whole number from 512 to 1048576 (1 MiB).
   * Default: 4096, as in the server.
   */
  maxControlLine?: number;
  /**
   * True: `connect()` resolves at once, reconnecting, when no server can be reached; what is published is held meanwhile. Unlike
   * `waitOnFirstConnect`, which keeps `connect()` waiting. Default: `false`.
   */
  retryOnFailedConnect?: boolean;
  /**
   * True: requests that were handed over and wait for their answers when the connection ends fail at once, with a `RequestError` whose
   * cause is a `ConnectionError`. False: they go on waiting, for an answer that comes over the next connection, and fail at their timeout.
   * Requests that were not handed over wait for the next connection in either case. Default: `false`.
   */
  failRequestsOnDisconnect?: boolean;
  /**
   * Called with every message that ended other than confirmed, in order, at most 256 in a batch. What it throws or rejects with is
   * reported in `nc.status()` and stops nothing. `close()` waits for it for at most `closeTimeout`. Without it such messages are only
   * counted. Default: none.
   */
  onUndelivered?: (batch: readonly Undelivered[]) => void | Promise<void>;
}

/**
 * Options of `publish()`: those of nats-core, and what differs for this one message. An option that is `undefined` counts as absent. A
 * wrong type or a value out of range is refused with nats-core's `InvalidArgumentError`, which names the option, what is allowed and what
 * was given. Nothing that is passed in is written to.
 */
export interface HoldfastPublishOptions extends PublishOptions {
  /**
   * In place of the connection's option `delivery`; also for a message that would not be sent again by its kind. Default: as the
   * connection's.
   */
  delivery?: Delivery;
  /**
   * Milliseconds after which this message expires instead of arriving as stale news, in place of `reconnectBuffer.maxAge`; what waits to
   * be sent again then ends in doubt. A number from 0, or `Infinity` for never. With 0 it is not held while there is no connection: it is
   * accepted then and has expired in the same call; what was in flight at a disconnect ends in doubt, unless `delivery` is given as
   * `"at-least-once"`. Default: as the connection's.
   */
  maxAge?: number;
  /**
   * Adds the header `Nats-Msg-Id`, by which a stream recognises a second copy of a message within its `duplicate_window` and drops it:
   * `"auto"` makes a unique one, any other string is taken as it is. It must not be empty or have line ends. A message that has the header
   * already keeps it. Default: none.
   */
  msgId?: "auto" | (string & {});
  /**
   * `false`: the payload is not copied but kept by reference, which saves time and memory for large ones. Its bytes must not be changed,
   * nor their memory detached (`postMessage`, `structuredClone`, `resize`), before the message has ended: when `publishAndConfirm()` has
   * settled, or a `flush()` called after it has resolved; or when `onUndelivered` or `undelivered()` hands it back, with the very same
   * object as its `data`. What is sent is what the bytes are at that time, and a message that is sent again could differ from the first copy.
   * A message whose memory was detached before it was sent ends `undeliverable`. Without effect for strings; payloads below 16 KiB are
   * copied in any case. Default: `true`.
   */
  copy?: boolean;
}

/** What happens to messages that were handed over but not confirmed when a connection ends; see `HoldfastOptions.delivery`. */
export type Delivery = "at-most-once" | "at-least-once";

/** The part of the options that the outbound log needs. */
export interface OutboundOptions {
  readonly reconnectBuffer: {
    /** False: nothing is held while there is no usable connection. The other fields are then without effect, and both limits 0. */
    readonly enabled: boolean;
    /** From 1, or `Infinity`. */
    readonly maxBytes: number;
    /** From 1, or `Infinity`. */
    readonly maxMessages: number;
    /** Milliseconds from 1, or `Infinity`. */
    readonly maxAge: number;
    readonly whenFull: WhenFull;
  };
  /** From 1 each; `Infinity` where there is no limit. */
  readonly maxQueued: { readonly maxBytes: number; readonly maxMessages: number };
  readonly maxInFlight: number;
  readonly fenceDelay: number;
  readonly maxControlLine: number;
  readonly delivery: Delivery;
  /** Milliseconds; 0 switches the end of a stalled connection off. */
  readonly stallTimeout: number;
  /** Milliseconds. */
  readonly backlogDelay: number;
}

/**
 * Every option with its default filled in and its range checked: made by `resolveOptions()`, once for each connection. Frozen all the
 * way down, and shares nothing mutable with what the caller passed. Milliseconds and bytes everywhere.
 */
export interface ResolvedOptions {
  readonly outbound: OutboundOptions;
  /** At least one, as the user wrote them; never blank, never `ws://` or `wss://`. */
  readonly servers: readonly string[];
  readonly noRandomize: boolean;
  readonly ignoreClusterUpdates: boolean;
  readonly resolve: boolean;
  readonly reconnectToServer: ReconnectToServerHandler | undefined;
  /** Finite and above 0. */
  readonly timeout: number;
  readonly reconnect: boolean;
  /** From 0, or -1 for no limit. */
  readonly maxReconnectAttempts: number;
  readonly reconnectTimeWait: number;
  readonly reconnectJitter: number;
  readonly reconnectJitterTLS: number;
  /** As the user gave it: what it returns is not checked here. */
  readonly reconnectDelayHandler: (() => number) | undefined;
  readonly waitOnFirstConnect: boolean;
  readonly retryOnFailedConnect: boolean;
  /** Finite and above 0. */
  readonly pingInterval: number;
  /** A whole number from 1, or `Infinity`. */
  readonly maxPingOut: number;
  readonly ignoreAuthErrorAbort: boolean;
  /** `undefined`: TLS where the server offers it. `null`: never. An object: always, with these options. */
  readonly tls: SecureOptions | null | undefined;
  /** All authenticators, `token`, `user` and `pass` in one. It calls the user's functions, which may throw. */
  readonly authenticator: Authenticator;
  readonly name: string | undefined;
  readonly verbose: boolean;
  readonly pedantic: boolean;
  readonly noEcho: boolean;
  readonly debug: boolean;
  /** `_INBOX` unless set. */
  readonly inboxPrefix: string;
  readonly noAsyncTraces: boolean;
  readonly closeTimeout: number;
  readonly failRequestsOnDisconnect: boolean;
  readonly onUndelivered: ((batch: readonly Undelivered[]) => void | Promise<void>) | undefined;
}
