import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { generate } from "selfsigned";
import { type NatsServer, startNatsServer } from "../../src/testing/nats-server.ts";
import { freePort } from "../../src/testing/ports.ts";
import { serverVersionAtLeast } from "../../src/testing/server-binary.ts";
import type { NatsServerOptions } from "../../src/testing/server-options.ts";
import { dial } from "./raw-socket.ts";

async function started(context: TestContext, options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNatsServer(options);
  context.after(() => server.stop("SIGKILL"));
  return server;
}

async function client(context: TestContext, server: NatsServer, options = {}): Promise<NatsConnection> {
  const connection = await connect({ servers: server.url, reconnect: false, ...options });
  context.after(() => connection.close());
  return connection;
}

function isRunning(pid: number): boolean {
  try {
    // A process that has ended but was not reaped yet is a zombie.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("it starts a server that accepts clients, and stop() leaves no process and no directory", async () => {
  const server = await startNatsServer();
  const { pid } = server;
  const directory = dirname(server.configFile);
  assert.equal(server.state, "running");
  assert.match(server.version, /^\d+\.\d+\.\d+/);
  assert.equal(server.url, `nats://127.0.0.1:${server.port}`);
  const connection = await connect({ servers: server.url });
  assert.equal(connection.info?.server_name, server.name);
  assert.equal(connection.info?.version, server.version);
  await connection.close();
  assert.match(server.logs(), /Server is ready/);
  await server.stop();
  assert.equal(server.state, "stopped");
  assert.equal(isRunning(pid), false);
  assert.equal(existsSync(directory), false);
  await server.stop();
  await assert.rejects(server.restart(), /restart\(\) after stop\(\)/);
  assert.throws(() => server.pid, /pid needs a running server, but it is stopped/);
});

test("two servers at once have different ports and names", async (context) => {
  const [one, two] = await Promise.all([started(context), started(context)]);
  assert.notEqual(one.port, two.port);
  assert.notEqual(one.name, two.name);
});

test("configuration as an object reaches the server, with quotes, nested blocks and durations", async (context) => {
  const config = {
    max_payload: 4_096,
    ping_interval: "90s",
    authorization: { users: [{ user: 'a "quoted" name', password: "p$x\\y", permissions: { publish: ["allowed.>"] } }] },
  };
  const server = await started(context, { config, monitoring: true });
  const connection = await client(context, server, { user: 'a "quoted" name', pass: "p$x\\y" });
  assert.equal(connection.info?.max_payload, 4_096);
  const { ping_interval: interval } = await server.varz();
  assert.equal(interval, 90_000_000_000);
});

test("configuration as text reaches the server", async (context) => {
  const server = await started(context, { config: "max_payload: 1KB # a comment\n" });
  const connection = await client(context, server);
  assert.equal(connection.info?.max_payload, 1_024);
});

test("a configuration the server refuses is an error with its words, and leaves nothing behind", async () => {
  await assert.rejects(
    startNatsServer({ config: { max_payload: "a lot" } }),
    /ended with code 1; its last log lines:\n.*max_payload|int64/s,
  );
});

test("a program that is no server, or that is not there, is a clear error", async () => {
  await assert.rejects(startNatsServer({ binary: "/bin/true" }), /nats-server \(\/bin\/true .*\) ended with code 0/);
  await assert.rejects(
    startNatsServer({ binary: "/no/such/nats-server" }),
    /the option `binary` names "\/no\/such\/nats-server"/,
  );
  await assert.rejects(startNatsServer({ binary: "/bin/sh", args: ["-x"], startTimeoutMs: 100 }), /nats-server \(\/bin\/sh/);
});

test("a fixed port is used, and one that is taken is an error instead of a server found there", async (context) => {
  const port = await freePort();
  const server = await started(context, { port });
  assert.equal(server.port, port);
  await assert.rejects(startNatsServer({ port }), /address already in use/);
});

test("after kill() the port is closed; restart() brings the same server back on it with its store", async (context) => {
  const server = await started(context, { jetStream: true });
  const first = await client(context, server);
  const manager = await jetstreamManager(first);
  await manager.streams.add({ name: "S", subjects: ["s"] });
  await jetstream(first).publish("s", "kept");
  const { pid, port, url, configFile } = server;
  await server.kill();
  assert.equal(server.state, "down");
  assert.equal(isRunning(pid), false);
  await assert.rejects(dial(port), { code: "ECONNREFUSED" });
  await server.restart();
  assert.notEqual(server.pid, pid);
  assert.deepEqual([server.port, server.url, server.configFile, server.state], [port, url, configFile, "running"]);
  const second = await client(context, server);
  const { state } = await (await jetstreamManager(second)).streams.info("S");
  assert.equal(state.messages, 1);
});

test("terminate() ends it in good order and restart() of a running server does that first", async (context) => {
  const server = await started(context);
  await server.terminate();
  assert.match(server.logs(), /Server Exiting/);
  await server.restart();
  const { pid } = server;
  await server.restart();
  assert.notEqual(server.pid, pid);
  assert.equal(isRunning(pid), false);
  assert.equal(server.logs().match(/Server Exiting/g)?.length, 2);
});

test("stop() while the server starts leaves no process", async () => {
  const server = await startNatsServer();
  await server.kill();
  const restarting = assert.rejects(
    server.restart(),
    /the server was stopped while it started|could not be started|ended with code/,
  );
  await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
  await restarting;
  assert.equal(server.state, "stopped");
  await assert.rejects(dial(server.port), { code: "ECONNREFUSED" });
});

test("a server that speaks TLS before INFO is found ready too", async (context) => {
  const { version } = await started(context);
  if (!serverVersionAtLeast(version, "2.10.4"))
    return context.skip(`handshake_first needs nats-server 2.10.4, this is ${version}`);
  const directory = mkdtempSync(join(tmpdir(), "holdfast-test-tls-"));
  context.after(() => rmSync(directory, { recursive: true }));
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" });
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const server = await started(context, { config: { tls: { cert_file: certFile, key_file: keyFile, handshake_first: true } } });
  assert.match(server.version, /^\d+\.\d+\.\d+/);
  const connection = await client(context, server, { tls: { ca: cert, handshakeFirst: true, servername: "localhost" } });
  assert.equal(connection.info?.version, server.version);
});

test("a server that ends by itself shows as down", async (context) => {
  const server = await started(context);
  const ending = server.waitForLog(/Server Exiting/);
  process.kill(server.pid, "SIGTERM");
  await ending;
  while (server.state === "running") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(server.state, "down");
  await server.restart();
  assert.equal(server.state, "running");
});

test("freeze() stops it without closing anything, thaw() lets it go on", async (context) => {
  const server = await started(context);
  const connection = await client(context, server);
  await server.freeze();
  assert.equal(server.state, "frozen");
  let flushed = false;
  const flush = connection.flush().then(() => {
    flushed = true;
  });
  // The kernel still takes connections for it.
  const socket = await dial(server.port);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(flushed, false);
  assert.equal(socket.length, 0);
  server.thaw();
  await flush;
  await socket.untilText("INFO");
  socket.socket.destroy();
});

test("a frozen server can be terminated, killed and stopped", async (context) => {
  const server = await started(context);
  await server.freeze();
  await server.terminate();
  assert.match(server.logs(), /Server Exiting/);
  await server.restart();
  await server.freeze();
  await server.kill();
  await server.restart();
  await server.freeze();
  await server.stop();
  assert.equal(server.state, "stopped");
});

test("reload() changes the running server and keeps what is ours; a refused one is put back", async (context) => {
  const server = await started(context, {
    config: { max_payload: 1_000 },
    jetStream: { max_file_store: 1_000_000 },
    monitoring: true,
  });
  await server.reload({ max_payload: 2_000 });
  assert.equal((await server.varz()).max_payload, 2_000);
  await assert.rejects(server.reload({ max_payload: "x" }), /the server refused the new configuration: .*Failed to reload/);
  await server.restart();
  assert.equal((await server.varz()).max_payload, 2_000);
  const { config } = await server.monitor("/jsz");
  assert.ok(typeof config === "object" && config !== null && "max_storage" in config && config.max_storage === 1_000_000);
});

test("lameDuck() tells the clients and sends them away after the grace period", async (context) => {
  const server = await started(context, { config: { lame_duck_duration: "30s", lame_duck_grace_period: "1s" } });
  const connection = await client(context, server);
  const notice = (async () => {
    for await (const { type } of connection.status()) if (type === "ldm") return type;
    return "closed";
  })();
  await server.lameDuck();
  assert.equal(await notice, "ldm");
});

test("waitForLog() finds lines already there or, with after: now, only new ones, and gives up at its limit", async (context) => {
  const server = await started(context);
  assert.match(await server.waitForLog(/Server is ready/g), /Server is ready/);
  await assert.rejects(
    server.waitForLog(/Server is ready/, { after: "now", timeoutMs: 50 }),
    /50 ms passed before the server logged \/Server is ready\/; its last lines:\n.*Listening/s,
  );
  const waiting = assert.rejects(server.waitForLog(/never/), /the server was stopped before/);
  await server.stop();
  await waiting;
});

test("onLog hears every line, also of later runs", async (context) => {
  const lines: string[] = [];
  const server = await started(context, { onLog: (line) => lines.push(line), args: ["-D"] });
  await server.restart();
  assert.equal(lines.filter((line) => line.includes("Server is ready")).length, 2);
  assert.ok(lines.some((line) => line.includes("[DBG]")));
});

test("a store directory that was given is used and stays", async (context) => {
  const storeDir = mkdtempSync(join(tmpdir(), "holdfast-test-store-"));
  context.after(() => rmSync(storeDir, { recursive: true }));
  const server = await startNatsServer({ storeDir, jetStream: true });
  assert.equal(server.storeDir, storeDir);
  await server.stop();
  assert.ok(existsSync(join(storeDir, "jetstream")));
});

test("connz() and varz() answer with monitoring, and say what is missing without", async (context) => {
  const server = await started(context, { monitoring: true });
  await client(context, server, { name: "me" });
  const { connections } = await server.connz("subs=1");
  assert.ok(Array.isArray(connections));
  assert.deepEqual(
    connections.map((connection: { name?: string }) => connection.name),
    ["me"],
  );
  await assert.rejects(server.monitor("/no-such-page"), /answered 404 without a JSON object/);
  const plain = await started(context);
  await assert.rejects(plain.varz(), /needs the option monitoring: true/);
});
