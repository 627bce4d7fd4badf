import {
  ClosedConnectionError,
  DrainingConnectionError,
  type Msg,
  type NatsConnection,
  type Payload,
  type PublishOptions,
  type RequestManyOptions,
  type RequestOptions,
  type Server,
  type ServerInfo,
  type Stats,
  type Subscription,
  type SubscriptionOptions,
} from "@nats-io/nats-core";
import type { SubscriptionTable } from "../inbound/table.ts";
import type { HoldfastPublishOptions } from "../options.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { Session } from "../session/session.ts";
import { checkCount } from "./checks.ts";
import type { Life } from "./life.ts";
import type { OutboundEventFeed } from "./outbound-events.ts";
import { type OutboundView, outboundView } from "./outbound-view.ts";
import type { Publisher } from "./publish.ts";
import { type RequestParts, request } from "./request.ts";
import { requestMany } from "./request-many.ts";
import type { RoundTrips } from "./rtt.ts";
import type { Shutdown } from "./shutdown.ts";
import type { StatusFeed, StatusIterator } from "./status.ts";
import { type SubscriptionParts, subscribe } from "./subscription.ts";

/** A connection: nats-core's `NatsConnection`, and what has become of everything that was published. */
export interface HoldfastConnection extends NatsConnection {
  /** What has become of everything that was published; also after the connection is closed. */
  readonly outbound: OutboundView;

  /**
   * Publishes. While there is no connection the message is held, within the limits of `reconnectBuffer`, and sent when there is
   * one. Payload and options are read before this returns, and never written to. `delivery`, `maxAge` and `msgId` in the options
   * are for this message alone.
   *
   * Returns true, or false when more than 70 % of the limit is held (a sign to slow down), or when the message was accepted and
   * dropped: by `whenFull: "drop-newest"`, or beyond the reserve (below).
   *
   * Throws, and then has not accepted the message: `ReconnectBufferFullError` when the limit in force has no room;
   * `InvalidArgumentError` for more than the server's `max_payload`, a control line over `maxControlLine`, headers that the server
   * does not know, or an option that cannot be; `InvalidSubjectError`, also for wildcards; `TypeError` for a payload that is
   * neither string nor `Uint8Array`; `ClosedConnectionError`, `DrainingConnectionError`.
   *
   * Never throws `ReconnectBufferFullError`, also with `reconnectBuffer: false`: a subject that begins with `$JS.` (JetStream's
   * acknowledgements and requests), and a reply that is one of this connection's own inboxes. A reserve of 1 MiB and 4 096
   * messages beyond the limit is theirs; what does not fit into that either ends `dropped`. `msg.respond()` and
   * `respondMessage()` have the same right.
   */
  publish(subject: string, payload?: Payload, options?: HoldfastPublishOptions): boolean;

  /** `publish()` to the subject of `msg`, with its data, headers and reply. */
  publishMessage(msg: Msg): boolean;

  /**
   * Publishes a request and resolves with the first answer. While there is no connection it is held until its deadline, `timeout`
   * (ms, by default 1 000), and then has expired; one that a server may have is never sent again.
   *
   * Rejects with `TimeoutError`; with `RequestError` when nobody listens (`isNoResponders()`), when the connection is closed, or,
   * with `failRequestsOnDisconnect`, when it ends before the answer came; and with what `publish()` throws for arguments that
   * cannot be. A full buffer does not refuse it: it rejects with `ReconnectBufferFullError` only when the reserve of 1 MiB and
   * 4 096 messages beyond the limit is full, too. `requestMany()` goes by the same rules; there the iteration throws.
   */
  request(subject: string, payload?: Payload, options?: RequestOptions): Promise<Msg>;

  /**
   * Resolves at the PONG of a PING behind every publish, SUB and UNSUB called before it, on whichever connection that comes.
   * Rejects with `FlushError` when a message that was held at the call ended neither confirmed nor rejected, and with
   * `ClosedConnectionError` when the connection was closed.
   *
   * `timeout` (milliseconds from 0; default none) ends the waiting with `TimeoutError`, `signal` with its `reason`: the waiting
   * only, what is held stays. The timer does not keep the process alive. `InvalidArgumentError` for options that cannot be.
   */
  flush(options?: { timeout?: number; signal?: AbortSignal }): Promise<void>;

  /**
   * Drains the subscriptions (publishing stays allowed meanwhile), sends what is held, then closes. Resolves when the
   * connection is closed. `timeout`, in ms, by default 10 000, counts only time without a connection; what could not be sent
   * then is handed back.
   */
  drain(options?: { timeout?: number }): Promise<void>;
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly life: Life;
  readonly session: Session;
  readonly outbound: Outbound;
  readonly table: SubscriptionTable;
  readonly publisher: Publisher;
  readonly requests: RequestParts;
  readonly subscriptions: SubscriptionParts;
  readonly roundTrips: RoundTrips;
  readonly status: StatusFeed;
  readonly events: OutboundEventFeed;
  readonly shutdown: Shutdown;
}

/** The face of it all: checks the state, and hands each call to the part that does it. */
export class Connection implements HoldfastConnection {
  /** The last INFO, kept while there is no connection; undefined once closed. A getter, made here. */
  declare info?: ServerInfo;
  static {
    // With `exactOptionalPropertyTypes` a getter in the class could not implement an optional member.
    Object.defineProperty(Connection.prototype, "info", {
      enumerable: true,
      get(this: Connection) {
        const { life, session } = this.#parts;
        return life.isClosed ? undefined : session.info;
      },
    });
  }

  readonly outbound: OutboundView;
  readonly #parts: ConnectionParts;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.outbound = outboundView(parts.outbound, parts.publisher, parts.events);
  }

  publish(subject: string, payload?: Payload, options?: HoldfastPublishOptions): boolean {
    return this.#parts.publisher.publish(subject, payload, options);
  }

  publishMessage(msg: Msg): boolean {
    return this.publish(msg.subject, msg.data, { ...(msg.reply ? { reply: msg.reply } : {}), ...headersOf(msg) });
  }

  /** As in nats.js the answer carries its own subject as its reply. False when `msg` has no reply subject. */
  respondMessage(msg: Msg): boolean {
    if (!msg.reply) return false;
    this.#parts.publisher.respond(msg.reply, msg.data, { reply: msg.reply, ...headersOf(msg) });
    return true;
  }

  subscribe(subject: string, options?: SubscriptionOptions): Subscription {
    return subscribe(this.#parts.subscriptions, subject, options);
  }

  request(subject: string, payload?: Payload, options?: RequestOptions): Promise<Msg> {
    return request(this.#parts.requests, subject, payload, options);
  }

  requestMany(subject: string, payload?: Payload, options?: Partial<RequestManyOptions>): Promise<AsyncIterable<Msg>> {
    return requestMany(this.#parts.requests, subject, payload, options);
  }

  flush(options?: { timeout?: number; signal?: AbortSignal }): Promise<void> {
    if (this.isClosed()) return Promise.reject(new ClosedConnectionError());
    return this.#parts.outbound.flush(options);
  }

  rtt(): Promise<number> {
    if (this.isClosed()) return Promise.reject(new ClosedConnectionError());
    return this.#parts.roundTrips.measure();
  }

  async drain(options: { timeout?: number } = {}): Promise<void> {
    const { timeout = DRAIN_TIMEOUT } = options;
    checkCount("timeout", timeout, "any");
    await this.#parts.shutdown.drain(timeout);
  }

  close(): Promise<void> {
    return this.#parts.shutdown.close();
  }

  closed(): Promise<Error | undefined> {
    return this.#parts.shutdown.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed() || this.isDraining()) await this.closed();
    else await this.drain();
  }

  /** From the moment `close()` was called, or reconnecting was given up; `closed()` settles when everything was handed back. */
  isClosed(): boolean {
    return this.#parts.life.isClosed;
  }

  isDraining(): boolean {
    return this.#parts.life.isDraining;
  }

  /** Ends this connection and makes another one. Without a connection it does nothing: another one is being looked for. */
  async reconnect(): Promise<void> {
    if (this.isClosed()) throw new ClosedConnectionError();
    if (this.isDraining()) throw new DrainingConnectionError();
    this.#parts.session.reconnect();
  }

  getServer(): string {
    return this.#parts.session.servers.current();
  }

  getServers(): readonly Server[] {
    return this.#parts.session.servers.list();
  }

  setServers(servers: string[]): void {
    this.#parts.session.servers.replace(servers);
  }

  status(): StatusIterator {
    return this.#parts.status.listen();
  }

  /** Messages and their bytes, headers included. Out: what was accepted, whatever became of it (`outbound.counts()` tells). */
  stats(): Stats {
    const { outbound, table } = this.#parts;
    return { inBytes: table.inBytes, outBytes: outbound.outBytes, inMsgs: table.inMsgs, outMsgs: outbound.outMsgs };
  }
}

function headersOf(msg: Msg): Pick<PublishOptions, "headers"> {
  return msg.headers === undefined ? {} : { headers: msg.headers };
}

const DRAIN_TIMEOUT = 10_000;
