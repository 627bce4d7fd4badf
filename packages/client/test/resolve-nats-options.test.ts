import assert from "node:assert/strict";
import { test } from "node:test";
import { type Authenticator, InvalidArgumentError } from "@nats-io/nats-core";
import { type ConnectionOptions as ParsedOptions, parseOptions } from "@nats-io/nats-core/internal";
import fc from "fast-check";
import { resolveOptions } from "../src/resolve-options.ts";

/** Asserts that these options are refused with nats-core's error, that it says all of this and nothing of `secret`. */
function refusesSaying(options: unknown, ...parts: string[]): void {
  assert.throws(
    () => resolveOptions(options),
    (error) => {
      assert.ok(error instanceof InvalidArgumentError, String(error));
      for (const part of parts) {
        assert.ok(error.message.includes(part), `${JSON.stringify(part)} is not in: ${error.message}`);
      }
      assert.ok(!error.message.includes("s3cret"), `a secret is in: ${error.message}`);
      return true;
    },
  );
}

/** What both sides resolve to plain values. nats-core leaves some defaults to where the option is used. */
function comparable(options: object): Readonly<Record<string, unknown>> {
  const all: Readonly<Record<string, unknown>> = { ...options };
  const flags = ["noRandomize", "ignoreClusterUpdates", "reconnect", "waitOnFirstConnect", "ignoreAuthErrorAbort"];
  const more = ["verbose", "pedantic", "noEcho", "debug", "noAsyncTraces"];
  return {
    ...Object.fromEntries([...flags, ...more].map((name) => [name, Boolean(all[name])])),
    ...Object.fromEntries(["reconnectTimeWait", "reconnectJitter", "reconnectJitterTLS"].map((name) => [name, all[name]])),
    servers: all.servers,
    timeout: all.timeout || 20_000,
    pingInterval: all.pingInterval || 120_000,
    maxPingOut: all.maxPingOut || 2,
    name: all.name || undefined,
    inboxPrefix: all.inboxPrefix || "_INBOX",
    tls: all.tls,
  };
}

test("without options, the defaults are nats-core's, except that servers are never given up", () => {
  const theirs = parseOptions();
  assert.deepEqual(comparable(resolveOptions()), comparable(theirs));
  assert.equal(theirs.maxReconnectAttempts, 10);
  assert.equal(resolveOptions().maxReconnectAttempts, -1);
  assert.equal(resolveOptions().resolve, true);
});

test("whatever nats-core makes of well-typed options, we make the same", () => {
  const flag = fc.boolean();
  const time = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true }));
  const valid = fc.record(
    {
      servers: fc.oneof(fc.constant("a"), fc.constant(""), fc.array(fc.constantFrom("a:1", "nats://b", "tls://c:3"))),
      debug: flag,
      ignoreAuthErrorAbort: flag,
      ignoreClusterUpdates: flag,
      noAsyncTraces: flag,
      noEcho: flag,
      noRandomize: flag,
      pedantic: flag,
      reconnect: flag,
      verbose: flag,
      waitOnFirstConnect: flag,
      inboxPrefix: fc.constantFrom("", "_ME", "a.b"),
      maxPingOut: fc.nat(),
      name: fc.string(),
      pingInterval: time,
      reconnectJitter: time,
      reconnectJitterTLS: time,
      reconnectTimeWait: time,
      timeout: time,
      tls: fc.constantFrom(null, {}),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(valid, (options) => {
      const theirs: ParsedOptions = structuredClone(options);
      assert.deepEqual(comparable(resolveOptions(options)), comparable(parseOptions(theirs)));
    }),
    { numRuns: 2_000 },
  );
});

test("undefined, null and the empty string are absent", () => {
  const names = [
    "debug",
    "inboxPrefix",
    "maxPingOut",
    "maxReconnectAttempts",
    "name",
    "pass",
    "pingInterval",
    "port",
    "reconnect",
  ];
  const more = [
    "reconnectDelayHandler",
    "reconnectTimeWait",
    "reconnectToServer",
    "resolve",
    "servers",
    "timeout",
    "token",
    "user",
  ];
  for (const absent of [undefined, null, ""]) {
    const given = Object.fromEntries([...names, ...more, "authenticator"].map((name) => [name, absent]));
    assert.deepEqual({ ...resolveOptions(given), authenticator: 0 }, { ...resolveOptions(), authenticator: 0 });
    assert.equal(
      resolveOptions(given).authenticator("nonce"),
      undefined === absent ? resolveOptions().authenticator() : undefined,
    );
  }
});

test("servers may be one text, a list, or absent", () => {
  assert.deepEqual(resolveOptions({ servers: "a:1" }).servers, ["a:1"]);
  assert.deepEqual(resolveOptions({ servers: ["a:1", "b"] }).servers, ["a:1", "b"]);
  assert.deepEqual(resolveOptions({ servers: [] }).servers, ["127.0.0.1:4222"]);
  assert.deepEqual(resolveOptions({ port: 4333 }).servers, ["127.0.0.1:4333"]);
  assert.deepEqual(resolveOptions({ servers: [], port: "4333" }).servers, ["127.0.0.1:4333"]);
  assert.deepEqual(resolveOptions({ servers: "a:1", port: 0 }).servers, ["a:1"]);
});

test("servers and port are also read from a prototype, as nats.js does; other options are not", () => {
  const resolved = resolveOptions(Object.create({ servers: "a:1", name: "inherited" }));
  assert.deepEqual(resolved.servers, ["a:1"]);
  assert.equal(resolved.name, undefined);
});

test("servers together with port is refused in nats-core's words", () => {
  refusesSaying({ servers: "a", port: 4222 }, "'servers','port' are mutually exclusive");
});

test("a server that is not a text, or blank, is refused with its place in the list", () => {
  refusesSaying({ servers: 4222 }, "'servers' must be a string", "4222 was given");
  refusesSaying({ servers: { host: "a" } }, "'servers'", "an object was given");
  refusesSaying({ servers: "  " }, "'servers'", '"  " was given');
  refusesSaying({ servers: ["a", ""] }, "'servers[1]'", '"" was given');
  refusesSaying({ servers: ["a", undefined] }, "'servers[1]'", "undefined was given");
  refusesSaying({ servers: new Array(2) }, "'servers[0]'", "undefined was given");
});

test("a websocket address is refused with a pointer to wsconnect, and without the password in it", () => {
  const words = ["'servers' node client doesn't support websockets, use the 'wsconnect' function instead"];
  refusesSaying({ servers: "ws://localhost:8080" }, ...words, '"ws://localhost:8080" was given');
  refusesSaying({ servers: ["a", " WSS://me:s3cret/@s3cret@host"] }, ...words, "WSS://***@host");
});

test("a port that cannot be is refused", () => {
  for (const port of [-1, 65_536, 1.5, Number.NaN, "http", true]) {
    refusesSaying({ port }, "'port' must be a whole number from 1 to 65535");
  }
});

test("numbers that nats.js would misunderstand without a word are refused", () => {
  const names = ["timeout", "pingInterval", "reconnectTimeWait", "reconnectJitter", "reconnectJitterTLS"];
  for (const name of names) {
    for (const value of ["abc", "12px", Number.NaN, -1, Infinity, true, {}, [5], 5n]) {
      refusesSaying({ [name]: value }, `'${name}' must be a finite number of milliseconds from 0`);
    }
  }
  for (const maxPingOut of [-1, 1.5, Number.NaN, "two", false]) {
    refusesSaying({ maxPingOut }, "'maxPingOut' must be a whole number from 0 (0 for the default), or Infinity");
  }
  for (const maxReconnectAttempts of [-2, -0.5, Number.NaN, -Infinity, "forever", true]) {
    refusesSaying({ maxReconnectAttempts }, "'maxReconnectAttempts' must be a number from 0, or -1 for no limit");
  }
});

test("numbers that nats.js works with are taken, a zero as its default where nats.js does so", () => {
  const zero = resolveOptions({ timeout: 0, pingInterval: 0, maxPingOut: 0, reconnectTimeWait: 0, reconnectJitter: -0 });
  assert.deepEqual([zero.timeout, zero.pingInterval, zero.maxPingOut], [20_000, 120_000, 2]);
  assert.deepEqual([zero.reconnectTimeWait, zero.reconnectJitter], [0, 0]);
  const texts = resolveOptions({ timeout: "1500", pingInterval: " 0.5 ", maxReconnectAttempts: "-1", maxPingOut: "3" });
  assert.deepEqual([texts.timeout, texts.pingInterval, texts.maxReconnectAttempts, texts.maxPingOut], [1500, 0.5, -1, 3]);
  assert.equal(resolveOptions({ maxPingOut: Infinity }).maxPingOut, Infinity);
  for (const [given, expected] of [
    [0, 0],
    [2.5, 2.5],
    [-1, -1],
    [Infinity, -1],
  ]) {
    assert.equal(resolveOptions({ maxReconnectAttempts: given }).maxReconnectAttempts, expected);
  }
});

test("flags take 1 and 0, but no words", () => {
  assert.equal(resolveOptions({ noEcho: 1 }).noEcho, true);
  assert.equal(resolveOptions({ reconnect: 0 }).reconnect, false);
  refusesSaying({ reconnect: "false" }, "'reconnect' must be true or false", '"false" was given');
  refusesSaying({ verbose: {} }, "'verbose' must be true or false", "an object was given");
});

test("functions are functions", () => {
  const reconnectDelayHandler = () => 5;
  const reconnectToServer = () => null;
  const resolved = resolveOptions({ reconnectDelayHandler, reconnectToServer });
  assert.equal(resolved.reconnectDelayHandler, reconnectDelayHandler);
  assert.equal(resolved.reconnectToServer, reconnectToServer);
  refusesSaying({ reconnectDelayHandler: 5 }, "'reconnectDelayHandler' must be a function, but a number was given");
  refusesSaying({ reconnectToServer: {} }, "'reconnectToServer' must be a function, but an object was given");
});

test("authenticators, token, user and password are combined in nats-core's order", () => {
  const nonces: unknown[] = [];
  const first: Authenticator = (nonce) => {
    nonces.push(nonce);
    return { user: "first", pass: "first" };
  };
  const options = { authenticator: [first, () => ({ jwt: "j" })], token: "t", user: "u", pass: () => "p" };
  assert.deepEqual(resolveOptions(options).authenticator("abc"), { user: "u", pass: "p", jwt: "j", auth_token: "t" });
  assert.deepEqual(nonces, ["abc"]);
  assert.deepEqual(resolveOptions({ authenticator: first }).authenticator(), { user: "first", pass: "first" });
});

test("credentials may be functions, called at every dial", () => {
  let n = 0;
  const { authenticator } = resolveOptions({ token: () => `t${++n}` });
  assert.deepEqual([authenticator(), authenticator()], [{ auth_token: "t1" }, { auth_token: "t2" }]);
});

test("without credentials, or with a password alone, nothing is presented", () => {
  assert.equal(resolveOptions().authenticator("nonce"), undefined);
  assert.equal(resolveOptions({ pass: "p" }).authenticator("nonce"), undefined);
  assert.equal(resolveOptions({ authenticator: [] }).authenticator("nonce"), undefined);
  assert.deepEqual(resolveOptions({ user: "u" }).authenticator("nonce"), { user: "u", pass: undefined });
});

test("an authenticator that is no function is refused, and not shown", () => {
  refusesSaying(
    { authenticator: "s3cret" },
    "'authenticator' must be a function or an array of functions, but a string was given",
  );
  refusesSaying(
    { authenticator: [() => {}, { token: "s3cret" }] },
    "'authenticator[1]' must be a function, but an object was given",
  );
});

test("credentials of a wrong kind are refused, and not shown", () => {
  for (const name of ["token", "user", "pass"]) {
    const words = `'${name}' must be a string, or a function that returns one, but`;
    refusesSaying({ [name]: ["s3cret"] }, `${words} an array was given`);
    refusesSaying({ [name]: 53 }, `${words} a number was given`);
  }
});

test("an inbox prefix with a wildcard is refused in nats-core's words, with our option's name", () => {
  refusesSaying({ inboxPrefix: "_inbox.foo.>" }, "'inboxPrefix'", "'prefix' cannot have wildcards ('_inbox.foo.>')");
  refusesSaying({ inboxPrefix: "a.*.b" }, "'inboxPrefix'", "'prefix' cannot have wildcards");
});

test("an inbox prefix that no server takes is refused", () => {
  for (const inboxPrefix of ["a b", "a\r\nPUB x 0", "a\tb", "a\0", ".", "a.", "a..b", 5, {}, true]) {
    refusesSaying({ inboxPrefix }, "'inboxPrefix' must be a subject prefix");
  }
});

test("a name is a string", () => {
  assert.equal(resolveOptions({ name: "me" }).name, "me");
  refusesSaying({ name: 5 }, "'name' must be a string, but 5 was given");
});
