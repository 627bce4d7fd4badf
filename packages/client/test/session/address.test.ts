import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import fc from "fast-check";
import { addressOfIp, credentialsIn, isIp, parseAddress, withoutCredentials } from "../../src/session/address.ts";

// Not exported by nats-core, and what it makes of a text is the reference here.
const require = createRequire(import.meta.url);
const { hostPort }: { hostPort(text: string): unknown } = require(
  join(dirname(require.resolve("@nats-io/nats-core")), "servers.js"),
);

const forms: readonly [text: string, hostname: string, port: number, listen: string][] = [
  ["demo.nats.io", "demo.nats.io", 4222, "demo.nats.io:4222"],
  ["demo.nats.io:80", "demo.nats.io", 80, "demo.nats.io:80"],
  ["localhost", "localhost", 4222, "localhost:4222"],
  ["LocalHost:4443", "localhost", 4443, "localhost:4443"],
  ["nats://localhost:443", "localhost", 443, "localhost:443"],
  ["tls://127.0.0.1", "127.0.0.1", 4222, "127.0.0.1:4222"],
  ["  nats://127.0.0.1:5222 ", "127.0.0.1", 5222, "127.0.0.1:5222"],
  ["::1", "::1", 4222, "[::1]:4222"],
  ["[::1]:4443", "::1", 4443, "[::1]:4443"],
  ["nats://[2001:db8:0:0:0:0:0:1]:80", "2001:db8::1", 80, "[2001:db8::1]:80"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", 4222, "[2001:db8:1:2:3:4:5:6]:4222"],
  ["::ffff:35.234.43.228", "35.234.43.228", 4222, "35.234.43.228:4222"],
  ["[::FFFF:35.234.43.228]:4443", "35.234.43.228", 4443, "35.234.43.228:4443"],
  ["nats://demo.nats.io:4222/a/path?x=1", "demo.nats.io", 4222, "demo.nats.io:4222"],
];

for (const [text, hostname, port, listen] of forms) {
  test(`"${text}" is read as nats-core reads it`, () => {
    assert.deepEqual(parseAddress(text), { hostname, port, listen });
    assert.deepEqual(parseAddress(text), hostPort(text));
  });
}

test("any host, scheme and port are read as nats-core reads them", () => {
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((ip) => `[${ip}]`),
  );
  const scheme = fc.constantFrom("", "nats://", "tls://", "NATS://");
  const port = fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined });
  fc.assert(
    fc.property(scheme, host, port, (before, name, number) => {
      const text = `${before}${name}${number === undefined ? "" : `:${number}`}`;
      assert.deepEqual(parseAddress(text), hostPort(text));
    }),
  );
});

test("user and password are no part of the address, whatever characters they have", () => {
  const secret = fc.string({ minLength: 1 }).filter((text) => text.trim() === text && !text.includes("\n"));
  fc.assert(
    fc.property(secret, secret, (user, password) => {
      assert.equal(parseAddress(`nats://${user}:${password}@localhost:4443`).listen, "localhost:4443");
    }),
  );
});

for (const text of ["", "   ", "nats://", "a b", "host:port", "host:99999", "[::1", "nats://:4222"]) {
  test(`"${text}" is refused with an error that shows it`, () => {
    assert.throws(
      () => parseAddress(text),
      (error: unknown) => {
        assert.ok(error instanceof InvalidArgumentError);
        assert.match(error.message, /^'servers' has an entry that is not host:port: /);
        assert.ok(error.message.includes(`"${text.trim()}"`));
        return true;
      },
    );
  });
}

test("an error about a server shows no credentials", () => {
  for (const text of ["nats://user:s3cret@bad host", "s3cret@bad host", "nats://user:s3/cr@s3cret@bad host"]) {
    assert.throws(
      () => parseAddress(text),
      (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.ok(!JSON.stringify([error.message, error.stack, Object.values(error), error.cause]).includes("s3"), error.message);
        return true;
      },
    );
  }
});

test("credentials are taken out of the text that users see", () => {
  assert.equal(withoutCredentials("nats://user:pass@demo.nats.io:4222"), "nats://demo.nats.io:4222");
  assert.equal(withoutCredentials("token@demo.nats.io"), "demo.nats.io");
  assert.equal(withoutCredentials("demo.nats.io:4222"), "demo.nats.io:4222");
});

test("user and password, or a token, are read from a server's text", () => {
  assert.deepEqual(credentialsIn("nats://user:pass@demo.nats.io:4222"), { user: "user", pass: "pass" });
  assert.deepEqual(credentialsIn(" user:@demo.nats.io "), { user: "user", pass: "" });
  assert.deepEqual(credentialsIn("tls://token@demo.nats.io"), { auth_token: "token" });
  assert.deepEqual(credentialsIn("nats://a%40b:c%3Ad@host"), { user: "a@b", pass: "c:d" });
  for (const text of ["demo.nats.io", "nats://demo.nats.io:4222", "nats://[::1]:4222", "nats://@host"]) {
    assert.equal(credentialsIn(text), undefined, text);
  }
});

test("any password that needs no encoding, and every encoded one, is read as it was", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (user, pass) => {
      const url = `nats://${encodeURIComponent(user)}:${encodeURIComponent(pass)}@host`;
      assert.deepEqual(credentialsIn(url), { user, pass });
    }),
  );
  for (const pass of ["50%", "%zz", "a/b", "a@b", "a:b", "a://b"]) {
    assert.deepEqual(credentialsIn(`nats://user:${pass}@host`), { user: "user", pass });
  }
});

test("an IP address is told from a name as node:net tells it", () => {
  const name = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom("1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4x", "localhost"),
  );
  fc.assert(fc.property(name, (text) => assert.equal(isIp(text), isIP(text) !== 0)));
});

test("a resolved address shows with its port, IPv6 in brackets", () => {
  assert.deepEqual(addressOfIp("10.0.0.1", 80), { hostname: "10.0.0.1", port: 80, listen: "10.0.0.1:80" });
  assert.deepEqual(addressOfIp("fe80::1", 4222), { hostname: "fe80::1", port: 4222, listen: "[fe80::1]:4222" });
});
