import { RequestError, type Status } from "@nats-io/nats-core";
import { LazySet } from "../bytes/lazy-set.ts";
import { SubscriptionTable } from "../inbound/table.ts";
import type { ResolvedOptions } from "../options.ts";
import type { OutboundEvent } from "../outbound/events.ts";
import { Outbound } from "../outbound/outbound.ts";
import type { Runtime } from "../runtime.ts";
import { Session } from "../session/session.ts";
import type { Transport } from "../transport/transport.ts";
import { Connection, type HoldfastConnection } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import { Diagnostics, type DiagnosticsChannel } from "./diagnostics.ts";
import { Feed } from "./feed.ts";
import { Host } from "./host.ts";
import { Life } from "./life.ts";
import { decodeMessage } from "./message.ts";
import { Mux } from "./mux.ts";
import { giveModuleMembers, ModulePublisher, ServerFeatures } from "./official-modules.ts";
import type { OutboundEventFeed } from "./outbound-events.ts";
import { Publisher } from "./publish.ts";
import { type Decode, failSent, OwnInboxes, type Pending } from "./replies.ts";
import { RoundTrips } from "./rtt.ts";
import { Shutdown } from "./shutdown.ts";
import { StatusFeed } from "./status.ts";
import type { HoldfastSubscription } from "./subscription.ts";
import { RequestTraces, toError } from "./trace.ts";
import { type UndeliveredWatcher, undeliveredHandlers } from "./undelivered.ts";

/** What a platform provides. */
export interface Platform {
  readonly transport: Transport;
  readonly runtime: Runtime;
  /** Takes the lines of `debug: true`. They hold no credentials. */
  readonly log: (line: string) => void;
  /** Gives the channel of a name, for the names of diagnostics.ts; without it there are none. */
  readonly channel?: (name: string) => DiagnosticsChannel;
}

/**
 * Puts a connection together and connects it. Rejects as `Session.connect()` does; nothing is left open then.
 */
export async function open(options: ResolvedOptions, platform: Platform): Promise<HoldfastConnection> {
  const { transport, runtime } = platform;
  const { noAsyncTraces, inboxPrefix, closeTimeout } = options;
  const log = options.debug ? platform.log : () => {};
  const life = new Life();
  const diagnostics: Diagnostics = new Diagnostics(platform.channel, runtime, () => connection);
  const status = new StatusFeed((event) => diagnostics.tellStatus(event));
  const report = (event: Status): void => {
    log(describe(event));
    status.report(event);
  };
  const reportError = (thrown: unknown): void => report({ type: "error", error: toError(thrown) });

  const events: OutboundEventFeed = new Feed();
  const watcher: UndeliveredWatcher = {
    wants: () => diagnostics.wants("undelivered"),
    tell: (messages) => diagnostics.tell({ type: "undelivered", messages }),
  };
  // Not spread: one of them is a getter.
  const handlers = Object.assign(undeliveredHandlers(options.onUndelivered, reportError, watcher), {
    stalled: (ms: number) => session.stalled(ms),
    event: (event: OutboundEvent) => {
      events.report(event);
      diagnostics.tell(event);
    },
  });
  const outbound = new Outbound(options.outbound, runtime, handlers);
  const table = new SubscriptionTable((line) => outbound.control(line), options.outbound.maxControlLine, inboxPrefix);
  const roundTrips = new RoundTrips(outbound, runtime);
  const publisher = new Publisher(life, outbound, table.inboxes);
  const decode: Decode = (raw) => decodeMessage(raw, modulePublisher);
  const mux = new Mux(table, decode, inboxPrefix);
  const inboxes = new OwnInboxes(table, decode, inboxPrefix);
  const modulePublisher = new ModulePublisher(publisher, mux, noAsyncTraces);
  const waiting = (): Pending[] => [...inboxes.pending(), ...mux.pending()];
  const features = new ServerFeatures();
  const subscriptions = new LazySet<HoldfastSubscription>();

  const host = new Host({
    outbound,
    table,
    roundTrips,
    report,
    info: (info) => {
      log(`info from ${info.server_name} ${info.version}, max_payload ${info.max_payload}`);
      features.update(info);
    },
    publishRejected: (subject, error) => {
      waiting()
        .find((request) => request.subject === subject)
        ?.failed(error);
    },
    disconnected: () => {
      if (options.failRequestsOnDisconnect) failSent(waiting());
    },
    closed: (error) => shutdown.sessionEnded(error),
  });
  const session = new Session(options, transport, runtime, host);
  const endInbound = (): void => {
    for (const pending of waiting()) pending.failed(new RequestError("connection closed"));
    table.clear();
  };
  const shutdown = new Shutdown({ life, session, outbound, status, events, subscriptions, endInbound, closeTimeout });

  const connection = new Connection({
    life,
    session,
    outbound,
    table,
    publisher,
    roundTrips,
    status,
    events,
    shutdown,
    requests: {
      life,
      publisher,
      mux,
      inboxes,
      runtime: new Deadlines(runtime),
      traces: new RequestTraces(noAsyncTraces, runtime),
    },
    subscriptions: { table, runtime, life, decode, noAsyncTraces, roundTrips, report, open: subscriptions },
  });
  giveModuleMembers(connection, {
    options,
    runtime,
    life,
    features,
    closed: shutdown.closed,
    info: () => connection.info,
    request: (subject) => connection.request(subject),
  });
  try {
    await session.connect();
  } catch (error) {
    await shutdown.closed;
    throw error;
  }
  diagnostics.tell({ type: "connect", server: connection.getServer() });
  return connection;
}

/** A status in a line. Of an error only what it says: an error's other members may hold anything. */
function describe(event: Status): string {
  const details: string[] = [];
  if ("server" in event) details.push(event.server);
  if ("error" in event) details.push(`${event.error.name}: ${event.error.message}`);
  if (event.type === "update") details.push(`added ${event.added?.join(" ") ?? ""}, deleted ${event.deleted?.join(" ") ?? ""}`);
  if (event.type === "slowConsumer") details.push(`${event.sub.getSubject()}, ${event.pending} pending`);
  return ["status", event.type, ...details].join(" ");
}
