import type { Authenticator, ConnectionOptions, MsgHdrs, ReconnectToServerHandler, TlsOptions } from "@nats-io/nats-core";
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
  /** Its payload. A copy: keep it or change it. */
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
   * What happens to messages that were handed over but not confirmed when a connection ends. `"at-most-once"`: they end in doubt, are
   * counted and handed back, and are never sent twice. `"at-least-once"` (send them again) is not in this version: it is refused with
   * `InvalidArgumentError`. Default: `"at-most-once"`.
   */
  delivery?: "at-most-once" | "at-least-once";
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
   * Milliseconds without a sign of life, while a fence is outstanding, after which a connection is given up as stalled. A finite number
   * from 0; 0 switches the rule off. Default: 10000. Without effect in this version: until the next release a half-open link is found
   * by the heartbeat only (`pingInterval`, `maxPingOut`).
   */
  stallTimeout?: number;
  /**
   * Milliseconds to wait after a reconnect before the backlog is sent, so that subscribers can return first. A finite number from 0.
   * Default: 0. Without effect in this version.
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
   * True: requests that are in flight when the connection ends fail at once, instead of at their timeout. Default: `false`. Without
   * effect in this version.
   */
  failRequestsOnDisconnect?: boolean;
  /**
   * Called with every message that ended other than confirmed, in order, at most 256 in a batch. What it throws or rejects with is
   * reported in `nc.status()` and stops nothing. `close()` waits for it for at most `closeTimeout`. Without it such messages are only
   * counted. Default: none.
   */
  onUndelivered?: (batch: readonly Undelivered[]) => void | Promise<void>;
}

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
  readonly delivery: "at-most-once";
  readonly stallTimeout: number;
  readonly backlogDelay: number;
  readonly closeTimeout: number;
  readonly failRequestsOnDisconnect: boolean;
  readonly onUndelivered: ((batch: readonly Undelivered[]) => void | Promise<void>) | undefined;
}
