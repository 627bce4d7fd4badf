import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { guardProcess } from "../../src/testing/process-guard.ts";
import { transportContract } from "../../src/testing/transport-contract.ts";
import { LinkRecorder, streamBytes } from "../../src/testing/transport-recorder.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import type { Endpoint, Link } from "../../src/transport/transport.ts";
import { authority, certificate } from "./certificates.ts";
import { socketHarness } from "./socket-harness.ts";
import { rawServer } from "./tls-server.ts";

transportContract("tls, handshake first", () => socketHarness("handshake-first"));
transportContract("tls, upgraded", () => socketHarness("upgrade"));

const ca = await authority("holdfast test authority");
const local = await certificate(ca, ["localhost"], ["127.0.0.1"]);
const { signal } = new AbortController();
const noPipes = process.platform === "win32" ? "needs a named pipe" : false;

test("tls: what came before secure() is delivered in the clear, what comes after goes through TLS", async (t) => {
  const { link, recorder, server } = await upgradable(t);
  server.write(streamBytes(0, 1000));
  await recorder.until(() => recorder.inbound.length === 1000);
  assert.deepEqual(
    [link.encrypted, link.chunkBytes, link.unfinished === "nothing"],
    [false, 65_536, process.platform === "win32"],
  );
  const secured = link.secure({ ca: ca.cert }, "localhost");
  const above = new TLSSocket(server, { isServer: true, cert: local.cert, key: local.key });
  await secured;
  assert.deepEqual([link.encrypted, link.chunkBytes, link.unfinished], [true, 262_144, "nothing"]);
  above.end(streamBytes(1000, 1000));
  await recorder.until(() => recorder.ends.length > 0);
  assert.deepEqual([recorder.inbound.length, recorder.inbound.wrongAt], [2000, -1]);
  assert.deepEqual(recorder.violations, []);
});

test("tls: nothing can be written in the clear once secure() was called", async (t) => {
  const { link } = await upgradable(t);
  const secured = link.secure({ ca: ca.cert }, "localhost");
  assert.throws(() => link.write(streamBytes(0, 1)), /in the clear/);
  await assert.rejects(link.secure({}, "localhost"), /secure\(\) on a link that is securing/);
  link.end();
  await assert.rejects(secured, { name: "ConnectionError" });
});

test("tls: bytes in the clear behind the call of secure() fail the handshake, and are never delivered", {
  skip: noPipes,
}, async (t) => {
  const { link, recorder, server } = await upgradable(t);
  const { path, release } = await slowFile(t);
  const secured = link.secure({ caFile: path }, "localhost");
  server.write(streamBytes(0, 1000));
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  release(ca.cert);
  await assert.rejects(secured, { name: "ConnectionError", message: /^TLS handshake with 127\.0\.0\.1:\d+ failed: / });
  await recorder.until(() => recorder.ends.length > 0);
  assert.equal(recorder.inbound.length, 0);
  assert.equal(recorder.ends.length, 1);
});

test("tls: a connection that ends while files are read makes secure() reject at once", { skip: noPipes }, async (t) => {
  const { link, recorder, server } = await upgradable(t);
  const { path, release } = await slowFile(t);
  const secured = link.secure({ caFile: path }, "localhost");
  server.end();
  await assert.rejects(secured, { name: "ConnectionError", message: /closed before it began/ });
  release(ca.cert);
  await recorder.until(() => recorder.ends.length > 0);
  assert.equal(recorder.ends.length, 1);
});

test("tls: an abort while files are read rejects at once and closes the connection", { skip: noPipes }, async (t) => {
  const connections = new EventEmitter();
  const endpoint = await rawServer(t, (raw) => raw.resume().once("close", () => connections.emit("closed")));
  const closed = once(connections, "closed");
  const { path, release, opened } = await slowFile(t);
  const controller = new AbortController();
  const reason = new Error("too late");
  const options = { signal: controller.signal, secure: { handshakeFirst: true, caFile: path } };
  const dialled = tcpTransport().dial(endpoint, new LinkRecorder(), options);
  dialled.catch(() => {});
  await opened;
  controller.abort(reason);
  await assert.rejects(dialled, reason);
  await closed;
  release(ca.cert);
});

test("tls: a failed secure() closes the link once, with the same error", async (t) => {
  const { link, recorder, server } = await upgradable(t);
  const stranger = await authority("somebody else");
  new TLSSocket(server, { isServer: true, cert: local.cert, key: local.key }).on("error", () => {});
  const failure: unknown = await link.secure({ ca: stranger.cert }, "localhost").catch((error: unknown) => error);
  await recorder.until(() => recorder.ends.length > 0);
  assert.ok(failure instanceof Error);
  assert.equal(recorder.ends[0]?.message, failure.message);
  assert.deepEqual(recorder.violations, []);
});

for (const before of ["before the first byte", "in the middle of the handshake"]) {
  test(`tls: a server that closes ${before} makes the dial reject, and the handler is told nothing`, async (t) => {
    const endpoint = await rawServer(t, (raw) => {
      if (before === "before the first byte") raw.destroy();
      else raw.once("data", () => raw.destroy());
    });
    const recorder = new LinkRecorder();
    await assert.rejects(dialTls(endpoint, recorder), {
      name: "ConnectionError",
      message: /^TLS handshake with 127\.0\.0\.1:\d+ failed: /,
    });
    await nextTurn();
    assert.deepEqual(recorder.ends, []);
  });
}

test("tls: a server that does not speak TLS makes the dial reject", async (t) => {
  const endpoint = await rawServer(t, (raw) => raw.write("INFO {}\r\n"));
  await assert.rejects(dialTls(endpoint), { name: "ConnectionError", message: /wrong version number/ });
});

test("tls: an abort in the middle of the handshake rejects with its reason and closes the connection", async (t) => {
  const connections = new EventEmitter();
  const endpoint = await rawServer(t, (raw) => raw.once("data", () => connections.emit("hello", raw)));
  const controller = new AbortController();
  const recorder = new LinkRecorder();
  const hello = once(connections, "hello");
  const options = { signal: controller.signal, secure: { handshakeFirst: true, ca: ca.cert } };
  const dialled = tcpTransport().dial(endpoint, recorder, options);
  const [raw] = await hello;
  const closed = once(raw, "close");
  const reason = new Error("too late");
  controller.abort(reason);
  await assert.rejects(dialled, reason);
  await closed;
  assert.deepEqual(recorder.ends, []);
});

test("tls: a link whose peer read a whole chunk and closed before Node reports it claims nothing of the chunk", async (t) => {
  for (const how of ["fin", "rst"]) {
    for (const size of [1000, 256 * 1024]) await claimNothing(t, how, size);
  }
});

/** The peer, a process of its own, reads all and closes while this one is blocked in the turn of the write. */
async function claimNothing(t: TestContext, how: string, size: number): Promise<void> {
  const flag = join(await scratch(t), "done");
  const peer = spawn(
    process.execPath,
    [
      ...process.execArgv,
      fileURLToPath(new URL("swallowing-peer.ts", import.meta.url)),
      how,
      `${size}`,
      flag,
      local.cert,
      local.key,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const release = guardProcess(peer.pid ?? assert.fail("no process"));
  t.after(async () => {
    peer.kill("SIGKILL");
    if (peer.exitCode === null && peer.signalCode === null) await once(peer, "exit");
    release();
  });
  const [port] = await once(peer.stdout, "data");
  const recorder = new LinkRecorder();
  const link = await dialTls({ hostname: "127.0.0.1", port: Number(port), tlsName: "localhost" }, recorder);
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      recorder.write(link, size);
      for (const end = performance.now() + 20_000; !existsSync(flag) && performance.now() < end; );
      resolve();
    });
  });
  assert.ok(existsSync(flag), "the peer has the whole chunk");
  await recorder.until(() => recorder.ends.length > 0);
  assert.ok(!recorder.waits || link.unfinished === "nothing", `${how}, ${size} bytes: denied what the peer has`);
}

/** A file whose reading takes until `release()` gives its content; `opened` resolves when somebody reads it. */
async function slowFile(t: TestContext): Promise<{ path: string; opened: Promise<unknown>; release(content: string): void }> {
  const path = join(await scratch(t), "slow.pem");
  execFileSync("mkfifo", [path]);
  const writer = open(path, "w");
  return {
    path,
    opened: writer,
    release: (content) => void writer.then((file) => file.writeFile(content).finally(() => file.close())),
  };
}

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-tls-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function dialTls(endpoint: Endpoint, recorder: LinkRecorder = new LinkRecorder()): Promise<Link> {
  return tcpTransport().dial(endpoint, recorder, { signal, secure: { handshakeFirst: true, ca: ca.cert } });
}

/** A link in the clear, and the server's socket. */
async function upgradable(t: TestContext): Promise<{ link: Link; recorder: LinkRecorder; server: Socket }> {
  let accept: (raw: Socket) => void = () => {};
  const accepted = new Promise<Socket>((resolve) => {
    accept = resolve;
  });
  const endpoint = await rawServer(t, (raw) => accept(raw));
  const recorder = new LinkRecorder();
  const link = await tcpTransport().dial(endpoint, recorder, { signal });
  t.after(() => link.destroy());
  return { link, recorder, server: await accepted };
}
