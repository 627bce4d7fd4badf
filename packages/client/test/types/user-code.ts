/**
 * Compiled, never run: a program written for `@nats-io/transport-node`, as people write them. `npm run check` compiles it against the
 * official client; `npm run package` against the packed Holdfast under the alias, with every compiler we support, not changed by a letter.
 */
import { readFileSync } from "node:fs";
import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
} from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { type ServiceMsg, Svcm } from "@nats-io/services";
import {
  type Authenticator,
  ClosedConnectionError,
  type ConnectionOptions,
  connect,
  createInbox,
  credsAuthenticator,
  type Deferred,
  deadline,
  deferred,
  delay,
  Empty,
  errors,
  headers,
  jwtAuthenticator,
  type Msg,
  type MsgHdrs,
  millis,
  type NatsConnection,
  type NodeConnectionOptions,
  nanos,
  nkeyAuthenticator,
  nuid,
  type Payload,
  type PublishOptions,
  parseSemVer,
  type QueuedIterator,
  QueuedIteratorImpl,
  type RequestManyOptions,
  type RequestOptions,
  type ServerInfo,
  type Stats,
  type Status,
  type Subscription,
  type SubscriptionOptions,
  syncIterator,
  TD,
  TE,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  wsconnect,
} from "@nats-io/transport-node";

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };
type Log = (line: string, ...more: unknown[]) => void;

// --- options -----------------------------------------------------------------------------------------------------------------------------

const tls: NonNullable<NodeConnectionOptions["tls"]> = {
  caFile: "ca.pem",
  certFile: "cert.pem",
  keyFile: "key.pem",
  rejectUnauthorized: true,
  handshakeFirst: false,
};

/** Every option there is. */
const everything: NodeConnectionOptions = {
  servers: ["nats://a.example:4222", "tls://b.example:4443"],
  port: 4222,
  name: "orders",
  user: "u",
  pass: "p",
  token: "t",
  authenticator: [
    usernamePasswordAuthenticator("u", "p"),
    tokenAuthenticator(() => "t"),
    nkeyAuthenticator(() => TE.encode("SU…")),
  ],
  tls,
  timeout: 5_000,
  debug: false,
  verbose: false,
  pedantic: false,
  noEcho: true,
  noRandomize: true,
  noAsyncTraces: true,
  resolve: true,
  reconnect: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 2_000,
  reconnectJitter: 100,
  reconnectJitterTLS: 1_000,
  reconnectDelayHandler: () => Math.random() * 1_000,
  reconnectToServer: (servers, info) => {
    const [first] = servers;
    return info === null || first === undefined ? null : { server: first, delay: 100 };
  },
  pingInterval: 120_000,
  maxPingOut: 2,
  waitOnFirstConnect: true,
  ignoreClusterUpdates: false,
  ignoreAuthErrorAbort: true,
  inboxPrefix: "_INBOX_orders",
};

/** As frameworks do it: defaults, then what the user gave, from the environment or not. */
export function optionsFrom(user: Partial<ConnectionOptions> & { readonly creds?: string }): NodeConnectionOptions {
  const { creds, tls: secure, ...rest } = user;
  const authenticators: Authenticator[] = creds === undefined ? [] : [credsAuthenticator(readFileSync(creds))];
  const options: NodeConnectionOptions = { ...everything, ...rest, ...(secure === undefined ? {} : { tls: secure }) };
  options.servers = (process.env.NATS_URL ?? "nats://127.0.0.1:4222").split(",");
  if (authenticators.length > 0) options.authenticator = authenticators;
  else options.authenticator = jwtAuthenticator(process.env.NATS_JWT ?? "", new Uint8Array(4));
  return options;
}

// --- a class that holds a connection -----------------------------------------------------------------------------------------------------

export class Bus {
  private connection: NatsConnection | null = null;
  private readonly subscriptions = new Map<string, Subscription>();
  private ready: Deferred<void> = deferred<void>();
  readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  get nc(): NatsConnection {
    if (this.connection === null) throw new Error("not connected");
    return this.connection;
  }

  async start(options?: NodeConnectionOptions): Promise<this> {
    this.connection = await connect(options);
    const info: ServerInfo | undefined = this.connection.info;
    this.log(`connected to ${this.connection.getServer()} ${info?.version} ${parseSemVer(info?.version).major}`);
    this.watch(this.connection).catch((error: unknown) => this.log("status", error));
    void this.connection.closed().then((error) => this.log(error instanceof Error ? error.message : "closed"));
    this.ready.resolve();
    return this;
  }

  private async watch(nc: NatsConnection): Promise<void> {
    for await (const status of nc.status()) this.log(describe(status));
  }

  emit<T>(subject: string, event: T, more: Partial<PublishOptions> = {}): void {
    const tagged: MsgHdrs = headers();
    tagged.set("Nats-Msg-Id", nuid.next());
    tagged.append("trace", createInbox("trace"));
    this.nc.publish(subject, JSON.stringify(event), { headers: tagged, ...more });
  }

  async ask<Question, Answer>(
    subject: string,
    question: Question,
    options: RequestOptions = { timeout: 1_000 },
  ): Promise<Answer> {
    const answer: Msg = await this.nc.request(subject, JSON.stringify(question), options);
    if (answer.headers?.hasError) throw new Error(`${answer.headers.code} ${answer.headers.description}`);
    return answer.json<Answer>();
  }

  on<T>(subject: string, handler: (event: T, msg: Msg) => void, options: SubscriptionOptions = {}): Subscription {
    const sub = this.nc.subscribe(subject, {
      queue: "workers",
      ...options,
      callback: (error, msg) => {
        if (error) {
          this.log(error.message);
          return;
        }
        handler(msg.json<T>(), msg);
      },
    });
    this.subscriptions.set(subject, sub);
    void sub.closed.then(() => this.subscriptions.delete(subject));
    return sub;
  }

  async stop(): Promise<Stats> {
    await Promise.all([...this.subscriptions.values()].map((sub) => sub.drain()));
    const stats = this.nc.stats();
    await this.nc.drain();
    return stats;
  }
}

/** A switch that the compiler finds exhaustive. */
function describe(status: Status): string {
  switch (status.type) {
    case "disconnect":
    case "reconnect":
    case "ldm":
      return `${status.type} ${status.server}`;
    case "update":
      return `${status.added?.join()} ${status.deleted?.join()}`;
    case "error":
      return status.error instanceof errors.PermissionViolationError ? `may not ${status.error.operation}` : status.error.message;
    case "ping":
      return `${status.pendingPings}`;
    case "slowConsumer":
      return `${status.sub.getSubject()} ${status.pending.toFixed()}`;
    case "reconnecting":
    case "staleConnection":
    case "forceReconnect":
    case "close":
      return status.type;
    default: {
      const never: never = status;
      return never;
    }
  }
}

// --- subscriptions, requests, errors -----------------------------------------------------------------------------------------------------

export async function core(nc: NatsConnection, log: Log): Promise<void> {
  const payloads: Payload[] = ["text", new Uint8Array([1, 2]), Empty];
  for (const payload of payloads) nc.publish("payloads", payload);
  const sub = nc.subscribe("greet.*", { max: 10, timeout: 1_000 });
  const done = (async () => {
    for await (const msg of sub) {
      const name = msg.subject.split(".")[1] ?? "";
      if (msg.respond(`hello ${name} ${TD.decode(msg.data)}`, { headers: headers() }))
        log(`${msg.sid} ${msg.reply} ${sub.getProcessed()}`);
    }
  })();
  const many: Partial<RequestManyOptions> = { strategy: "stall", maxWait: 1_000, maxMessages: 5, noMux: true };
  for await (const msg of await nc.requestMany("greet.all", "", many)) log(msg.string());
  const answers = await Promise.allSettled(
    ["a", "b"].map((name) => nc.request(`greet.${name}`, "", { timeout: 500, noMux: true, reply: createInbox() })),
  );
  log(`${answers.filter((answer) => answer.status === "fulfilled").length} of ${answers.length}`);
  const messages = syncIterator(nc.subscribe("one.by.one"));
  const first: Msg | null = await messages.next();
  if (first !== null) nc.respondMessage(first) || nc.publishMessage(first);
  const queue: QueuedIterator<number> = new QueuedIteratorImpl<number>();
  queue.stop();
  sub.unsubscribe(3);
  await deadline(done, 1_000);
  log(`${await nc.rtt()} ${nc.isDraining()} ${nc.getServers().map((server) => server.hostname)}`);
  nc.setServers(["nats://c.example"]);
  await nc.reconnect();
  await nc.flush();
}

/** The errors people tell apart. */
export async function tolerant(nc: NatsConnection, subject: string): Promise<Msg | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      return await nc.request(subject, undefined, { timeout: 1_000 });
    } catch (err) {
      if (err instanceof errors.TimeoutError) await delay(100);
      else if (err instanceof errors.RequestError && err.isNoResponders()) return undefined;
      else if (err instanceof ClosedConnectionError || err instanceof errors.DrainingConnectionError) throw err;
      else if ((err as Error).cause instanceof errors.NoRespondersError) return undefined;
      else throw new errors.ConnectionError(`${subject}: ${(err as Error).message}`, { cause: err });
    }
  }
  return undefined;
}

// --- the modules -------------------------------------------------------------------------------------------------------------------------

export interface Stores {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kv: KV;
  readonly files: ObjectStore;
}

export async function modules(nc: NatsConnection): Promise<Stores> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  await jsm.streams.add({
    name: "ORDERS",
    subjects: ["orders.>"],
    retention: RetentionPolicy.Workqueue,
    duplicate_window: nanos(60_000),
  });
  await jsm.consumers.add("ORDERS", {
    durable_name: "billing",
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  });
  const js = jetstream(nc, { timeout: 5_000 });
  return { js, jsm, kv: await new Kvm(nc).create("settings", { history: 5 }), files: await new Objm(nc).create("files") };
}

export async function work({ js, kv, files }: Stores, handle: (msg: JsMsg) => Promise<void>, log: Log): Promise<void> {
  try {
    const ack = await js.publish("orders.new", JSON.stringify({ id: 1 }), { msgID: "order-1", expect: { streamName: "ORDERS" } });
    log(`${ack.stream} ${ack.seq} ${ack.duplicate}`);
  } catch (error) {
    if (error instanceof JetStreamApiError) log(`${error.code} ${error.status}`);
  }
  const consumer: Consumer = await js.consumers.get("ORDERS", "billing");
  const messages = await consumer.consume({
    max_messages: 100,
    callback: (msg) =>
      void handle(msg).then(
        () => msg.ack(),
        () => msg.nak(millis(1_000)),
      ),
  });
  await kv.put("greeting", "hello");
  const entry: KvEntry | null = await kv.get("greeting");
  for await (const change of await kv.watch({ key: ">" })) log(`${change.key} ${change.revision} ${entry?.string()}`);
  const stored = await files.putBlob({ name: "report.pdf" }, new Uint8Array(8));
  log(stored.digest, await files.getBlob("report.pdf"));
  await messages.close();
}

export async function service(nc: NatsConnection): Promise<void> {
  const svc = await new Svcm(nc).add({ name: "max", version: "0.0.1", description: "returns the largest number" });
  const largest = (error: Error | null, msg: ServiceMsg): void => {
    if (error === null) msg.respond(JSON.stringify(Math.max(...msg.json<number[]>())));
  };
  svc.addEndpoint("max", largest);
  await svc.stop();
}

/** `using`, and a browser build of the same program. */
export async function main(inBrowser: boolean, log: Log): Promise<void> {
  await using nc = await (inBrowser ? wsconnect({ servers: "wss://a.example" }) : connect(everything));
  await core(nc, log);
  await work(await modules(nc), async (msg) => log(`${msg.seq} ${msg.info.deliveryCount}`), log);
  const bus = await new Bus(log).start(optionsFrom({ name: "bus" }));
  bus.on<{ id: number }>("orders.*", ({ id }, msg) => log(`${id} ${msg.subject}`));
  bus.emit("orders.new", { id: 1 }, { reply: createInbox() });
  log(`${(await bus.ask<string, { ok: boolean }>("orders.check", "1")).ok} ${(await bus.stop()).outMsgs}`);
}
