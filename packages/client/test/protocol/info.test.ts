import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import fc from "fast-check";
import { parseInfo } from "../../src/protocol/info.ts";

const good = {
  server_id: "NDXWAFV3",
  server_name: "one",
  version: "2.15.2",
  proto: 1,
  go: "go1.26.8",
  host: "127.0.0.1",
  port: 4222,
  headers: true,
  max_payload: 1048576,
  client_id: 5,
  client_ip: "127.0.0.1",
};

function refused(change: Record<string, unknown>, expected: RegExp): void {
  assert.throws(
    () => parseInfo(JSON.stringify({ ...good, ...change })),
    (error: unknown) => error instanceof ProtocolError && expected.test(error.message),
    JSON.stringify(change),
  );
}

test("an INFO is handed on with all its members", () => {
  const sent = { ...good, connect_urls: ["10.0.0.1:4222", "[::1]:4222"], xkey: "XDACH", api_lvl: 5, nonce: "abc", ldm: true };
  assert.deepEqual(parseInfo(JSON.stringify(sent)), sent);
});

test("the least INFO has a version and a max_payload", () => {
  assert.deepEqual(parseInfo('{"version":"2.9.0","max_payload":100}'), { version: "2.9.0", max_payload: 100 });
});

test("what is not a JSON object is a protocol error", () => {
  for (const json of ["", "{", "nonsense", "null", "[]", "5", '"text"', "true", "{}x", "[".repeat(100_000)]) {
    assert.throws(() => parseInfo(json), ProtocolError, json.slice(0, 20));
  }
});

test("garbage is shown shortened and printable", () => {
  assert.throws(
    () => parseInfo(`\u001b[31m${"x".repeat(1_000_000)}`),
    (error: unknown) => error instanceof ProtocolError && error.message.length < 200 && /^[\x20-\x7e]+$/.test(error.message),
  );
});

test("a version that is missing or has no three numbers is a protocol error", () => {
  for (const version of [undefined, null, 2, "", "2.10", "latest", {}])
    refused({ version }, /version must be a string like "2\.10\.0"/);
  assert.equal(parseInfo(JSON.stringify({ ...good, version: "v2.11.0-dev" })).version, "v2.11.0-dev");
});

test("a max_payload that is no positive integer is a protocol error", () => {
  for (const max_payload of [undefined, null, 0, -2, 1.5, "1048576", 1e300, Number.MAX_SAFE_INTEGER + 1, {}]) {
    refused({ max_payload }, /max_payload must be a positive integer/);
  }
});

test("a max_payload of -1 means as much as the server can read", () => {
  assert.equal(parseInfo(JSON.stringify({ ...good, max_payload: -1 })).max_payload, 999_999_999);
});

test("members of the wrong type that the client acts on are protocol errors", () => {
  refused({ headers: "yes" }, /headers must be a boolean, got "\\"yes\\""/);
  refused({ tls_required: 1 }, /tls_required must be a boolean, got "1"/);
  refused({ nonce: 5 }, /nonce must be a string/);
  refused({ client_id: "5" }, /client_id must be a number/);
  refused({ ldm: [] }, /ldm must be a boolean/);
});

test("members that are null count as absent", () => {
  assert.deepEqual(parseInfo(JSON.stringify({ ...good, nonce: null, connect_urls: null })), good);
});

test("connect_urls that are not strings are left out", () => {
  for (const connect_urls of ["10.0.0.1:4222", [1], ["a", null], {}, 5]) {
    assert.deepEqual(parseInfo(JSON.stringify({ ...good, connect_urls })), good);
  }
  assert.deepEqual(parseInfo(JSON.stringify({ ...good, connect_urls: [] })).connect_urls, []);
});

test("a member called __proto__ changes no prototype", () => {
  const info = parseInfo(`{"version":"2.9.0","max_payload":1,"__proto__":{"headers":true}}`);
  assert.equal(info.headers, undefined);
  assert.equal(Object.getPrototypeOf(info), Object.prototype);
});

test("any JSON is an INFO or a protocol error", () => {
  const members = fc.dictionary(fc.constantFrom(...Object.keys(good), "connect_urls", "nonce", "ldm", "x"), fc.jsonValue());
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        members.map((m) => JSON.stringify({ ...good, ...m })),
        fc.string(),
      ),
      (json) => {
        try {
          assert.equal(typeof parseInfo(json).max_payload, "number");
        } catch (error) {
          assert.ok(error instanceof ProtocolError, `got ${error}`);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
