/**
 * A program with secrets in its options that goes wrong in every way there is, and logs all it can get hold of: `auth-secrets.test.ts`
 * runs it with `NODE_DEBUG=holdfast` and searches what it printed. `auth-secrets-program.ts <file>`: into the file go the secrets.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { createUser } from "@nats-io/jwt";
import { connect, credsAuthenticator, type HoldfastConnection, type HoldfastOptions, type Undelivered } from "../../src/index.ts";
import { freePort, listenOnFreePort, type NatsServer, type ServerConfig, startNatsServer } from "../../src/testing/index.ts";
import { authority, certificate } from "../transport/certificates.ts";
import { inSeconds, Operator } from "./auth-operator.ts";
import { allTextOf } from "./auth-secrets-look.ts";
import { badOptions, type Secrets } from "./auth-secrets-ways.ts";

const [file = ""] = process.argv.slice(2);
const quick = { reconnectTimeWait: 10, reconnectJitter: 0, reconnectJitterTLS: 0, debug: true } as const;

const operator = new Operator();
const ca = await authority("Authority");
const client = await certificate(ca, ["client.example"]);
const stranger = await new Operator().a.user("stranger");
const secrets: Secrets = {
  user: "uUsErMaRkErAAAA1",
  pass: "pPaSsMaRkErBBBB2",
  token: "tToKeNmArKeRCCC3",
  urlUser: "vUrLuSeRmArKeRD4",
  urlPass: "wUrLpAsSmArKeRE5",
  urlToken: "xUrLtOkEnMaRkER6",
  seed: new TextDecoder().decode(createUser().getSeed()),
  jwt: stranger.jwt,
  jwtSeed: new TextDecoder().decode(stranger.seed),
  creds: "cCrEdSmArKeRFFF7",
  clientKey: client.key,
  passphrase: "9182736455463728",
};

/** Of the key each line of its base64: no piece of it may show. */
const { clientKey, ...short } = secrets;
const known = [...Object.values(short), ...clientKey.split("\n").filter((line) => line.length > 20 && !line.startsWith("---"))];

const users = (password: string): ServerConfig => ({
  authorization: {
    users: [{ user: secrets.user, password, permissions: { publish: { deny: ["no.>"] }, subscribe: { deny: ["no.>"] } } }],
  },
});
const servers: NatsServer[] = [];
const listeners: Server[] = [];

process.on("warning", (warning) => show("warning", warning));
try {
  await everything();
  process.stdout.write("=== all done\n");
} finally {
  await Promise.all(servers.map((server) => server.stop("SIGKILL")));
  for (const listener of listeners) listener.close();
}

async function everything(): Promise<void> {
  const plain = await start(users("another"));
  const jwt = await start(await operator.memoryConfig());
  const tls = await startTls();
  // The search must find what is hidden somewhere.
  show("control", Object.defineProperty({}, "hidden", { value: [new Map([["key", Buffer.from("cOnTrOlMaRkEr")]])] }));
  const places = {
    user: place(plain),
    token: place(await start({ authorization: { token: "another" } })),
    jwt: place(jwt),
    tls: place(tls),
    echo: await listen((socket) => {
      socket.write('INFO {"server_id":"X","version":"2.15.2","proto":1,"max_payload":1024,"headers":true}\r\n');
      socket.pipe(socket);
    }),
    silent: await listen(() => {}),
    nobody: `127.0.0.1:${await freePort("127.0.0.1")}`,
  };
  for (const [way, options] of Object.entries(badOptions(places, secrets, ca.cert, client.cert))) await fail(way, options);

  const rotations = async (): Promise<void> => {
    await rotate(plain, { user: secrets.user, pass: secrets.pass });
    await rotate(plain, { servers: `nats://${secrets.user}:${secrets.pass}@${place(plain)}` });
  };
  await Promise.all([expire(jwt), rotations(), loseTrust(tls)]);
  writeFileSync(file, JSON.stringify(known));
}

/** A `connect()` that must reject; what it rejects with is shown. */
async function fail(way: string, options: unknown): Promise<void> {
  const given = typeof options === "object" ? { ...quick, ...options } : options;
  const error = await Reflect.apply(connect, undefined, [given]).then(
    (nc: HoldfastConnection) => nc.close(),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error, `${way}: connected`);
  show(way, error);
}

/** Connected, refused this and that, and then closed by a password that is not right any more. */
async function rotate(server: NatsServer, options: HoldfastOptions): Promise<void> {
  await server.reload(users(secrets.pass));
  const undelivered: Undelivered[] = [];
  const nc = await connect({
    servers: server.url,
    ...quick,
    ...options,
    reconnectBuffer: 2_000,
    onUndelivered: (batch) => void undelivered.push(...batch),
    reconnectToServer: (pool, info) => {
      show("reconnectToServer", { pool, info });
      return pool[0] ?? null;
    },
  });
  const told = record(nc);
  const subscription = nc.subscribe("yes");
  const denied = nc.subscribe("no.1");
  nc.publish("yes", "hello");
  nc.publish("no.1", "refused");
  const errors: unknown[] = [
    await rejection(nc.request("nobody", "")),
    await rejection(nc.request("no.2", "")),
    await rejection(nc.request("yes", "", { timeout: 50 })),
    await rejection(nc.outbound.publishAndConfirm("no.3", "")),
    await rejection(
      (async () => {
        for await (const _ of denied);
      })(),
    ),
    thrown(() => nc.setServers([`nats://${secrets.urlUser}:${secrets.urlPass}@bad host`])),
    thrown(() => nc.setServers([])),
    thrown(() => nc.publish("a b", secrets.pass.slice(0, 0))),
  ];
  nc.setServers([`nats://${secrets.urlUser}:${secrets.urlPass}@${place(server)}`, `${secrets.urlToken}@127.0.0.1:1`, server.url]);
  await nc.flush();
  const [message] = await (async () => {
    for await (const msg of subscription) return [msg];
    return [];
  })();
  showAll("connected", nc, { told, errors, subscription, message });
  const disconnected = (async () => {
    for await (const { type } of nc.status()) if (type === "disconnect") return;
  })();
  await server.reload(users("another"));
  await disconnected;
  errors.push(
    thrown(() => {
      for (;;) nc.publish("held", "x".repeat(300));
    }),
  );
  showAll("disconnected", nc, { told, errors });
  errors.push(await nc.closed(), await rejection(nc.flush()));
  const left: Undelivered[] = [];
  for await (const each of nc.outbound.undelivered()) left.push(each);
  showAll("closed", nc, { told, errors, undelivered, left });
  assert.ok(left.length > 0 && errors.every((error) => error instanceof Error), "something did not go wrong");
}

/** Connected by a JWT that expires, and cannot be renewed. */
async function expire(server: NatsServer): Promise<void> {
  // Time enough to connect on a busy machine; the rest goes on beside it.
  const user = await operator.a.user("one", {}, inSeconds(6_000));
  known.push(user.jwt, new TextDecoder().decode(user.seed));
  const nc = await connect({ servers: server.url, ...quick, authenticator: credsAuthenticator(user.creds) });
  const told = record(nc);
  showAll("with a JWT", nc, {});
  const error = await nc.closed();
  assert.ok(error !== undefined);
  showAll("expired", nc, { told, error });
}

/** Connected with a client certificate, and then the server's own is another's. */
async function loseTrust(server: NatsServer): Promise<void> {
  const options = { ca: ca.cert, cert: client.cert, key: Buffer.from(client.key).toString() };
  const nc = await connect({ servers: `localhost:${server.port}`, ...quick, tls: options, maxReconnectAttempts: 2 });
  const told = record(nc);
  showAll("with a certificate", nc, {});
  await server.terminate();
  const error = await nc.closed();
  assert.ok(error !== undefined);
  showAll("out of reach", nc, { told, error });
}

/** Everything that a connection shows, and what was gathered about it. */
function showAll(when: string, nc: HoldfastConnection, gathered: object): void {
  const { info, outbound } = nc;
  const servers = [nc.getServer(), nc.getServers()];
  const counts = [outbound.counts(), outbound.held, outbound.limit, nc.stats()];
  show(when, { nc, info, options: Reflect.get(nc, "options"), servers, outbound, counts, gathered });
}

function show(what: string, value: unknown): void {
  process.stdout.write(`=== ${what}\n${allTextOf(value)}\n`);
}

function record(nc: HoldfastConnection): unknown[] {
  const told: unknown[] = [];
  for (const feed of [nc.status(), nc.outbound.events()]) {
    const reading = (async () => {
      for await (const each of feed) told.push(each);
    })();
    reading.catch(() => {});
  }
  return told;
}

function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "resolved",
    (reason: unknown) => reason,
  );
}

function thrown(call: () => unknown): unknown {
  try {
    call();
    return "returned";
  } catch (error) {
    return error;
  }
}

async function start(config: ServerConfig): Promise<NatsServer> {
  const server = await startNatsServer({ config });
  servers.push(server);
  return server;
}

/** Verifies clients. */
async function startTls(): Promise<NatsServer> {
  const own = await certificate(ca, ["localhost"], ["127.0.0.1"]);
  writeFileSync(`${file}.cert`, own.cert);
  writeFileSync(`${file}.key`, own.key);
  writeFileSync(`${file}.ca`, ca.cert);
  return start({ tls: { cert_file: `${file}.cert`, key_file: `${file}.key`, ca_file: `${file}.ca`, verify: true } });
}

async function listen(handle: (socket: import("node:net").Socket) => void): Promise<string> {
  const listener = createServer((socket) => {
    socket.on("error", () => {});
    handle(socket);
  });
  listeners.push(listener);
  return `127.0.0.1:${await listenOnFreePort(listener)}`;
}

function place(server: NatsServer): string {
  return `127.0.0.1:${server.port}`;
}
