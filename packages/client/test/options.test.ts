import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import fc from "fast-check";
import type { ResolvedOptions } from "../src/options.ts";
import { resolveOptions } from "../src/resolve-options.ts";

/** Freezes everything that can be frozen, however deep, cycles included. */
function deepFreeze(value: unknown, seen: Set<unknown> = new Set()): void {
  if (typeof value !== "object" || value === null || seen.has(value)) {
    return;
  }
  seen.add(value);
  if (!ArrayBuffer.isView(value)) {
    Object.freeze(value); // bytes cannot be frozen
  }
  for (const key of Reflect.ownKeys(value)) {
    deepFreeze(Reflect.get(value, key), seen);
  }
}

/** What can be changed in `value`: each mutable object with its path. Bytes cannot be frozen, and functions are the caller's own. */
function mutableParts(value: unknown, path = "options"): string[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) {
    return [];
  }
  const inner = Reflect.ownKeys(value).flatMap((key) => mutableParts(Reflect.get(value, key), `${path}.${String(key)}`));
  return Object.isFrozen(value) ? inner : [path, ...inner];
}

const everything = () => ({
  servers: ["a:1", "b:2"],
  authenticator: [() => ({ user: "a" }), () => ({ pass: "b" })],
  tls: { ca: ["one", Buffer.from("two")], key: [{ pem: "k", passphrase: "p" }], handshakeFirst: true },
  reconnectBuffer: { maxBytes: 10, maxMessages: 20, maxAge: 30, whenFull: "drop-oldest" },
  maxQueued: { maxBytes: 40, maxMessages: 50 },
  onUndelivered: () => {},
  inboxPrefix: "_me",
  pingInterval: 0,
});

test("deeply frozen options are read and not written to", () => {
  const options = everything();
  deepFreeze(options);
  const resolved = resolveOptions(options);
  assert.deepEqual(resolved.servers, ["a:1", "b:2"]);
  assert.equal(resolved.outbound.reconnectBuffer.maxAge, 30);
});

test("the result is frozen all the way down", () => {
  assert.deepEqual(mutableParts(resolveOptions(everything())), []);
  assert.deepEqual(mutableParts(resolveOptions()), []);
  assert.ok(Object.isFrozen(resolveOptions().authenticator), "the authenticator is a function of ours");
});

test("nothing the caller changes afterwards reaches the result", () => {
  const options = everything();
  const resolved = resolveOptions(options);
  const before = structuredClone(plain(resolved));
  options.servers[0] = "changed:1";
  options.servers.push("added:3");
  options.authenticator.length = 0;
  options.tls.ca[0] = "changed";
  Buffer.prototype.fill.call(options.tls.ca[1], 0);
  for (const key of options.tls.key) {
    key.passphrase = "changed";
  }
  options.reconnectBuffer.maxBytes = 1;
  options.maxQueued.maxBytes = 1;
  assert.deepEqual(structuredClone(plain(resolved)), before);
  assert.deepEqual(resolved.authenticator(), { user: "a", pass: "b" });
});

test("the caller's functions are not frozen", () => {
  const options = everything();
  resolveOptions(options);
  assert.equal(Object.isFrozen(options.onUndelivered), false);
  assert.equal(
    options.authenticator.some((each) => Object.isFrozen(each)),
    false,
  );
});

test("every getter is called once", () => {
  const calls = new Map<string, number>();
  const withGetters = (path: string, fields: Readonly<Record<string, unknown>>): object => {
    const result = {};
    for (const [name, value] of Object.entries(fields)) {
      const get = () => {
        calls.set(`${path}${name}`, (calls.get(`${path}${name}`) ?? 0) + 1);
        return value;
      };
      Object.defineProperty(result, name, { enumerable: true, get });
    }
    return result;
  };
  const { reconnectBuffer, maxQueued, tls, ...rest } = everything();
  const inner = {
    reconnectBuffer: withGetters("reconnectBuffer.", reconnectBuffer),
    maxQueued: withGetters("maxQueued.", maxQueued),
    tls: withGetters("tls.", tls),
  };
  resolveOptions(withGetters("", { ...rest, ...inner }));
  assert.equal(calls.size, 8 + 4 + 2 + 3);
  assert.deepEqual(
    [...calls].filter(([, n]) => n !== 1),
    [],
  );
});

test("what a getter of the caller throws comes through unchanged", () => {
  const thrown = new RangeError("mine");
  const options = {
    get timeout(): number {
      throw thrown;
    },
  };
  assert.throws(
    () => resolveOptions(options),
    (error) => error === thrown,
  );
});

const within = (n: number, min: number, max: number): boolean => n >= min && n <= max;
const amount = (n: number): boolean => n === Infinity || (Number.isInteger(n) && n >= 1);
const time = (n: number): boolean => Number.isFinite(n) && n >= 0;

/** For every option of ours: whether what it resolved to is within its range. */
const inRange: Readonly<Record<string, (resolved: ResolvedOptions) => boolean>> = {
  reconnectBuffer: ({ outbound: { reconnectBuffer: it } }) =>
    it.enabled
      ? amount(it.maxBytes) &&
        amount(it.maxMessages) &&
        within(it.maxAge, 1, Infinity) &&
        ["error", "drop-oldest", "drop-newest"].includes(it.whenFull)
      : it.maxBytes === 0 && it.maxMessages === 0,
  maxQueued: ({ outbound: { maxQueued: it } }) => amount(it.maxBytes) && amount(it.maxMessages),
  maxInFlight: ({ outbound: { maxInFlight: it } }) => Number.isInteger(it) && within(it, 65_536, 2 ** 30),
  fenceDelay: (resolved) => time(resolved.outbound.fenceDelay),
  maxControlLine: ({ outbound: { maxControlLine: it } }) => Number.isInteger(it) && within(it, 512, 2 ** 20),
  delivery: (resolved) => ["at-most-once", "at-least-once"].includes(resolved.outbound.delivery),
  stallTimeout: (resolved) => time(resolved.outbound.stallTimeout),
  backlogDelay: (resolved) => time(resolved.outbound.backlogDelay),
  closeTimeout: (resolved) => time(resolved.closeTimeout),
  retryOnFailedConnect: (resolved) => typeof resolved.retryOnFailedConnect === "boolean",
  failRequestsOnDisconnect: (resolved) => typeof resolved.failRequestsOnDisconnect === "boolean",
  onUndelivered: (resolved) => resolved.onUndelivered === undefined || typeof resolved.onUndelivered === "function",
};

/** Functions cannot be cloned or compared; everything else can. */
function plain(value: unknown): unknown {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value)
    ? Object.entries(value).map(([key, each]) => [key, typeof each === "function" ? "function" : plain(each)])
    : value;
}

const word = fc.constantFrom("error", "drop-oldest", "drop-newest", "at-most-once", "at-least-once", "", "1");
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, 1, 512, 4096, 65_536, 2 ** 20, 2 ** 30, Infinity, -Infinity, Number.NaN),
);
const leaf = fc.oneof(number, word, fc.boolean(), fc.constantFrom(null, undefined), fc.jsonValue());
const junk = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
});
const limitName = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("maxBytes", "maxMessages", "maxAge", "whenFull") },
  fc.string(),
);
const anyValue = fc.oneof(leaf, leaf, fc.dictionary(limitName, leaf, { maxKeys: 3 }), junk);

test("any value of any own option resolves within range, or throws InvalidArgumentError naming the option; the input stays as it was", () => {
  let resolvedRuns = 0;
  let refusedRuns = 0;
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(inRange)), anyValue, (name, value) => {
      const options = { [name]: value };
      deepFreeze(options);
      const before = fc.stringify(options);
      try {
        const resolved = resolveOptions(options);
        assert.deepEqual(mutableParts(resolved), []);
        assert.equal(inRange[name]?.(resolved), true, `${name} is out of range`);
        resolvedRuns += 1;
      } catch (error) {
        assert.ok(error instanceof InvalidArgumentError, String(error));
        assert.match(error.message, new RegExp(`^'${name}(\\.(maxBytes|maxMessages|maxAge|whenFull))?' `));
        assert.ok(error.message.length < 300, `an error of ${error.message.length} characters`);
        refusedRuns += 1;
      }
      assert.equal(fc.stringify(options), before);
    }),
    { numRuns: 5_000 },
  );
  // A property that never takes one of its branches proves nothing about it.
  assert.ok(resolvedRuns > 100 && refusedRuns > 1_000, `${resolvedRuns} resolved, ${refusedRuns} refused`);
});

const natsNames = [
  ...[
    "authenticator",
    "debug",
    "ignoreAuthErrorAbort",
    "ignoreClusterUpdates",
    "inboxPrefix",
    "maxPingOut",
    "maxReconnectAttempts",
  ],
  ...["name", "noAsyncTraces", "noEcho", "noRandomize", "pass", "pedantic", "pingInterval", "port", "reconnect"],
  ...["reconnectDelayHandler", "reconnectJitter", "reconnectJitterTLS", "reconnectTimeWait", "reconnectToServer", "resolve"],
  ...["servers", "timeout", "tls", "token", "user", "verbose", "waitOnFirstConnect"],
];

test("any value of any nats-core option resolves, or throws InvalidArgumentError naming the option", () => {
  fc.assert(
    fc.property(fc.constantFrom(...natsNames), fc.oneof(leaf, junk), (name, value) => {
      const options = { [name]: value };
      deepFreeze(options);
      try {
        const resolved = resolveOptions(options);
        for (const [key, each] of Object.entries(resolved)) {
          assert.ok(typeof each !== "number" || each >= 0 || key === "maxReconnectAttempts", `${key} is ${String(each)}`);
        }
        assert.ok(resolved.servers.length > 0);
      } catch (error) {
        assert.ok(error instanceof InvalidArgumentError, String(error));
        assert.match(error.message, new RegExp(`^'${name}(\\.\\w+|\\[\\d+\\])?' `));
        assert.ok(error.message.length < 500);
      }
    }),
    { numRuns: 5_000 },
  );
});
