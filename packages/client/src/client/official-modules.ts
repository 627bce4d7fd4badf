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
  readonly features: ServerFeatures;
  readonly closed: Promise<Error | undefined>;
  readonly info: () => ServerInfo | undefined;
  readonly request: (subject: string) => Promise<Msg>;
}

/** nats-core's `Features`, kept in step with the server connected to. Made when a module asks for it: it is a tenth of an idle connection. */
export class ServerFeatures {
  #version: SemVer = { major: 0, minor: 0, micro: 0 };
  #features: Features | undefined;

  get features(): Features {
    this.#features ??= new Features(this.#version);
    return this.#features;
  }

  update(info: ServerInfo): void {
    const version = versionOf(info);
    if (version === undefined) return;
    this.#version = version;
    this.#features?.update(version);
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
    this.muxSubscriptions = new ForeignRequests(mux);
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

class ForeignRequests {
  readonly #mux: Mux;

  constructor(mux: Mux) {
    this.#mux = mux;
  }

  get baseInbox(): string {
    return this.#mux.base;
  }

  cancel(request: ForeignRequest): void {
    this.#mux.removeForeign(request);
  }
}

/** The members of one connection; what takes memory is made when it is first asked for. */
class ModuleMembers {
  readonly #parts: ModuleParts;
  #options: object | undefined;
  #listeners: CloseListeners | undefined;

  constructor(parts: ModuleParts) {
    this.#parts = parts;
  }

  get features(): Features {
    return this.#parts.features.features;
  }

  get options(): object {
    this.#options ??= moduleOptions(this.#parts.options, this.#parts.runtime);
    return this.#options;
  }

  get listeners(): CloseListeners {
    this.#listeners ??= new CloseListeners(this.#parts.closed);
    return this.#listeners;
  }

  get version(): SemVer | undefined {
    return versionOf(this.#parts.info());
  }

  resubscribe(subscription: Subscription, subject: string, max?: number): void {
    this.#parts.life.checkSubscribe();
    if (!(subscription instanceof HoldfastSubscription)) {
      throw InvalidArgumentError.format("subscription", "must be one of this connection");
    }
    subscription.resubscribe(subject, max);
  }

  async context(): Promise<unknown> {
    return (await this.#parts.request("$SYS.REQ.USER.INFO")).json(reviveTime);
  }
}

const membersOf = new WeakMap<object, ModuleMembers>();

/** Gives a connection the members, not enumerable: on its prototype, so that ten thousand connections do not have ten thousand shapes. */
export function giveModuleMembers(connection: object, parts: ModuleParts): void {
  membersOf.set(connection, new ModuleMembers(parts));
  const shared: object = Object.getPrototypeOf(connection);
  if (!Object.hasOwn(shared, "_resub")) Object.defineProperties(shared, descriptors);
}

function members(connection: object): ModuleMembers {
  const found = membersOf.get(connection);
  if (found === undefined) throw new TypeError("this is no connection of holdfast's");
  return found;
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

class CloseListeners {
  readonly #listeners = new Set<CloseListener>();
  #end: { readonly error: Error | undefined } | undefined;

  constructor(closed: Promise<Error | undefined>) {
    closed
      .then((error) => {
        this.#end = { error };
        for (const listener of this.#listeners) notify(listener, error);
        this.#listeners.clear();
      })
      .catch(() => {});
  }

  add(listener: CloseListener): void {
    if (this.#end === undefined) this.#listeners.add(listener);
    else notify(listener, this.#end.error);
  }

  remove(listener: CloseListener): void {
    this.#listeners.delete(listener);
  }
}

function notify(listener: CloseListener, error: Error | undefined): void {
  try {
    listener.connectionClosedCallback(error);
  } catch {
    // As in nats.js: the connection is gone, and the others must hear of it too.
  }
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

/** Not used by the modules: nats-core's `Bench` asks for it, to say in its metrics who was measured. */
const PROTOCOL = Object.freeze({ transport: Object.freeze({ lang: LANG, version: VERSION }) });

const descriptors: PropertyDescriptorMap & ThisType<object> = {
  features: {
    get() {
      return members(this).features;
    },
  },
  options: {
    get() {
      return members(this).options;
    },
  },
  addCloseListener: {
    value(listener: CloseListener): void {
      members(this).listeners.add(listener);
    },
  },
  removeCloseListener: {
    value(listener: CloseListener): void {
      members(this).listeners.remove(listener);
    },
  },
  getServerVersion: {
    value(): SemVer | undefined {
      return members(this).version;
    },
  },
  _resub: {
    value(subscription: Subscription, subject: string, max?: number): void {
      members(this).resubscribe(subscription, subject, max);
    },
  },
  protocol: { value: PROTOCOL },
  // Not used by the modules: nats.js' connection has it, outside its interface.
  context: {
    value(): Promise<unknown> {
      return members(this).context();
    },
  },
};
