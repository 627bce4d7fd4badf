/**
 * What the official modules (`@nats-io/jetstream`, `kv`, `obj`, `services`) need beyond nats-core's public interfaces, all in
 * this file. Found by running them behind a facade that hides everything else. They expect on the
 * connection: `_resub`, `addCloseListener`, `removeCloseListener`, `features`, `getServerVersion`, `options`; that `nc.nc` is
 * undefined (a duck-type probe); on a message `publisher` and `size()` (message.ts); on the iterator of `nc.status()` `stop()`
 * (status.ts).
 *
 * These members are not in our types: they are nats-core's internals, not a promise to users.
 */
import {
  InvalidArgumentError,
  type Msg,
  type Payload,
  type PublishOptions,
  type ServerInfo,
  type Subscription,
} from "@nats-io/nats-core";
// biome-ignore lint/style/noRestrictedImports: the modules compare with these very classes; only this file may reach for them.
import { Features, parseSemVer, type SemVer } from "@nats-io/nats-core/internal";
import type { HoldfastPublishOptions, ResolvedOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { withoutCredentials } from "../session/address.ts";
import { LANG, VERSION } from "../session/greeting.ts";
import type { Life } from "./life.ts";
import type { MessagePublisher } from "./message.ts";
import type { ForeignRequest, Mux } from "./mux.ts";
import type { Publisher } from "./publish.ts";
import { HoldfastSubscription } from "./subscription.ts";

/** nats-core's listener for the end of a connection. */
export interface CloseListener {
  connectionClosedCallback(error: Error | undefined): void;
}

/** What the members are made of. */
export interface ModuleParts {
  readonly options: ResolvedOptions;
  readonly runtime: Runtime;
  readonly life: Life;
  readonly closed: Promise<Error | undefined>;
  readonly info: () => ServerInfo | undefined;
  readonly request: (subject: string) => Promise<Msg>;
}

/** nats-core's `Features`, kept in step with the server connected to. */
export class ServerFeatures {
  readonly features: Features = new Features({ major: 0, minor: 0, micro: 0 });

  update(info: ServerInfo): void {
    const version = versionOf(info);
    if (version !== undefined) this.features.update(version);
  }
}

/**
 * `msg.publisher`. `ackAck()` makes a `RequestOne` of nats-core's, registers it here, publishes with its reply subject, and
 * waits for it. Such a publish is a request: held until its own deadline, and never sent after it.
 */
export class ModulePublisher implements MessagePublisher {
  readonly options: { readonly noAsyncTraces: boolean };
  readonly muxSubscriptions: { readonly baseInbox: string; cancel(request: ForeignRequest): void };
  readonly #publisher: Publisher;
  readonly #mux: Mux;

  constructor(publisher: Publisher, mux: Mux, noAsyncTraces: boolean) {
    this.options = { noAsyncTraces };
    this.muxSubscriptions = {
      get baseInbox() {
        return mux.base;
      },
      cancel: (request) => mux.removeForeign(request),
    };
    this.#publisher = publisher;
    this.#mux = mux;
  }

  request(request: ForeignRequest): ForeignRequest {
    this.#mux.addForeign(request);
    return request;
  }

  publish(subject: string, payload?: Payload, options?: PublishOptions): boolean {
    const reply = options?.reply || "";
    const isRequest =
      reply !== "" && this.#mux.sendForeign(reply, () => this.#publisher.request(subject, reply, payload, options));
    return isRequest || this.#publisher.publish(subject, payload, options);
  }

  respond(subject: string, payload?: Payload, options?: HoldfastPublishOptions): boolean {
    return this.#publisher.respond(subject, payload, options);
  }
}

/** Gives a connection the members, not enumerable. */
export function defineModuleMembers(connection: object, features: Features, parts: ModuleParts): void {
  const listeners = closeListeners(parts.closed);
  const members = {
    features,
    options: moduleOptions(parts.options, parts.runtime),
    addCloseListener: (listener: CloseListener): void => listeners.add(listener),
    removeCloseListener: (listener: CloseListener): void => listeners.remove(listener),
    getServerVersion: (): SemVer | undefined => versionOf(parts.info()),
    _resub: (subscription: Subscription, subject: string, max?: number): void => {
      parts.life.checkSubscribe();
      if (!(subscription instanceof HoldfastSubscription)) {
        throw InvalidArgumentError.format("subscription", "must be one of this connection");
      }
      subscription.resubscribe(subject, max);
    },
    // Not used by the modules: nats-core's `Bench` asks for it, to say in its metrics who was measured.
    protocol: Object.freeze({ transport: Object.freeze({ lang: LANG, version: VERSION }) }),
    // Not used by the modules: nats.js' connection has it, outside its interface.
    context: async (): Promise<unknown> => (await parts.request("$SYS.REQ.USER.INFO")).json(reviveTime),
  };
  for (const [name, value] of Object.entries(members)) Object.defineProperty(connection, name, { value });
}

/**
 * The options as nats-core has parsed them. What holds credentials stays out: the modules do not need it, and objects get
 * logged.
 */
function moduleOptions(options: ResolvedOptions, runtime: Runtime): object {
  const { outbound: _outbound, authenticator: _authenticator, onUndelivered: _listener, tls, ...rest } = options;
  const servers = Object.freeze(options.servers.map(withoutCredentials));
  const jitter = tls ? options.reconnectJitterTLS : options.reconnectJitter;
  const byDefault = (): number => options.reconnectTimeWait + Math.floor(runtime.random() * (jitter + 1));
  return Object.freeze({ ...rest, servers, reconnectDelayHandler: options.reconnectDelayHandler ?? byDefault });
}

function closeListeners(closed: Promise<Error | undefined>): {
  add(listener: CloseListener): void;
  remove(listener: CloseListener): void;
} {
  const listeners = new Set<CloseListener>();
  const notify = (listener: CloseListener, error: Error | undefined): void => {
    try {
      listener.connectionClosedCallback(error);
    } catch {
      // As in nats.js: the connection is gone, and the others must hear of it too.
    }
  };
  let add = (listener: CloseListener): void => {
    listeners.add(listener);
  };
  closed
    .then((error) => {
      add = (listener) => notify(listener, error);
      for (const listener of listeners) notify(listener, error);
      listeners.clear();
    })
    .catch(() => {});
  return { add: (listener) => add(listener), remove: (listener) => listeners.delete(listener) };
}

/** Undefined for a server that calls its version something else than x.y.z. */
function versionOf(info: ServerInfo | undefined): SemVer | undefined {
  try {
    return info === undefined ? undefined : parseSemVer(info.version);
  } catch {
    return undefined;
  }
}

function reviveTime(key: string, value: unknown): unknown {
  return key === "time" && typeof value === "string" ? new Date(value) : value;
}
