import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { openSockets } from "../../src/testing/transport-harness.ts";
import { LinkRecorder } from "../../src/testing/transport-recorder.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import type { Endpoint, SecureOptions } from "../../src/transport/transport.ts";
import { authority, type Certificate, certificate } from "./certificates.ts";
import { tlsServer } from "./tls-server.ts";

const ca = await authority("holdfast test authority");
const stranger = await authority("somebody else");
const local = await certificate(ca, ["localhost"], ["127.0.0.1"]);
const named = await certificate(ca, ["nats.example"]);
const client = await certificate(ca, ["client.example"]);

test("tls options: a certificate of an unknown authority is refused; the error names the cause and where trust came from", async (t) => {
  const endpoint = await server(t, local);
  const file = await scratchFile(t, stranger.cert);
  await rejects(
    dial(endpoint, { ca: stranger.cert }),
    /^TLS handshake with 127\.0\.0\.1:\d+ failed: unable to verify .* of tls\.ca\)$/,
  );
  await rejects(dial(endpoint, { caFile: file }), new RegExp(`of tls\\.caFile "${file}"\\)$`));
  await rejects(dial(endpoint, {}), /authorities of the system, for neither tls\.ca nor tls\.caFile is set\)$/);
});

test("tls options: rejectUnauthorized false accepts any certificate; undefined is not false", async (t) => {
  const endpoint = await server(t, local);
  await dial(endpoint, { rejectUnauthorized: false });
  await rejects(
    dial(endpoint, { ca: stranger.cert, rejectUnauthorized: undefined, checkServerIdentity: undefined }),
    /unable to verify/,
  );
});

test("tls options: the certificate must carry tlsName", async (t) => {
  const endpoint = await server(t, named);
  await dial({ ...endpoint, tlsName: "nats.example" }, { ca: ca.cert });
  await rejects(dial({ ...endpoint, tlsName: "other.example" }, { ca: ca.cert }), /other\.example.* not .*nats\.example/);
});

test("tls options: without a tlsName the certificate must carry the address that was dialled", async (t) => {
  await dial({ ...(await server(t, local)), tlsName: "" }, { ca: ca.cert });
  await dial({ ...(await server(t, local)), tlsName: "127.0.0.1" }, { ca: ca.cert });
  await rejects(
    dial({ ...(await server(t, named)), tlsName: "" }, { ca: ca.cert }),
    /IP: 127\.0\.0\.1 is not in the cert's list/,
  );
  await rejects(
    dial({ ...(await server(t, local)), tlsName: "127.0.0.2" }, { ca: ca.cert }),
    /IP: 127\.0\.0\.2 is not in the cert's list/,
  );
});

test("tls options: the server is told a name, but never an address", async (t) => {
  const told: unknown[] = [];
  const endpoint = await server(t, local, (socket) => told.push(Reflect.get(socket, "servername")));
  for (const tlsName of ["localhost", "", "127.0.0.1"]) {
    const data = new LinkRecorder();
    await dial({ ...endpoint, tlsName }, { ca: ca.cert }, data);
    await data.until(() => data.ends.length > 0);
  }
  assert.deepEqual(told, ["localhost", false, false]);
});

test("tls options: the caller's servername wins", async (t) => {
  await dial(await server(t, named), { ca: ca.cert, servername: "nats.example" });
});

test("tls options: files are read anew for each dial", async (t) => {
  const endpoint = await server(t, local);
  const file = await scratchFile(t, stranger.cert);
  await rejects(dial(endpoint, { caFile: file }), /unable to verify/);
  await writeFile(file, ca.cert);
  await dial(endpoint, { caFile: file });
});

test("tls options: a file that cannot be read is named with its option, and the connection is closed", async (t) => {
  const endpoint = await server(t, local);
  const before = await openSockets();
  for (const option of ["caFile", "certFile", "keyFile"]) {
    await rejects(
      dial(endpoint, { ca: ca.cert, [option]: "/no/such.pem" }),
      new RegExp(`^tls\\.${option}: cannot read "/no/such.pem": no such file$`),
    );
    await rejects(
      dial(endpoint, { ca: ca.cert, [option]: tmpdir() }),
      new RegExp(`^tls\\.${option}: cannot read "${tmpdir()}": EISDIR`),
    );
  }
  assert.equal(await openSockets(), before);
});

test("tls options: a server that asks for a client's certificate gets it, from files or options, and a file wins", async (t) => {
  const names: unknown[] = [];
  const endpoint = await server(t, local, (socket) => names.push(socket.getPeerCertificate().subject?.CN), {
    ca: ca.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const certFile = await scratchFile(t, client.cert);
  const keyFile = await scratchFile(t, client.key);
  for (const options of [
    { cert: client.cert, key: client.key },
    { certFile, keyFile },
    { certFile, keyFile, cert: "no certificate", key: "no key" },
  ]) {
    const recorder = new LinkRecorder();
    await dial(endpoint, { ca: ca.cert, ...options }, recorder);
    await recorder.until(() => recorder.ends.length > 0);
  }
  assert.deepEqual(names, ["client.example", "client.example", "client.example"]);
});

test("tls options: certificates and keys that cannot be used are named, and not shown", async (t) => {
  const endpoint = await server(t, local);
  const secret = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  const file = await scratchFile(t, secret);
  await rejects(
    dial(endpoint, { ca: ca.cert, cert: client.cert, key: secret }),
    /^TLS with 127\.0\.0\.1:\d+: tls\.key cannot be used: /,
    secret,
  );
  await rejects(
    dial(endpoint, { ca: ca.cert, cert: client.cert, keyFile: file }),
    /: tls\.keyFile ".*" cannot be used: /,
    secret,
  );
  await rejects(dial(endpoint, { ca: ca.cert, cert: "nonsense", key: client.key }), /: tls\.cert cannot be used: /);
  await rejects(
    dial(endpoint, { ca: ca.cert, cert: client.cert, key: local.key }),
    /: tls\.cert with tls\.key cannot be used: .*mismatch/,
  );
  await rejects(dial(endpoint, { ca: 5 }), /: tls\.ca cannot be used: /);
});

test("tls options: what Node says about an argument of the wrong type is told without the argument", async (t) => {
  const endpoint = await server(t, local);
  await rejects(
    dial(endpoint, { ca: ca.cert, cert: client.cert, key: client.key, passphrase: 918273645546 }),
    /: tls\.key cannot be used: The "options\.passphrase" property must be of type string\.$/,
  );
});

test("tls options: node:tls' own options are passed on, and what they refuse is told", async (t) => {
  const endpoint = await server(t, local, () => {}, { minVersion: "TLSv1.3" });
  await rejects(dial(endpoint, { ca: ca.cert, maxVersion: "TLSv1.2" }), /alert protocol version/);
  await rejects(dial(endpoint, { ca: ca.cert, minVersion: "TLSv9" }), /TLSv9/);
});

test("tls options: those that belong to the socket below cannot replace it", async (t) => {
  const endpoint = await server(t, local);
  const onread = { buffer: new Uint8Array(1), callback: () => assert.fail("read past the link") };
  const recorder = new LinkRecorder();
  await dial(endpoint, { ca: ca.cert, socket: null, host: "elsewhere", port: 1, path: "/nowhere", onread }, recorder);
  await recorder.until(() => recorder.ends.length > 0);
  assert.equal(recorder.inbound.length, 2);
});

test("tls options: a check of the server's identity that throws is a refusal", async (t) => {
  const checkServerIdentity = (): undefined => {
    throw new Error("I do not like it");
  };
  const dialled = dial(await server(t, local), { ca: ca.cert, checkServerIdentity });
  await rejects(dialled, /tls\.checkServerIdentity threw: I do not like it/);
});

test("tls options: the caller's object is never written to", async (t) => {
  const endpoint = await server(t, local);
  const options = Object.freeze({ ca: ca.cert, handshakeFirst: true });
  await tcpTransport().dial(endpoint, new LinkRecorder(), { signal: new AbortController().signal, secure: options });
  assert.deepEqual(options, { ca: ca.cert, handshakeFirst: true });
});

/** A server that says "OK" and closes; `seen` gets each socket first. */
function server(
  t: TestContext,
  identity: Certificate,
  seen: (socket: TLSSocket) => void = () => {},
  more: object = {},
): Promise<Endpoint> {
  return tlsServer(t, { cert: identity.cert, key: identity.key, ...more }, (socket) => {
    seen(socket);
    socket.end("OK");
  });
}

/** `options` may be what TypeScript would not let pass. */
async function dial(
  endpoint: Endpoint,
  options: Readonly<Record<string, unknown>>,
  recorder: LinkRecorder = new LinkRecorder(),
): Promise<void> {
  const first: SecureOptions = { handshakeFirst: true };
  const { signal } = new AbortController();
  await tcpTransport().dial(endpoint, recorder, { signal, secure: Object.assign({ ...first }, options) });
}

async function rejects(dialled: Promise<void>, message: RegExp, secret: string = ""): Promise<void> {
  const error: unknown = await dialled.then(
    () => assert.fail("it was accepted"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  assert.equal(error.name, "ConnectionError");
  assert.match(error.message, message);
  if (secret !== "") assert.ok(!error.message.includes("c2VjcmV0"));
}

async function scratchFile(t: TestContext, content: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-tls-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "file.pem");
  await writeFile(file, content);
  return file;
}
