import assert from "node:assert/strict";
import { test } from "node:test";
import { headers, InvalidArgumentError, MsgHdrsImpl } from "@nats-io/nats-core";
import fc from "fast-check";
import { decodeHeaders, encodeHeaders } from "../../src/client/headers.ts";

function blockText(block: Uint8Array | null): string | null {
  return block === null ? null : new TextDecoder().decode(block);
}

test("encodes headers as a NATS/1.0 block, and none as null", () => {
  const some = headers();
  some.append("A", "1");
  some.append("A", "2");
  assert.equal(blockText(encodeHeaders(some, undefined)), "NATS/1.0\r\nA: 1\r\nA: 2\r\n\r\n");
  assert.equal(encodeHeaders(undefined, {}), null);
  assert.equal(encodeHeaders(headers(), undefined), null);
});

test("blocks one behind the other are what nats-core makes of each, whatever the one before had", () => {
  const value = fc.oneof(
    fc.constantFrom("", "1", "x".repeat(23), "x".repeat(24), "x".repeat(25), "größe", "日本"),
    fc.string({ maxLength: 40 }),
  );
  const record = fc.dictionary(fc.constantFrom("A", "B", "Content-Type", "Nats-Msg-Id"), fc.array(value, { maxLength: 3 }), {
    maxKeys: 4,
  });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 8 }), (records) => {
      for (const each of records) {
        const some = MsgHdrsImpl.fromRecord(each);
        if (!(some instanceof MsgHdrsImpl)) throw new Error("another class");
        const expected = some.encode();
        assert.equal(blockText(encodeHeaders(some, undefined)), expected.length === 0 ? null : blockText(expected));
      }
    }),
    { numRuns: 1000 },
  );
});

test("long blocks, a status line and values that are no strings are nats-core's own", () => {
  const long = headers();
  long.append("A", "1");
  for (let n = 0; n < 9; n++) long.append("Long", "ü".repeat(n * 100));
  const status = new MsgHdrsImpl(503, "No Responders");
  const numbers = new MsgHdrsImpl();
  // As untyped callers can make it.
  const entry: unknown[] = ["N", [1, 2]];
  Reflect.apply(numbers.headers.set, numbers.headers, entry);
  const short = headers();
  short.append("A", "1");
  for (const each of [short, long, short, status, short, numbers, short]) {
    assert.ok(each instanceof MsgHdrsImpl);
    assert.equal(blockText(encodeHeaders(each, undefined)), blockText(each.encode()));
  }
});

test("tracing adds its headers to a copy", () => {
  const mine = headers();
  mine.set("A", "1");
  const block = blockText(encodeHeaders(mine, { traceDestination: "trace", traceOnly: true }));
  assert.equal(block, "NATS/1.0\r\nA: 1\r\nNats-Trace-Only: true\r\nNats-Trace-Dest: trace\r\n\r\n");
  assert.deepEqual(mine.keys(), ["A"]);
});

test("tracing works without headers, and traceOnly: false asks for nothing", () => {
  assert.equal(blockText(encodeHeaders(undefined, { traceDestination: "t" })), "NATS/1.0\r\nNats-Trace-Dest: t\r\n\r\n");
  assert.equal(encodeHeaders(undefined, { traceOnly: false }), null);
});

test("msgId adds its header to a copy, beside others and tracing", () => {
  assert.equal(blockText(encodeHeaders(undefined, undefined, "order-1")), "NATS/1.0\r\nNats-Msg-Id: order-1\r\n\r\n");
  const mine = headers();
  mine.set("A", "1");
  const block = blockText(encodeHeaders(mine, { traceDestination: "t" }, "order-1"));
  assert.equal(block, "NATS/1.0\r\nA: 1\r\nNats-Msg-Id: order-1\r\nNats-Trace-Dest: t\r\n\r\n");
  assert.deepEqual(mine.keys(), ["A"]);
});

test("msgId auto makes an id that is never the same", () => {
  const blocks = Array.from({ length: 1_000 }, () => blockText(encodeHeaders(undefined, undefined, "auto")) ?? "");
  assert.match(blocks[0] ?? "", /^NATS\/1\.0\r\nNats-Msg-Id: \w{22}\r\n\r\n$/);
  assert.equal(new Set(blocks).size, blocks.length);
});

test("a message that has an id keeps it", () => {
  const mine = headers();
  mine.set("Nats-Msg-Id", "mine");
  for (const msgId of ["auto", "other"]) {
    assert.equal(blockText(encodeHeaders(mine, undefined, msgId)), "NATS/1.0\r\nNats-Msg-Id: mine\r\n\r\n");
  }
});

test("takes the headers of another copy of nats-core", () => {
  const mine = new MsgHdrsImpl(404, "Not Found");
  mine.set("A", "1");
  // What such a class looks like from here: the same members, another constructor.
  const foreign = new Proxy(mine, { getPrototypeOf: () => Object.prototype, get: (target, key) => bound(target, key) });
  assert.equal(foreign instanceof MsgHdrsImpl, false);
  assert.equal(blockText(encodeHeaders(foreign, undefined)), "NATS/1.0 404 Not Found\r\nA: 1\r\n\r\n");
});

test("refuses what is no MsgHdrs with an error that names the option", () => {
  const plain: unknown = { A: "1" };
  // As untyped callers do.
  assert.throws(() => Reflect.apply(encodeHeaders, undefined, [plain, undefined]), InvalidArgumentError);
  assert.throws(() => Reflect.apply(encodeHeaders, undefined, ["A: 1", undefined]), /'headers' must be made by headers\(\)/);
});

test("headers that are handed back are readable even with a name that nats-core would refuse", () => {
  const good = decodeHeaders(new TextEncoder().encode("NATS/1.0\r\nA: 1\r\n\r\n"));
  assert.equal(good.get("A"), "1");
  const odd = decodeHeaders(new TextEncoder().encode("NATS/1.0\r\nodd name: 1\r\nodd name: 2\r\n\r\n"));
  assert.deepEqual(odd.values("odd name"), ["1", "2"]);
});

function bound(target: object, key: PropertyKey): unknown {
  const value: unknown = Reflect.get(target, key);
  return typeof value === "function" ? value.bind(target) : value;
}
