/** Whose certificate is believed, the server's and the client's, Holdfast beside the official client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthorizationError, ConnectionError, connect } from "../../src/index.ts";
import { authority, certificate } from "../transport/certificates.ts";
import { tryHoldfast, tryOfficial } from "./auth-harness.ts";
import { limit, open, openLine } from "./peers-harness.ts";
import { assertBothFailed, assertSameTlsFailure, byName, fates, startTlsServer, TlsFolder } from "./tls-harness.ts";

const monitored = { monitoring: true } as const;
const both = { ours: "tls", theirs: "tls" } as const;

test(
  "a certificate of another authority, and one that signed itself, are refused by both, and Holdfast says whom it trusts",
  limit,
  async (t) => {
    const folder = await TlsFolder.make(t);
    const other = await authority("Another authority");
    folder.put("stranger", await certificate(other, ["localhost"]));
    folder.put("self", other);
    const stranger = await startTlsServer(t, folder, folder.server("stranger"), {}, monitored);
    const self = await startTlsServer(t, folder, folder.server("self"), {}, monitored);
    const caFile = folder.path("ca.pem");
    const error = assertSameTlsFailure(
      await fates(stranger, { servers: byName(stranger), tls: { caFile } }),
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    );
    assert.ok(error.message.endsWith(`(trusted are the authorities of tls.caFile ${JSON.stringify(caFile)})`));
    const unknown = assertSameTlsFailure(await fates(self, { servers: byName(self), tls: {} }), "DEPTH_ZERO_SELF_SIGNED_CERT");
    assert.match(unknown.message, /trusted are the authorities of the system, for neither tls.ca nor tls.caFile is set/);
    // The same ones are taken once somebody vouches for them, or nobody asks.
    assert.deepEqual(await fates(stranger, { servers: byName(stranger), tls: { ca: other.cert } }), both);
    for (const server of [stranger, self]) {
      assert.deepEqual(await fates(server, { servers: byName(server), tls: { rejectUnauthorized: false } }), both);
    }
  },
);

test("a certificate that has expired is refused by both in Node's words", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  folder.put("old", await certificate(folder.ca, ["localhost"], ["127.0.0.1"], new Date(Date.now() - 3_600_000)));
  const server = await startTlsServer(t, folder, folder.server("old"), {}, monitored);
  const tls = { ca: folder.ca.cert };
  assertSameTlsFailure(await fates(server, { servers: byName(server), tls }), "CERT_HAS_EXPIRED");
  assert.deepEqual(await fates(server, { servers: byName(server), tls: { rejectUnauthorized: false } }), both);
});

test("a certificate for another name is refused by both when the server was called by a name", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  folder.put("other", await certificate(folder.ca, ["other.example"]));
  folder.put("ip", await certificate(folder.ca, [], ["127.0.0.1"]));
  const tls = { ca: folder.ca.cert };
  for (const name of ["other", "ip"]) {
    const server = await startTlsServer(t, folder, folder.server(name), {}, monitored);
    const error = assertSameTlsFailure(await fates(server, { servers: byName(server), tls }), "ERR_TLS_CERT_ALTNAME_INVALID");
    assert.match(error.message, /Host: localhost\. is not/);
    // The name may be given apart from the address, as Node's own option.
    const named = { ...tls, servername: "other.example" };
    if (name === "other") assert.deepEqual(await fates(server, { servers: byName(server), tls: named }), both);
  }
});

test(
  "a server that was called by its IP address must have a certificate for it, where nats.js wants one for localhost",
  limit,
  async (t) => {
    const folder = await TlsFolder.make(t);
    folder.put("name", await certificate(folder.ca, ["localhost"]));
    folder.put("ip", await certificate(folder.ca, [], ["127.0.0.1"]));
    const tls = { ca: folder.ca.cert };
    const ip = await startTlsServer(t, folder, folder.server("ip"), {}, monitored);
    const named = await startTlsServer(t, folder, folder.server("name"), {}, monitored);
    const ofIp = await fates(ip, { servers: ip.url, tls });
    assert.equal(ofIp.ours, "tls");
    assert.match(String(ofIp.theirs), /Host: localhost\. is not/);
    const ofName = await fates(named, { servers: named.url, tls });
    assert.equal(ofName.theirs, "tls");
    assert.ok(ofName.ours instanceof ConnectionError);
    assert.match(ofName.ours.message, /IP: 127\.0\.0\.1 is not in the cert's list/);
    // One for both is good for both.
    const usual = await startTlsServer(t, folder, {}, {}, monitored);
    assert.deepEqual(await fates(usual, { servers: usual.url, tls }), both);
  },
);

test("checkServerIdentity of the user decides, and one that throws refuses", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  folder.put("other", await certificate(folder.ca, ["other.example"]));
  const server = await startTlsServer(t, folder, folder.server("other"), {}, monitored);
  const checkedBy = (checkServerIdentity: () => Error | undefined) => ({ ca: folder.ca.cert, checkServerIdentity });
  assert.deepEqual(await fates(server, { servers: byName(server), tls: checkedBy(() => undefined) }), both);
  const refusal = assertBothFailed(
    await fates(server, { servers: byName(server), tls: checkedBy(() => new Error("not this one")) }),
  );
  assert.match(refusal.ours.message, /not this one/);
  assert.match(refusal.theirs.message, /not this one/);
  const throwing = (): never => {
    throw new Error("the list is gone");
  };
  await assert.rejects(
    connect({ servers: byName(server), tls: checkedBy(throwing) }),
    /tls.checkServerIdentity threw: the list is gone/,
  );
});

test("a server that verifies clients takes one with a certificate of its authority, as PEM and as files", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  const made = await certificate(folder.ca, ["client.example"]);
  folder.put("client", made);
  const server = await startTlsServer(t, folder, { ca_file: folder.path("ca.pem"), verify: true }, {}, monitored);
  const servers = byName(server);
  const { cert: ca } = folder.ca;
  assert.deepEqual(await fates(server, { servers, tls: folder.client("client") }), both);
  assert.deepEqual(await fates(server, { servers, tls: { ca, cert: made.cert, key: made.key } }), both);
  // As in nats.js a file counts more than the text of the same name.
  assert.deepEqual(await fates(server, { servers, tls: { ...folder.client("client"), cert: "x", key: "y", ca: "z" } }), both);
});

test(
  "a server that verifies clients refuses one without a certificate at once, where nats.js waits for its timeout",
  limit,
  async (t) => {
    const folder = await TlsFolder.make(t);
    const other = await authority("Another authority");
    folder.put("stranger", await certificate(other, ["client.example"]));
    folder.put("old", await certificate(folder.ca, ["client.example"], [], new Date(Date.now() - 3_600_000)));
    const server = await startTlsServer(t, folder, { ca_file: folder.path("ca.pem"), verify: true });
    const servers = byName(server);
    for (const tls of [{ ca: folder.ca.cert }, folder.client("stranger"), folder.client("old")]) {
      await assert.rejects(connect({ servers, tls, timeout: 30_000 }), (error) => {
        assert.ok(error instanceof ConnectionError, String(error));
        // With TLS 1.3 the alert comes behind our CONNECT, and a reset may overtake it.
        assert.match(
          error.message,
          /alert (certificate required|unknown ca|bad certificate|certificate expired)|ECONNRESET|EPIPE|no PONG/,
        );
        return true;
      });
    }
    const theirs = await tryOfficial({ servers, tls: { ca: folder.ca.cert }, timeout: 300 });
    assert.equal(theirs?.name, "TimeoutError");
  },
);

test("certificates that cannot be used make connect() reject with a ConnectionError that names the option", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  folder.put("client", await certificate(folder.ca, ["client.example"]));
  folder.put("second", await certificate(folder.ca, ["client.example"]));
  folder.write("garbage.pem", "this is no PEM");
  const server = await startTlsServer(t, folder, {}, {}, monitored);
  const good = folder.client("client");
  const { cert: ca } = folder.ca;
  const cases: readonly [tls: object, words: RegExp][] = [
    [{ ...good, certFile: folder.path("nobody.cert") }, /^tls\.certFile: cannot read ".*nobody\.cert": no such file$/],
    [{ ...good, keyFile: folder.path("nobody.key") }, /^tls\.keyFile: cannot read ".*nobody\.key": no such file$/],
    [{ ...good, caFile: folder.path("nobody.pem") }, /^tls\.caFile: cannot read ".*nobody\.pem": no such file$/],
    [
      { ...good, keyFile: folder.path("second.key") },
      /tls\.certFile ".*client\.cert" with tls\.keyFile ".*second\.key" cannot be used: key values mismatch/,
    ],
    [{ ...good, certFile: folder.path("garbage.pem") }, /tls\.certFile ".*garbage\.pem" cannot be used: no start line/],
    [{ ca, cert: "x", key: "y" }, /tls\.cert cannot be used: no start line/],
  ];
  for (const [tls, words] of cases) {
    const { ours, theirs } = assertBothFailed(await fates(server, { servers: byName(server), tls }));
    assert.match(ours.message, words);
    assert.equal(theirs.name, "ConnectionError");
  }
});

test("with verify_and_map the name in the client's certificate is its user, with that user's permissions", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  folder.put("worker", await certificate(folder.ca, ["worker.example"]));
  folder.put("nobody", await certificate(folder.ca, ["nobody.example"]));
  const tls = { ...folder.server(), ca_file: folder.path("ca.pem"), verify_and_map: true };
  const authorization = { users: [{ user: "worker.example", permissions: { publish: { allow: ["work.>"] } } }] };
  const line = await openLine(t, { server: { config: { tls, authorization } }, client: { tls: folder.client("worker") } });
  const { nc, server } = line;
  for (const round of [1, 2]) {
    nc.publish("work.1", "");
    nc.publish("rest.1", "");
    await nc.flush();
    await line.handedBack();
    assert.equal(nc.outbound.counts().confirmed, round);
    assert.deepEqual(
      line.undelivered.map(({ subject, state }) => `${subject} ${state}`),
      Array(round).fill("rest.1 rejected"),
    );
    if (round === 1) await line.flap();
  }
  const options = { servers: byName(server), tls: folder.client("nobody") };
  const ours = await tryHoldfast(options);
  assert.deepEqual(ours, await tryOfficial(options));
  assert.equal(ours?.name, "AuthorizationError");
  await assert.rejects(open(t, options), AuthorizationError);
});

test("Node's own TLS options are passed on: the version of TLS", limit, async (t) => {
  const folder = await TlsFolder.make(t);
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const tls = { ca: folder.ca.cert, minVersion: version, maxVersion: version };
    const line = await openLine(t, { server: { ...monitored, config: { tls: folder.server() } }, client: { tls } });
    const { connections } = await line.server.connz();
    assert.ok(Array.isArray(connections));
    assert.equal(`TLSv${connections[0]?.tls_version}`, version);
  }
});
