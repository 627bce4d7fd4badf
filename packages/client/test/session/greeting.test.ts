import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildAuthenticator, ConnectionError, type ServerInfo } from "@nats-io/nats-core";
import { parseInfo } from "../../src/protocol/info.ts";
import { connectLine, type GreetingOptions, LANG, tlsFor, VERSION } from "../../src/session/greeting.ts";

const plain: GreetingOptions = {
  tls: undefined,
  noEcho: false,
  verbose: false,
  pedantic: false,
  name: undefined,
  authenticator: () => undefined,
};

function infoWith(members: object): ServerInfo {
  return parseInfo(JSON.stringify({ version: "2.15.2", proto: 1, max_payload: 1024, headers: true, ...members }));
}

function sent(info: ServerInfo, options: GreetingOptions): unknown {
  const line = Buffer.from(connectLine(info, options)).toString();
  assert.match(line, /^CONNECT \{.*\}\r\n$/);
  return JSON.parse(line.slice("CONNECT ".length));
}

const usual = { protocol: 1, version: VERSION, lang: LANG, verbose: false, pedantic: false, headers: true, no_responders: true };

test("CONNECT says who we are and what we understand", () => {
  assert.deepEqual(sent(infoWith({}), plain), usual);
});

test("CONNECT carries the options that the server acts on", () => {
  const options = { ...plain, noEcho: true, verbose: true, pedantic: true, name: "worker 7", tls: {} };
  const expected = { ...usual, echo: false, verbose: true, pedantic: true, name: "worker 7", tls_required: true };
  assert.deepEqual(sent(infoWith({ tls_required: true }), options), expected);
});

test("CONNECT asks for no-responders notices only where the server has headers", () => {
  const { headers: _headers, no_responders: _notices, ...rest } = usual;
  assert.deepEqual(sent(infoWith({ headers: undefined }), plain), rest);
});

test("CONNECT carries the authenticator's answer to the nonce", () => {
  const options: GreetingOptions = { ...plain, authenticator: (nonce) => ({ nkey: "U1", sig: `signed ${nonce}` }) };
  assert.deepEqual(sent(infoWith({ nonce: "n0" }), options), { ...usual, nkey: "U1", sig: "signed n0" });
});

test("credentials of the URL are used where the authenticator has no answer", () => {
  const fromUrl = { user: "u", pass: "p" };
  const send = (authenticator: GreetingOptions["authenticator"]): unknown =>
    JSON.parse(
      Buffer.from(connectLine(infoWith({}), { ...plain, authenticator }, fromUrl))
        .toString()
        .slice("CONNECT ".length),
    );
  assert.deepEqual(
    send(() => undefined),
    { ...usual, ...fromUrl },
  );
  assert.deepEqual(send(buildAuthenticator({ authenticator: [() => undefined] })), { ...usual, ...fromUrl });
  assert.deepEqual(
    send(() => ({ auth_token: "t" })),
    { ...usual, auth_token: "t" },
  );
});

test("what the authenticator throws comes out", () => {
  const error = new Error("no key today");
  const options: GreetingOptions = {
    ...plain,
    authenticator: () => {
      throw error;
    },
  };
  assert.throws(() => connectLine(infoWith({}), options), error);
});

const offers: readonly [offer: object, tls: GreetingOptions["tls"], expected: object | undefined | RegExp][] = [
  [{}, undefined, undefined],
  [{}, null, undefined],
  [{}, {}, /^server does not support 'tls'$/],
  [{ tls_available: true }, undefined, {}],
  [{ tls_available: true }, null, undefined],
  [{ tls_available: true }, { ca: "PEM" }, { ca: "PEM" }],
  [{ tls_required: true }, undefined, {}],
  [{ tls_required: true }, null, /^server requires 'tls', and the option 'tls' is null/],
  [{ tls_required: true }, { ca: "PEM" }, { ca: "PEM" }],
];

for (const [offer, tls, expected] of offers) {
  test(`TLS with ${JSON.stringify(offer)} and the option ${JSON.stringify(tls)}`, () => {
    const decide = (): unknown => tlsFor(infoWith(offer), { ...plain, tls }, false);
    if (expected instanceof RegExp) {
      assert.throws(decide, (error: unknown) => error instanceof ConnectionError && expected.test(error.message));
    } else {
      assert.deepEqual(decide(), expected);
    }
  });
}

test("a connection that is under TLS already is not upgraded, whatever the INFO says", () => {
  assert.equal(tlsFor(infoWith({}), { ...plain, tls: { handshakeFirst: true } }, true), undefined);
  assert.equal(tlsFor(infoWith({ tls_required: true }), { ...plain, tls: { handshakeFirst: true } }, true), undefined);
});

for (const proto of [0, undefined]) {
  test(`noEcho with a server of protocol ${proto} is refused`, () => {
    assert.throws(
      () => tlsFor(infoWith({ proto }), { ...plain, noEcho: true }, false),
      new ConnectionError("server does not support 'noEcho'"),
    );
    assert.equal(tlsFor(infoWith({ proto }), plain, false), undefined);
  });
}

test("the version in CONNECT is the package's", () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.ok(typeof manifest === "object" && manifest !== null && "version" in manifest);
  assert.equal(VERSION, manifest.version);
});
