import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ConnectionError } from "@nats-io/nats-core";
import { type NatsServer, serverVersionAtLeast, startFakeServer, startNatsServer } from "../../src/testing/index.ts";
import { authority, type Certificate, certificate } from "../transport/certificates.ts";
import { rejection } from "./harness.ts";
import { connectOnce, RealWorld } from "./real-world.ts";

describe("TLS with a real server", () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-session-tls-"));
  const file = (name: string): string => join(directory, name);
  let ca: Certificate;

  before(async () => {
    ca = await authority("Holdfast test authority");
    const { cert, key } = await certificate(ca, ["localhost"]);
    writeFileSync(file("ca"), ca.cert);
    writeFileSync(file("cert"), cert);
    writeFileSync(file("key"), key);
  });

  after(() => rmSync(directory, { recursive: true }));

  /** A server whose certificate is good for the name localhost only. */
  function start(tls: Readonly<Record<string, string | boolean>> = {}): Promise<NatsServer> {
    return startNatsServer({ config: { tls: { cert_file: file("cert"), key_file: file("key"), ...tls } } });
  }

  test("the certificate is checked against the name that was dialled and the authority that was given", async () => {
    await using server = await start();
    await connectOnce({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } });
    await connectOnce({ servers: `localhost:${server.port}`, tls: { caFile: file("ca") } });
  });

  test("a certificate of nobody we know is refused, and told", async () => {
    await using server = await start();
    await using world = new RealWorld({ servers: `localhost:${server.port}` });
    const error = await rejection(world.connect());
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /TLS/);
    assert.equal(world.host.errors.length, 1);
  });

  test("a certificate for another name is refused", async () => {
    await using server = await start();
    const error = await rejection(connectOnce({ servers: `127.0.0.1:${server.port}`, tls: { ca: ca.cert } }));
    assert.match(error.message, /127\.0\.0\.1/);
  });

  test("without checking, any certificate will do", async () => {
    await using server = await start();
    await connectOnce({ servers: `127.0.0.1:${server.port}`, tls: { rejectUnauthorized: false } });
  });

  test("a server that begins with TLS needs handshakeFirst", async (t) => {
    await using plain = await start();
    if (!serverVersionAtLeast(plain.version, "2.10.4")) return t.skip("handshake_first needs nats-server 2.10.4");
    await using server = await start({ handshake_first: true });
    await connectOnce({ servers: `localhost:${server.port}`, tls: { ca: ca.cert, handshakeFirst: true } });
    await rejection(connectOnce({ servers: `localhost:${server.port}`, tls: { ca: ca.cert }, timeout: 500 }));
  });

  test("tls: null never uses TLS: a server that requires it is refused", async () => {
    await using server = await start();
    const error = await rejection(connectOnce({ servers: `localhost:${server.port}`, tls: null }));
    assert.match(error.message, /requires 'tls'/);
  });

  test("a server without TLS is refused when TLS is wanted, and gets no credentials", async () => {
    await using server = await startFakeServer();
    const connection = server.nextConnection();
    const error = await rejection(connectOnce({ servers: server.url, tls: {}, user: "joe", pass: "s3cret" }));
    assert.equal(error.message, "server does not support 'tls'");
    assert.deepEqual((await connection).commands, []);
  });

  test("a lost connection comes back under TLS", async () => {
    await using server = await start();
    await using world = new RealWorld({ servers: `localhost:${server.port}`, tls: { ca: ca.cert } });
    await world.connect();
    await server.kill();
    await world.told("disconnect");
    await server.restart();
    await world.told("reconnect");
    assert.equal(world.session.info?.tls_required, true);
  });
});
