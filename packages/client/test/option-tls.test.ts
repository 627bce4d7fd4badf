import assert from "node:assert/strict";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { InvalidArgumentError } from "@nats-io/nats-core";
import { resolveTls } from "../src/option-tls.ts";

function refuses(value: unknown, message: string): void {
  assert.throws(
    () => resolveTls(value),
    (error) => error instanceof InvalidArgumentError && error.message === message,
    message,
  );
}

test("null is never, undefined is as the server offers, an object is always", () => {
  assert.equal(resolveTls(null), null);
  assert.equal(resolveTls(undefined), undefined);
  assert.deepEqual(resolveTls({}), {});
});

test("true and false mean what they mean in nats.js: always, and as the server offers", () => {
  assert.deepEqual(resolveTls(true), {});
  assert.equal(resolveTls(false), undefined);
});

test("absent fields are left out, so that they cannot override a default", () => {
  assert.deepEqual(resolveTls({ rejectUnauthorized: undefined, ca: null, certFile: "", key: "", servername: "" }), {
    servername: "",
  });
});

test("unknown fields are kept for node:tls", () => {
  assert.deepEqual(resolveTls({ minVersion: "TLSv1.3", ciphers: "x" }), { minVersion: "TLSv1.3", ciphers: "x" });
});

test("bytes and lists are copied, a Buffer stays a Buffer", () => {
  const ca = [Buffer.from("one"), new Uint8Array([1, 2])];
  const key = [{ pem: Buffer.from("key"), passphrase: "p" }];
  const copy = resolveTls({ ca, key });
  for (const bytes of [...ca, ...key.map((each) => each.pem)]) {
    bytes.fill(0);
  }
  assert.deepEqual(copy, {
    ca: [Buffer.from("one"), new Uint8Array([1, 2])],
    key: [{ pem: Buffer.from("key"), passphrase: "p" }],
  });
  assert.ok(Array.isArray(copy?.ca) && Buffer.isBuffer(copy.ca[0]) && Object.isFrozen(copy.ca));
});

test("objects with a class of their own are handed through", () => {
  const secureContext = createSecureContext();
  assert.equal(resolveTls({ secureContext })?.secureContext, secureContext);
  assert.equal(Object.isFrozen(secureContext), false);
});

test("the content of a file in place of its path is refused, and not shown", () => {
  const pem = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  for (const name of ["ca", "cert", "key"]) {
    const allowed = `the path of a PEM file (tls.${name} takes its content)`;
    refuses({ [`${name}File`]: pem }, `'tls.${name}File' must be ${allowed}, but PEM text was given`);
    assert.deepEqual(resolveTls({ [name]: pem }), { [name]: pem });
  }
});

test("an object that contains itself does no harm", () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assert.ok(resolveTls({ loop }));
});

test("a wrong kind is refused, and a key is never shown", () => {
  const words = "'tls' must be an object with TLS options, or null for no TLS, but";
  refuses("s3cret", `${words} a string was given`);
  refuses(1, `${words} a number was given`);
  refuses(["s3cret"], `${words} an array was given`);
  refuses({ caFile: Buffer.from("ca.pem") }, "'tls.caFile' must be the path of a PEM file, but an object was given");
  refuses({ key: 5 }, "'tls.key' must be PEM text, or bytes or a list that node:tls takes, but a number was given");
  refuses({ rejectUnauthorized: "false" }, `'tls.rejectUnauthorized' must be true or false, but "false" was given`);
  refuses({ handshakeFirst: 1 }, "'tls.handshakeFirst' must be true or false, but 1 was given");
});
