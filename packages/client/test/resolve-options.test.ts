import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import { resolveOptions } from "../src/resolve-options.ts";

const MIB = 1024 * 1024;

/** Asserts that these options are refused with nats-core's error, and that the message is exactly this. */
function refuses(options: unknown, message: string): void {
  assert.throws(
    () => resolveOptions(options),
    (error) => error instanceof InvalidArgumentError && error.message === message,
    message,
  );
}

/** Asserts that these options are refused with an error that says all of this. */
function refusesSaying(options: unknown, ...parts: string[]): void {
  assert.throws(
    () => resolveOptions(options),
    (error) => {
      assert.ok(error instanceof InvalidArgumentError, String(error));
      for (const part of parts) {
        assert.ok(error.message.includes(part), `${JSON.stringify(part)} is not in: ${error.message}`);
      }
      return true;
    },
  );
}

test("without options, every option of ours has the default of DESIGN.md section 4", () => {
  const resolved = resolveOptions();
  assert.deepEqual(resolved.outbound, {
    reconnectBuffer: { enabled: true, maxBytes: 8 * MIB, maxMessages: Infinity, maxAge: Infinity, whenFull: "error" },
    maxQueued: { maxBytes: Infinity, maxMessages: Infinity },
    maxInFlight: 8 * MIB,
    fenceDelay: 20,
    maxControlLine: 4096,
    delivery: "at-most-once",
    stallTimeout: 10_000,
    backlogDelay: 0,
  });
  assert.equal(resolved.closeTimeout, 5_000);
  assert.equal(resolved.retryOnFailedConnect, false);
  assert.equal(resolved.failRequestsOnDisconnect, false);
  assert.equal(resolved.onUndelivered, undefined);
});

test("an option that is undefined counts as absent", () => {
  const names = ["reconnectBuffer", "delivery", "maxQueued", "maxInFlight", "fenceDelay", "stallTimeout", "backlogDelay"];
  const more = ["closeTimeout", "maxControlLine", "retryOnFailedConnect", "failRequestsOnDisconnect", "onUndelivered"];
  const given = Object.fromEntries([...names, ...more].map((name) => [name, undefined]));
  assert.deepEqual({ ...resolveOptions(given), authenticator: 0 }, { ...resolveOptions(), authenticator: 0 });
  const inner = { reconnectBuffer: { maxBytes: undefined, maxMessages: undefined, maxAge: undefined, whenFull: undefined } };
  assert.deepEqual(resolveOptions(inner).outbound, resolveOptions().outbound);
});

test("reconnectBuffer may be a number of bytes", () => {
  assert.equal(resolveOptions({ reconnectBuffer: 1000 }).outbound.reconnectBuffer.maxBytes, 1000);
  assert.equal(resolveOptions({ reconnectBuffer: Infinity }).outbound.reconnectBuffer.maxBytes, Infinity);
});

test("reconnectBuffer: false holds nothing", () => {
  const { reconnectBuffer } = resolveOptions({ reconnectBuffer: false }).outbound;
  assert.deepEqual(reconnectBuffer, { enabled: false, maxBytes: 0, maxMessages: 0, maxAge: Infinity, whenFull: "error" });
});

test("reconnectBuffer may be an object, whose missing limits keep their defaults", () => {
  const { reconnectBuffer } = resolveOptions({ reconnectBuffer: { maxMessages: 10, whenFull: "drop-oldest" } }).outbound;
  assert.deepEqual(reconnectBuffer, {
    enabled: true,
    maxBytes: 8 * MIB,
    maxMessages: 10,
    maxAge: Infinity,
    whenFull: "drop-oldest",
  });
  const all = { maxBytes: Infinity, maxMessages: Infinity, maxAge: 1.5, whenFull: "drop-newest" };
  assert.deepEqual(resolveOptions({ reconnectBuffer: all }).outbound.reconnectBuffer, { enabled: true, ...all });
});

test("reconnectBuffer: 0 is an error that says to use false", () => {
  refuses({ reconnectBuffer: 0 }, "'reconnectBuffer' must not be 0: use false to hold nothing while there is no connection");
  refusesSaying({ reconnectBuffer: -0 }, "'reconnectBuffer'", "use false");
  refusesSaying({ reconnectBuffer: { maxBytes: 0 } }, "'reconnectBuffer.maxBytes'", "reconnectBuffer: false");
  refusesSaying({ reconnectBuffer: { maxMessages: 0 } }, "'reconnectBuffer.maxMessages'", "reconnectBuffer: false");
  refusesSaying({ reconnectBuffer: { maxAge: 0 } }, "'reconnectBuffer.maxAge'", "reconnectBuffer: false", "0 was given");
});

test("reconnectBuffer of a wrong kind is an error that says what was given and what is allowed", () => {
  const allowed = "a whole number of bytes from 1, Infinity, false, or an object with maxBytes, maxMessages, maxAge, whenFull";
  const given: [unknown, string][] = [
    [true, "true"],
    [null, "null"],
    ["8mb", '"8mb"'],
    [Number.NaN, "NaN"],
    [-1, "-1"],
    [1.5, "1.5"],
    [-Infinity, "-Infinity"],
    [[1], "an array"],
    [() => 1, "a function"],
    [10n, "a bigint"],
    [Symbol("s"), "a symbol"],
    [new Map([["maxBytes", 1]]), "an object"],
    [new Uint8Array(3), "an object"],
  ];
  for (const [value, words] of given) {
    refuses({ reconnectBuffer: value }, `'reconnectBuffer' must be ${allowed}, but ${words} was given`);
  }
});

test("a bad limit inside reconnectBuffer is named with its path", () => {
  const amount = "must be a whole number from 1, or Infinity, but";
  refuses({ reconnectBuffer: { maxBytes: Number.NaN } }, `'reconnectBuffer.maxBytes' ${amount} NaN was given`);
  refuses({ reconnectBuffer: { maxBytes: -5 } }, `'reconnectBuffer.maxBytes' ${amount} -5 was given`);
  refuses({ reconnectBuffer: { maxBytes: "1" } }, `'reconnectBuffer.maxBytes' ${amount} "1" was given`);
  refuses({ reconnectBuffer: { maxBytes: null } }, `'reconnectBuffer.maxBytes' ${amount} null was given`);
  refuses({ reconnectBuffer: { maxMessages: 2.5 } }, `'reconnectBuffer.maxMessages' ${amount} 2.5 was given`);
  refusesSaying(
    { reconnectBuffer: { maxAge: -1 } },
    "'reconnectBuffer.maxAge'",
    "milliseconds from 1, or Infinity",
    "-1 was given",
  );
  refusesSaying({ reconnectBuffer: { maxAge: 0.5 } }, "'reconnectBuffer.maxAge'", "0.5 was given");
});

test("whenFull is one of three words", () => {
  refuses(
    { reconnectBuffer: { whenFull: "block" } },
    `'reconnectBuffer.whenFull' must be one of "error", "drop-oldest", "drop-newest", but "block" was given`,
  );
  refusesSaying({ reconnectBuffer: { whenFull: true } }, "'reconnectBuffer.whenFull'", "true was given");
});

test("an unknown key inside our own objects is an error, also when it is undefined", () => {
  refuses(
    { reconnectBuffer: { maxbytes: 1 } },
    `'reconnectBuffer' knows the keys maxBytes, maxMessages, maxAge, whenFull, but "maxbytes" was given`,
  );
  refuses({ maxQueued: { maxAge: undefined } }, `'maxQueued' knows the keys maxBytes, maxMessages, but "maxAge" was given`);
  refusesSaying({ reconnectBuffer: { ["x".repeat(1e6)]: 1 } }, "'reconnectBuffer'", "xxx…");
});

test("maxQueued may be a number of bytes or an object", () => {
  assert.deepEqual(resolveOptions({ maxQueued: 5 }).outbound.maxQueued, { maxBytes: 5, maxMessages: Infinity });
  assert.deepEqual(resolveOptions({ maxQueued: Infinity }).outbound.maxQueued, { maxBytes: Infinity, maxMessages: Infinity });
  assert.deepEqual(resolveOptions({ maxQueued: { maxMessages: 7 } }).outbound.maxQueued, { maxBytes: Infinity, maxMessages: 7 });
  assert.deepEqual(resolveOptions({ maxQueued: {} }).outbound.maxQueued, { maxBytes: Infinity, maxMessages: Infinity });
});

test("a bad maxQueued is refused", () => {
  for (const value of [0, -1, Number.NaN, 1.5, "10", null, true, false, []]) {
    refusesSaying({ maxQueued: value }, "'maxQueued' must be a whole number of bytes from 1, Infinity, or an object");
  }
  refusesSaying({ maxQueued: { maxBytes: 0 } }, "'maxQueued.maxBytes'", "0 was given");
  refusesSaying({ maxQueued: { maxMessages: "many" } }, "'maxQueued.maxMessages'", '"many" was given');
});

test("maxInFlight is a whole number from 64 KiB to 1 GiB", () => {
  assert.equal(resolveOptions({ maxInFlight: 65_536 }).outbound.maxInFlight, 65_536);
  assert.equal(resolveOptions({ maxInFlight: 1024 * MIB }).outbound.maxInFlight, 1024 * MIB);
  for (const value of [65_535, 1024 * MIB + 1, 65_536.5, Infinity, Number.NaN, "65536", null]) {
    refusesSaying({ maxInFlight: value }, "'maxInFlight' must be a whole number of bytes from 65536 to 1073741824");
  }
});

test("maxControlLine is a whole number from 512 to 1 MiB", () => {
  assert.equal(resolveOptions({ maxControlLine: 512 }).outbound.maxControlLine, 512);
  assert.equal(resolveOptions({ maxControlLine: MIB }).outbound.maxControlLine, MIB);
  for (const value of [511, MIB + 1, 4096.5, Infinity, Number.NaN, "4096"]) {
    refusesSaying({ maxControlLine: value }, "'maxControlLine' must be a whole number of bytes from 512 to 1048576");
  }
});

test("times are finite numbers of milliseconds from 0", () => {
  for (const name of ["fenceDelay", "stallTimeout", "backlogDelay", "closeTimeout"]) {
    for (const value of [-1, -0.001, Number.NaN, Infinity, "20", null, true, {}, 1n]) {
      refusesSaying({ [name]: value }, `'${name}' must be a finite number of milliseconds from 0`);
    }
  }
  const { outbound, closeTimeout } = resolveOptions({ fenceDelay: 0, stallTimeout: 0, backlogDelay: -0, closeTimeout: 0 });
  assert.deepEqual([outbound.fenceDelay, outbound.stallTimeout, outbound.backlogDelay, closeTimeout], [0, 0, 0, 0]);
  assert.equal(resolveOptions({ closeTimeout: 1.5 }).closeTimeout, 1.5);
});

test("delivery is one of two levels", () => {
  for (const delivery of ["at-most-once", "at-least-once"] as const) {
    assert.equal(resolveOptions({ delivery }).outbound.delivery, delivery);
  }
  for (const value of ["exactly-once", "", "At-Least-Once", 1, true, null, {}]) {
    refusesSaying({ delivery: value }, `'delivery' must be one of "at-most-once", "at-least-once", but`);
  }
  refusesSaying({ delivery: "exactly-once" }, '"exactly-once" was given');
});

test("our flags are booleans, nothing that merely looks so", () => {
  for (const name of ["retryOnFailedConnect", "failRequestsOnDisconnect"] as const) {
    assert.equal(resolveOptions({ [name]: true })[name], true);
    for (const value of [1, 0, "true", null, {}]) {
      refusesSaying({ [name]: value }, `'${name}' must be true or false, but`);
    }
  }
});

test("onUndelivered is a function and is kept as it is", () => {
  const onUndelivered = () => {};
  assert.equal(resolveOptions({ onUndelivered }).onUndelivered, onUndelivered);
  refuses({ onUndelivered: "log" }, "'onUndelivered' must be a function, but a string was given");
  refuses({ onUndelivered: null }, "'onUndelivered' must be a function, but null was given");
});

test("options that are no object are refused, without showing a string that may hold a password", () => {
  for (const value of [
    "nats://me:s3cret@host",
    5,
    true,
    [],
    ["nats://host"],
    () => {},
    new URL("nats://me:s3cret@host"),
    new Map(),
  ]) {
    assert.throws(
      () => resolveOptions(value),
      (error) =>
        error instanceof InvalidArgumentError &&
        error.message.startsWith("'options' must be") &&
        !error.message.includes("s3cret"),
    );
  }
});

test("null as options means none, as in nats.js", () => {
  assert.deepEqual(resolveOptions(null).servers, ["127.0.0.1:4222"]);
});
