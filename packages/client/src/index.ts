/**
 * Holdfast: a NATS client that holds on to what you publish while the server is away. `connect()` replaces that of
 * `@nats-io/transport-node`; everything nats-core exports is exported here too.
 */
import { channel } from "node:diagnostics_channel";
import { debuglog } from "node:util";
import { type ConnectionOptions, InvalidOperationError, type WsConnectionOptions } from "@nats-io/nats-core";
import type { HoldfastConnection } from "./client/connection.ts";
import { open } from "./client/open.ts";
import type { HoldfastOptions } from "./options.ts";
import { resolveOptions } from "./resolve-options.ts";
import type { AtomicPublisher } from "./stream/atomic-publisher.ts";
import { openPublisher } from "./stream/open.ts";
import type { AtomicPublisherOptions, FastPublisherOptions, StreamPublisherOptions } from "./stream/options.ts";
import type { FastPublisher, StreamPublisher } from "./stream/publisher.ts";
import { nodeRuntime } from "./transport/node-runtime.ts";
import { tcpTransport } from "./transport/tcp.ts";

// By name, not `export *`: that breaks `require()` on Node 24. A test holds the list against nats-core's keys.
export {
  AuthorizationError,
  Bench,
  backoff,
  buildAuthenticator,
  ClosedConnectionError,
  ConnectionError,
  canonicalMIMEHeaderKey,
  createInbox,
  credsAuthenticator,
  DrainingConnectionError,
  deadline,
  deferred,
  delay,
  Empty,
  errors,
  hasWsProtocol,
  headers,
  InvalidArgumentError,
  InvalidOperationError,
  InvalidSubjectError,
  jwtAuthenticator,
  Match,
  Metric,
  MsgHdrsImpl,
  millis,
  NoRespondersError,
  Nuid,
  nanos,
  nkeyAuthenticator,
  nkeys,
  nuid,
  PermissionViolationError,
  ProtocolError,
  RequestError,
  syncIterator,
  TimeoutError,
  tokenAuthenticator,
  UserAuthenticationExpiredError,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
// transport-node exports all of nats-core's `/internal`, which has what nats-core exports and more.
export type * from "@nats-io/nats-core/internal";
// What of `/internal` stands on its own feet. The parts of the official connection do not: no connection of ours is made of them.
export {
  collect,
  compare,
  extend,
  Feature,
  Features,
  IdleHeartbeatMonitor,
  ipV4,
  isIP,
  isIPV4OrHostname,
  parseIP,
  parseSemVer,
  QueuedIteratorImpl,
  render,
  SimpleMutex,
  TD,
  TE,
  timeout,
} from "@nats-io/nats-core/internal";
export type { HoldfastConnection } from "./client/connection.ts";
export type { DiagnosticsEvent, DiagnosticsMessage } from "./client/diagnostics.ts";
export type { OutboundEvents } from "./client/outbound-events.ts";
export type { OutboundView } from "./client/outbound-view.ts";
export {
  type Amount,
  FlushError,
  JetStreamApiError,
  ReconnectBufferFullError,
  type StoreState,
  StreamPublishError,
  StreamPublisherFullError,
  UndeliveredError,
  type UndeliveredState,
} from "./errors.ts";
export type {
  Delivery,
  HoldfastOptions,
  HoldfastPublishOptions,
  MaxQueuedOptions,
  NodeTlsOptions,
  ReconnectBufferOptions,
  Undelivered,
  WhenFull,
} from "./options.ts";
export type { Counts } from "./outbound/counts.ts";
export type { OutboundEvent } from "./outbound/events.ts";
export type { AtomicPublisher, BatchMessage } from "./stream/atomic-publisher.ts";
export type {
  AtomicPublisherOptions,
  FastPublisherOptions,
  Instant,
  OutstandingOptions,
  ScheduleOptions,
  StreamExpectations,
  StreamOptions,
  StreamPublisherOptions,
  StreamPublishOptions,
} from "./stream/options.ts";
export type { BatchAck, PubAck } from "./stream/pub-ack.ts";
export type { FastPublisher, Publishing, StreamPublisher } from "./stream/publisher.ts";

/** The name of `@nats-io/transport-node` for the options of `connect()`. */
export type NodeConnectionOptions = HoldfastOptions;

/**
 * Connects to a NATS server, by default to 127.0.0.1:4222. Resolves when messages can flow (with `retryOnFailedConnect`: at
 * once). Rejects with nats-core's `InvalidArgumentError` for options that cannot be, and otherwise with what went wrong at the
 * last server tried.
 */
export async function connect(options?: HoldfastOptions): Promise<HoldfastConnection> {
  const log = debuglog("holdfast");
  return await open(resolveOptions(options), {
    transport: tcpTransport(),
    runtime: nodeRuntime,
    log: (line) => log("%s", line),
    channel,
  });
}

/**
 * Publishes into a JetStream stream, many messages at a time, each until the stream has acknowledged it: over reconnects, changes of
 * leader and lost acknowledgements, under a `Nats-Msg-Id` that stays the same, so that within the stream's `duplicate_window` nothing
 * is stored twice. `docs/STREAMS.md` says what holds and what does not. Throws `InvalidArgumentError` for options that cannot be.
 */
export function publishToStream(nc: HoldfastConnection, options?: StreamPublisherOptions): StreamPublisher;
export function publishToStream(nc: HoldfastConnection, options: FastPublisherOptions): FastPublisher;
export function publishToStream(nc: HoldfastConnection, options: AtomicPublisherOptions): AtomicPublisher;
export function publishToStream(
  nc: HoldfastConnection,
  options?: StreamPublisherOptions | FastPublisherOptions | AtomicPublisherOptions,
): StreamPublisher | FastPublisher | AtomicPublisher {
  return openPublisher(nc, options, nodeRuntime);
}

/** Always rejects: this version speaks NATS over TCP and TLS, not over WebSocket. */
export function wsconnect(_options?: ConnectionOptions | WsConnectionOptions): Promise<HoldfastConnection> {
  return Promise.reject(
    new InvalidOperationError(
      "wsconnect: this version of holdfast has no WebSocket transport; use connect() with a nats:// or tls:// address",
    ),
  );
}
