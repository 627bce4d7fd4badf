/** Options that cannot be: `connect()` rejects before it dials, naming the option, what was given, and what is allowed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { InvalidArgumentError } from "@nats-io/nats-core";
import { connect } from "../../src/index.ts";
import { startFakeServer } from "../../src/testing/index.ts";
import { afterwards, limit } from "./peers-harness.ts";

/** As JavaScript would: the compiler is not asked. */
function connectWith(options: unknown): Promise<unknown> {
  return Reflect.apply(connect, undefined, [options]);
}

/** The options, and what the error must say: the option's path, what was given, what is allowed. */
const impossible: readonly [options: Readonly<Record<string, unknown>>, path: string, given: string, allowed: string][] = [
  [{ reconnectBuffer: -1 }, "'reconnectBuffer'", "-1", "a whole number of bytes from 1, Infinity, false, or an object"],
  [{ reconnectBuffer: Number.NaN }, "'reconnectBuffer'", "NaN", "a whole number of bytes from 1"],
  [{ reconnectBuffer: 1.5 }, "'reconnectBuffer'", "1.5", "a whole number of bytes from 1"],
  [{ reconnectBuffer: "8MB" }, "'reconnectBuffer'", '"8MB"', "a whole number of bytes from 1"],
  [{ reconnectBuffer: true }, "'reconnectBuffer'", "true", "a whole number of bytes from 1"],
  [{ reconnectBuffer: [8] }, "'reconnectBuffer'", "an array", "a whole number of bytes from 1"],
  [{ reconnectBuffer: new Map() }, "'reconnectBuffer'", "an object", "an object with maxBytes, maxMessages, maxAge, whenFull"],
  [{ reconnectBuffer: 0 }, "'reconnectBuffer'", "must not be 0", "use false"],
  [{ reconnectBuffer: { maxBytes: 0 } }, "'reconnectBuffer.maxBytes'", "must not be 0", "reconnectBuffer: false"],
  [{ reconnectBuffer: { maxBytes: -1 } }, "'reconnectBuffer.maxBytes'", "-1", "a whole number from 1, or Infinity"],
  [{ reconnectBuffer: { maxBytes: Number.NaN } }, "'reconnectBuffer.maxBytes'", "NaN", "a whole number from 1, or Infinity"],
  [{ reconnectBuffer: { maxMessages: 2.5 } }, "'reconnectBuffer.maxMessages'", "2.5", "a whole number from 1, or Infinity"],
  [{ reconnectBuffer: { maxMessages: "100" } }, "'reconnectBuffer.maxMessages'", '"100"', "a whole number from 1, or Infinity"],
  [{ reconnectBuffer: { maxAge: -5 } }, "'reconnectBuffer.maxAge'", "-5", "a number of milliseconds from 1, or Infinity"],
  [{ reconnectBuffer: { whenFull: "block" } }, "'reconnectBuffer.whenFull'", '"block"', '"error", "drop-oldest", "drop-newest"'],
  [
    { reconnectBuffer: { maxbytes: 5 } },
    "'reconnectBuffer'",
    '"maxbytes"',
    "knows the keys maxBytes, maxMessages, maxAge, whenFull",
  ],
  [{ maxQueued: -5 }, "'maxQueued'", "-5", "a whole number of bytes from 1, Infinity, or an object with maxBytes, maxMessages"],
  [{ maxQueued: { maxAge: 5 } }, "'maxQueued'", '"maxAge"', "knows the keys maxBytes, maxMessages"],
  [{ maxQueued: { maxBytes: null } }, "'maxQueued.maxBytes'", "null", "a whole number from 1, or Infinity"],
  [{ maxInFlight: 1_000 }, "'maxInFlight'", "1000", "a whole number of bytes from 65536 to 1073741824"],
  [{ maxInFlight: Infinity }, "'maxInFlight'", "Infinity", "a whole number of bytes from 65536 to 1073741824"],
  [{ fenceDelay: -1 }, "'fenceDelay'", "-1", "a finite number of milliseconds from 0"],
  [{ stallTimeout: Number.NaN }, "'stallTimeout'", "NaN", "a finite number of milliseconds from 0 (0 switches it off)"],
  [{ backlogDelay: Infinity }, "'backlogDelay'", "Infinity", "a finite number of milliseconds from 0"],
  [{ closeTimeout: "5s" }, "'closeTimeout'", '"5s"', "a finite number of milliseconds from 0"],
  [{ maxControlLine: 100 }, "'maxControlLine'", "100", "a whole number of bytes from 512 to 1048576"],
  [{ retryOnFailedConnect: "yes" }, "'retryOnFailedConnect'", '"yes"', "true or false"],
  [{ failRequestsOnDisconnect: 1 }, "'failRequestsOnDisconnect'", "1", "true or false"],
  [{ delivery: "exactly-once" }, "'delivery'", '"exactly-once"', '"at-most-once", "at-least-once"'],
  [{ delivery: null }, "'delivery'", "null", '"at-most-once", "at-least-once"'],
  [{ onUndelivered: {} }, "'onUndelivered'", "an object", "a function"],
  [{ timeout: "soon" }, "'timeout'", '"soon"', "a finite number of milliseconds from 0"],
  [{ pingInterval: -1 }, "'pingInterval'", "-1", "a finite number of milliseconds from 0"],
  [{ maxReconnectAttempts: Number.NaN }, "'maxReconnectAttempts'", "NaN", "a number from 0, or -1 for no limit"],
  [{ reconnectTimeWait: -1 }, "'reconnectTimeWait'", "-1", "a finite number of milliseconds from 0"],
  [{ tls: "yes" }, "'tls'", "a string", "an object with TLS options, or null for no TLS"],
  [{ inboxPrefix: "a b" }, "'inboxPrefix'", '"a b"', "words without white space"],
  [{ token: 12345 }, "'token'", "a number", "a string, or a function that returns one"],
  [{ servers: 42 }, "'servers'", "42", 'a string such as "nats://127.0.0.1:4222"'],
  [{ servers: ["127.0.0.1", ""] }, "'servers[1]'", '""', 'a string such as "nats://127.0.0.1:4222"'],
  [{ servers: undefined, port: 70_000 }, "'port'", "70000", "a whole number from 1 to 65535"],
];

test("every option that cannot be makes connect() reject before it dials, in words that help", limit, async (t) => {
  const server = await startFakeServer();
  afterwards(t, () => server.stop());
  for (const [options, ...parts] of impossible) {
    await assert.rejects(connectWith({ servers: server.url, ...options }), (error) => {
      assert.ok(error instanceof InvalidArgumentError, String(error));
      for (const part of parts) assert.ok(error.message.includes(part), `${JSON.stringify(part)} is not in: ${error.message}`);
      return true;
    });
  }
  assert.equal(server.accepted, 0);
});

test("options that are no object are an error that says what they were", limit, async () => {
  for (const [options, given] of [
    ["nats://127.0.0.1:4222", "a string"],
    [4222, "a number"],
    [["127.0.0.1"], "an array"],
  ] as const) {
    await assert.rejects(connectWith(options), (error) => {
      assert.ok(error instanceof InvalidArgumentError, String(error));
      assert.match(error.message, new RegExp(`'options' must be an object such as .*, but ${given} was given`));
      return true;
    });
  }
});

test("a secret of the wrong type is never told", limit, async () => {
  for (const name of ["token", "user", "pass"]) {
    await assert.rejects(connectWith({ [name]: 987_654_321 }), (error) => !String(error).includes("987654321"));
  }
});

test("an unknown option at the top level is ignored, and one that looks misspelt warned of once a process", limit, async (t) => {
  const server = await startFakeServer();
  afterwards(t, () => server.stop());
  const program = `
    import { connect } from ${JSON.stringify(fileURLToPath(new URL("../../src/index.ts", import.meta.url)))};
    const servers = ${JSON.stringify(server.url)};
    for (const slip of [{ shoeSize: 46 }, { reconectBuffer: 5 }, { reconectBuffer: 5 }, { maxQeued: 7 }]) {
      const nc = await connect({ servers, ...slip });
      console.log(nc.outbound.limit.bytes);
      await nc.close();
    }`;
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [...process.execArgv, "--input-type=module", "-e", program]);
  assert.equal(stdout, "Infinity\n".repeat(4));
  const warnings = stderr.split("\n").filter((line) => line.includes("Warning"));
  assert.equal(warnings.length, 1, stderr);
  assert.match(
    warnings[0] ?? "",
    /HOLDFAST_UNKNOWN_OPTION.*ignores unknown options: 'reconectBuffer' \(did you mean 'reconnectBuffer'\?\)/,
  );
});
