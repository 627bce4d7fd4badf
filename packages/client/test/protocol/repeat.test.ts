import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import fc from "fast-check";
import { Parser } from "../../src/protocol/parse.ts";
import { cutAt, message, parseAll, recorder, type ServerMessage, type Spelling, seenAs, singleBytes } from "./builders.ts";

/** Long streams of few subjects and sizes: most lines begin as the one before, and many are the same. */
const bytes = fc.uint8Array({ maxLength: 60 });
const data = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ minLength: 16, maxLength: 16 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 17, maxLength: 17 }) },
  { weight: 1, arbitrary: bytes },
);
const serverMessage: fc.Arbitrary<ServerMessage> = fc
  .record({
    subject: fc.constantFrom("orders.created", "orders.created", "orders.created", "orders.createe", "orders.x", "a"),
    sid: fc.constantFrom(1, 1, 1, 2, 12),
    reply: fc.constantFrom(undefined, undefined, undefined, "12", "_INBOX.a.1"),
    headers: fc.option(data, { freq: 4, nil: undefined }),
    data,
  })
  .map(({ reply, headers, ...rest }) => ({
    ...rest,
    ...(reply === undefined ? {} : { reply }),
    ...(headers === undefined ? {} : { headers }),
  }));
const spelling: fc.Arbitrary<Spelling> = fc.record({
  verb: fc.constantFrom(
    (verb: string) => verb,
    (verb: string) => verb.toLowerCase(),
  ),
  gap: fc.constantFrom(" ", " ", " ", " ", "  ", "\t"),
  lineEnd: fc.constantFrom("\r\n", "\r\n", "\r\n", "\n"),
});
const stream = fc.array(fc.tuple(serverMessage, spelling), { minLength: 20, maxLength: 60 });

test("a stream of few subjects yields its messages in any cut", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(100_000), { maxLength: 4 }), (list, cuts) => {
      const whole = Buffer.concat(list.map(([m, s]) => message(m, s)));
      const expected = { seen: list.map(([m]) => seenAs(m)), error: undefined };
      assert.deepEqual(parseAll([whole]), expected);
      assert.deepEqual(parseAll(cutAt(whole, cuts)), expected);
      assert.deepEqual(parseAll(singleBytes(whole)), expected);
    }),
    { numRuns: 300 },
  );
});

test("a message as the ones before it, cut anywhere", () => {
  const list = Array.from({ length: 5 }, (_, i) => ({ subject: "orders.created", sid: 7, data: Buffer.alloc(100, i) }));
  const whole = Buffer.concat(list.map((m) => message(m)));
  const expected = { seen: list.map(seenAs), error: undefined };
  for (let at = (whole.length / 5) * 3; at <= whole.length; at++) assert.deepEqual(parseAll(cutAt(whole, [at])), expected);
});

test("lines that begin alike, of other lengths", () => {
  const subject = "orders.created";
  const sizes = [5, 5, 1000, 1005, 1005, 5, 10, 10, 100];
  const replies = ["_INBOX.1", "_INBOX.1", "_INBOX.10", "_INBOX.10", "_INBOX.1"];
  const list = [
    ...sizes.map((size) => ({ subject, sid: 7, data: Buffer.alloc(size, 1) })),
    ...replies.map((reply, i) => ({ subject, sid: 7, reply, data: Buffer.alloc(5 + (i >> 1), 2) })),
  ];
  const whole = Buffer.concat(list.map((m) => message(m)));
  assert.deepEqual(parseAll([whole]), { seen: list.map(seenAs), error: undefined });
});

test("a text left on a message is there again only for the same subject", () => {
  fc.assert(
    fc.property(stream, (list) => {
      let again = 0;
      const parser = new Parser({
        ...recorder(),
        message: (raw) => {
          const text = Buffer.from(raw.bytes).toString("utf8", raw.subjectStart, raw.subjectEnd);
          if (raw.subject !== undefined) again++;
          assert.equal(raw.subject ?? text, text);
          raw.subject = text;
        },
      });
      const same = message({ subject: "same", sid: 1, data: Buffer.alloc(100) });
      parser.parse(Buffer.concat([...list.map(([m, s]) => message(m, s)), same, same, same]));
      assert.ok(again >= 2, `${again}`);
    }),
    { numRuns: 100 },
  );
});

test("a message over the limit is refused behind one of the same subject, too", () => {
  const small = message({ subject: "orders.created", sid: 7, data: Buffer.alloc(100) });
  const large = message({ subject: "orders.created", sid: 7, data: Buffer.alloc(201) });
  const both = Buffer.concat([small, small, small, large, small]);
  for (const chunks of [[both], singleBytes(both)]) {
    const { seen, error } = parseAll(chunks, { messageBytes: 200 });
    assert.equal(seen.length, 3);
    assert.ok(error instanceof ProtocolError && /message of 201 bytes/.test(error.message), String(error));
  }
});

test("a line over the limit is refused behind one of the same subject, too", () => {
  const small = message({ subject: "orders.created", sid: 7, data: Buffer.alloc(100) });
  const large = message({ subject: "orders.created", sid: 7, reply: "r".repeat(300), data: Buffer.alloc(100) });
  const both = Buffer.concat([small, small, small, large, small]);
  for (const chunks of [[both], singleBytes(both)]) {
    const { seen, error } = parseAll(chunks, { lineBytes: 200 });
    assert.equal(seen.length, 3);
    assert.ok(error instanceof ProtocolError && /lineBytes/.test(error.message), String(error));
  }
});
