/**
 * Holdfast: a NATS client that holds on to what you publish while the server is away. `connect()` replaces that of
 * `@nats-io/transport-node`; everything nats-core exports is exported here too.
 */
import { debuglog } from "node:util";
import { type ConnectionOptions, InvalidOperationError, type WsConnectionOptions } from "@nats-io/nats-core";
import type { HoldfastConnection } from "./client/connection.ts";
import { open } from "./client/open.ts";
import type { HoldfastOptions } from "./options.ts";
import { resolveOptions } from "./resolve-options.ts";
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
export type { OutboundEvents } from "./client/outbound-events.ts";
export type { OutboundView } from "./client/outbound-view.ts";
export { type Amount, FlushError, ReconnectBufferFullError, UndeliveredError, type UndeliveredState } from "./errors.ts";
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
  });
}

/** Always rejects: this version speaks NATS over TCP and TLS, not over WebSocket. */
export function wsconnect(_options?: ConnectionOptions | WsConnectionOptions): Promise<HoldfastConnection> {
  return Promise.reject(
    new InvalidOperationError(
      "wsconnect: this version of holdfast has no WebSocket transport; use connect() with a nats:// or tls:// address",
    ),
  );
}
