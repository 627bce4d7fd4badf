/** Who uses TLS when: each kind of server with each value of the option `tls`, Holdfast beside the official client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect as connectOfficial } from "@nats-io/transport-node";
import { ConnectionError, connect, type HoldfastOptions, TimeoutError } from "../../src/index.ts";
import { startFakeServer } from "../../src/testing/index.ts";
import { rawServer } from "../transport/tls-server.ts";
import { soon } from "./auth-harness.ts";
import { limit, open, openLine, startServer, statusOf } from "./peers-harness.ts";
import {
  assertBothFailed,
  assertSameTlsFailure,
  byName,
  canBeginWithTls,
  codeOf,
  fates,
  isEncrypted,
  startTlsServer,
  TlsFolder,
} from "./tls-harness.ts";

const monitored = { monitoring: true } as const;
const UNTRUSTED = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
const NOT_TLS = "ERR_SSL_WRONG_VERSION_NUMBER";

test("a server that requires TLS is spoken to under TLS, by both clients, with tls undefined too", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const server = await startTlsServer(t, folder, {}, {}, monitored);
  const servers = byName(server);
  const { cert: ca } = folder.ca;
  const pem: HoldfastOptions["tls"] = { ca };
  const path: HoldfastOptions["tls"] = { caFile: folder.path("ca.pem") };
  for (const tls of [pem, path, { rejectUnauthorized: false }, { ca, handshakeFirst: false }]) {
    assert.deepEqual(await fates(server, { servers, tls }), { ours: "tls", theirs: "tls" });
  }
  // TLS is begun without any option as well: then the system's authorities are asked, who know nothing of ours.
  assertSameTlsFailure(await fates(server, { servers }), UNTRUSTED);
  assertSameTlsFailure(await fates(server, { servers, tls: {} }), UNTRUSTED);
});

test("tls: null and a server that requires TLS: both are refused, and Holdfast says why", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const server = await startTlsServer(t, folder, {}, {}, monitored);
  const { ours } = assertBothFailed(await fates(server, { servers: byName(server), tls: null }));
  assert.equal(ours.message, "server requires 'tls', and the option 'tls' is null (never use TLS)");
});

test(
  "a server that offers TLS and does not require it is spoken to under TLS, except with tls: null, as by nats.js",
  limit,
  async (t) => {
    const folder = await TlsFolder.make(t);
    const server = await startTlsServer(t, folder, {}, { allow_non_tls: true }, monitored);
    const servers = byName(server);
    const { cert: ca } = folder.ca;
    assert.deepEqual(await fates(server, { servers, tls: { ca } }), { ours: "tls", theirs: "tls" });
    assert.deepEqual(await fates(server, { servers, tls: { rejectUnauthorized: false } }), { ours: "tls", theirs: "tls" });
    assert.deepEqual(await fates(server, { servers, tls: null }), { ours: "plain", theirs: "plain" });
    assertSameTlsFailure(await fates(server, { servers }), UNTRUSTED);
    assertSameTlsFailure(await fates(server, { servers, tls: {} }), UNTRUSTED);
  },
);

test(
  "a server without TLS is refused when the option asks for TLS, in the words of nats.js, and taken as it is otherwise",
  limit,
  async (t) => {
    const server = await startServer(t, monitored);
    const servers = byName(server);
    for (const tls of [{}, { rejectUnauthorized: false }]) {
      const { ours, theirs } = assertBothFailed(await fates(server, { servers, tls }));
      assert.deepEqual([ours.name, ours.message], [theirs.name, theirs.message]);
      assert.equal(ours.message, "server does not support 'tls'");
    }
    assert.deepEqual(await fates(server, { servers }), { ours: "plain", theirs: "plain" });
    assert.deepEqual(await fates(server, { servers, tls: null }), { ours: "plain", theirs: "plain" });
  },
);

test(
  "the scheme of a URL means nothing, as in nats.js: tls:// without the option takes what the server offers",
  limit,
  async (t) => {
    const folder = await TlsFolder.make(t);
    const plain = await startServer(t, monitored);
    const secure = await startTlsServer(t, folder, {}, {}, monitored);
    const { cert: ca } = folder.ca;
    assert.deepEqual(await fates(plain, { servers: `tls://${byName(plain)}` }), { ours: "plain", theirs: "plain" });
    assert.deepEqual(await fates(secure, { servers: `tls://${byName(secure)}`, tls: { ca } }), { ours: "tls", theirs: "tls" });
    assert.deepEqual(await fates(secure, { servers: `nats://${byName(secure)}`, tls: { ca } }), { ours: "tls", theirs: "tls" });
    assertBothFailed(await fates(plain, { servers: `tls://${byName(plain)}`, tls: { ca } }));
  },
);

test("a server that begins with TLS is reached with handshakeFirst", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const probe = await startServer(t);
  if (!canBeginWithTls(t, probe)) return;
  const server = await startTlsServer(t, folder, { handshake_first: true }, {}, monitored);
  const { cert: ca } = folder.ca;
  const options = { servers: byName(server), tls: { ca, handshakeFirst: true } };
  assert.deepEqual(await fates(server, options), { ours: "tls", theirs: "tls" });
  assertSameTlsFailure(await fates(server, { ...options, tls: { handshakeFirst: true } }), UNTRUSTED);
});

test("a server that begins with TLS says nothing to a client that waits for its INFO: both time out", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const probe = await startServer(t);
  if (!canBeginWithTls(t, probe)) return;
  // Longer than the clients wait.
  const server = await startTlsServer(t, folder, { handshake_first: true, timeout: 20 }, {}, monitored);
  const { cert: ca } = folder.ca;
  for (const tls of [{ ca }, null]) {
    const found = await fates(server, { servers: byName(server), tls, timeout: 300 });
    assert.ok(found.ours instanceof TimeoutError && found.theirs instanceof TimeoutError);
    assert.equal(found.ours.message, found.theirs.message);
    assert.ok(found.ours.cause instanceof Error && /not connected|no INFO|not resolved/.test(found.ours.cause.message));
  }
});

test("a server that begins with TLS and falls back is reached either way", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const probe = await startServer(t);
  if (!canBeginWithTls(t, probe)) return;
  const server = await startTlsServer(t, folder, { handshake_first: "100ms" }, {}, monitored);
  const { cert: ca } = folder.ca;
  for (const handshakeFirst of [true, false]) {
    assert.deepEqual(await fates(server, { servers: byName(server), tls: { ca, handshakeFirst } }), {
      ours: "tls",
      theirs: "tls",
    });
  }
});

test("handshakeFirst with a server that begins with INFO fails in both, and Holdfast says what to change", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const secure = await startTlsServer(t, folder, {}, {}, monitored);
  const plain = await startServer(t, monitored);
  const { cert: ca } = folder.ca;
  for (const server of [secure, plain]) {
    const { ours, theirs } = assertBothFailed(
      await fates(server, { servers: byName(server), tls: { ca, handshakeFirst: true } }),
    );
    assert.equal(codeOf(theirs), NOT_TLS);
    assert.equal(codeOf(ours.cause), NOT_TLS);
    assert.match(ours.message, /: wrong version number \(the server does not begin with TLS: leave out tls.handshakeFirst\)$/);
  }
});

test(
  "a server that announces TLS and then answers in the clear is refused by both, and gets no credentials",
  limit,
  async (t) => {
    const received: string[] = [];
    const { port } = await rawServer(t, (raw) => {
      raw.write('INFO {"server_id":"X","version":"2.15.2","proto":1,"max_payload":1024,"headers":true,"tls_required":true}\r\n');
      raw.on("data", (bytes) => {
        received.push(bytes.toString("latin1"));
        raw.write("-ERR 'no TLS here after all'\r\n");
      });
    });
    const options = { servers: `localhost:${port}`, user: "joe", pass: "s3cret", reconnect: false };
    await assert.rejects(connect(options), (error) => {
      assert.ok(error instanceof ConnectionError);
      assert.equal(codeOf(error.cause), NOT_TLS);
      return true;
    });
    await assert.rejects(connectOfficial(options), { code: NOT_TLS });
    assert.equal(received.length > 0, true);
    assert.equal(received.join("").includes("s3cret"), false);
  },
);

test("a server that closes in the middle of the TLS handshake is told of, and the next one is taken", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const good = await startTlsServer(t, folder);
  const { port } = await rawServer(t, (raw) => {
    raw.write('INFO {"server_id":"X","version":"2.15.2","proto":1,"max_payload":1024,"tls_required":true}\r\n');
    raw.once("data", () => raw.end());
  });
  const tls = { ca: folder.ca.cert };
  await assert.rejects(connect({ servers: `localhost:${port}`, tls }), /TLS handshake with .* failed/);
  const nc = await open(t, { servers: [`localhost:${port}`, byName(good)], noRandomize: true, tls });
  assert.equal(nc.getServer(), byName(good));
});

test("what a server says in the clear behind an INFO with TLS does not count", limit, async (t) => {
  const bad = await startFakeServer({
    script: (peer) => peer.send('INFO {"version":"2.15.2","proto":1,"max_payload":1024,"tls_required":true}\r\nPONG\r\nPONG\r\n'),
  });
  t.after(() => bad.stop());
  await assert.rejects(connect({ servers: bad.url, tls: {}, timeout: 300, user: "joe", pass: "s3cret" }), TimeoutError);
});

test("a client that comes back is under TLS again", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const server = { ...monitored, config: { tls: folder.server() } };
  const tls = { caFile: folder.path("ca.pem") };
  const line = await openLine(t, { server, client: { tls } });
  assert.equal(await isEncrypted(line.server, line.nc), true);
  await line.flap();
  assert.equal(await isEncrypted(line.server, line.nc), true);
});

test("a server that no longer offers TLS after an outage gets nothing in the clear while TLS is asked for", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const server = await startTlsServer(t, folder, {}, {}, monitored);
  const nc = await open(t, { servers: byName(server), tls: { ca: folder.ca.cert } });
  const lost = statusOf(nc, "disconnect");
  await server.terminate();
  await lost;
  nc.publish("held", "in the clear never");
  const plain = await startFakeServer({ port: server.port });
  const refusal = await soon("it is refused", nextError(nc, /does not support 'tls'/));
  assert.ok(refusal instanceof ConnectionError);
  await plain.stop();
  await server.restart();
  await nc.flush();
  assert.equal(await isEncrypted(server, nc), true);
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("reconnectJitterTLS, not reconnectJitter, is waited for behind a connection under TLS", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const tls = { caFile: folder.path("ca.pem") };
  const hours = 100 * 3_600_000;
  const secure = await openLine(t, {
    server: { config: { tls: folder.server() } },
    client: { tls, reconnectTimeWait: 0, reconnectJitter: hours, reconnectJitterTLS: 0 },
  });
  const plain = await openLine(t, { client: { reconnectTimeWait: 0, reconnectJitter: 0, reconnectJitterTLS: hours } });
  // With the other jitter this would take hours, all but certainly.
  await soon("both are back", Promise.all([secure.flap(), plain.flap()]));
});

/** Resolves with the next error of `nc.status()` that says this. */
async function nextError(nc: Awaited<ReturnType<typeof open>>, words: RegExp): Promise<Error> {
  for await (const status of nc.status()) if (status.type === "error" && words.test(status.error.message)) return status.error;
  throw new Error("the connection was closed before");
}
