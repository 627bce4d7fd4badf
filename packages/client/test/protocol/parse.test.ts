import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import type { RawMessage } from "../../src/protocol/events.ts";
import { Parser } from "../../src/protocol/parse.ts";
import { line, message, parseAll, recorder, seenAs } from "./builders.ts";

const greeting = { subject: "greet.joe", sid: 7, data: Buffer.from("hello") };

test("a MSG is reported with its subject, sid and payload", () => {
  assert.deepEqual(parseAll([message(greeting)]).seen, [seenAs(greeting)]);
});

test("a MSG with a reply is reported with it", () => {
  const asked = { ...greeting, reply: "_INBOX.x.1" };
  assert.deepEqual(parseAll([message(asked)]).seen, [seenAs(asked)]);
});

test("an HMSG is reported with its headers apart from its payload", () => {
  const headed = { ...greeting, headers: Buffer.from("NATS/1.0\r\nA: b\r\n\r\n") };
  assert.deepEqual(parseAll([message(headed)]).seen, [seenAs(headed)]);
});

test("an HMSG with reply and without payload is reported", () => {
  const status = { subject: "_INBOX.1", sid: 1, reply: "r", headers: Buffer.from("NATS/1.0 503\r\n\r\n"), data: Buffer.alloc(0) };
  assert.deepEqual(parseAll([message(status)]).seen, [seenAs(status)]);
});

test("a message without payload is reported", () => {
  const empty = { ...greeting, data: Buffer.alloc(0) };
  assert.deepEqual(parseAll([message(empty)]).seen, [seenAs(empty)]);
});

test("a payload may hold anything, protocol lines included", () => {
  const nested = { ...greeting, data: Buffer.concat([message(greeting), line("PING"), Buffer.from([0, 255, 13, 10])]) };
  assert.deepEqual(parseAll([message(nested)]).seen, [seenAs(nested)]);
});

test("a subject may be any UTF-8", () => {
  const unicode = { ...greeting, subject: "größe.日本.🎉", reply: "ответ.\u0085" };
  assert.deepEqual(parseAll([message(unicode)]).seen, [seenAs(unicode)]);
});

test("a subject may hold control characters that do not separate fields", () => {
  for (const subject of ["a\u0001b\fc", "a\u00017", "\u0001"]) {
    const odd = { ...greeting, subject };
    assert.deepEqual(parseAll([message(odd)]).seen, [seenAs(odd)]);
  }
});

test("INFO, PING, PONG, +OK and -ERR are reported in order", () => {
  const stream = Buffer.concat([line('INFO {"a":1} '), line("PING"), line("PONG"), line("+OK"), line("-ERR 'Stale Connection'")]);
  assert.deepEqual(parseAll([stream]).seen, [
    { kind: "info", text: '{"a":1}' },
    { kind: "ping" },
    { kind: "pong" },
    { kind: "ok" },
    { kind: "error", text: "Stale Connection" },
  ]);
});

test("the text of an -ERR keeps the quotes inside it", () => {
  const text = `Permissions Violation for Publish to "it's"`;
  assert.deepEqual(parseAll([line(`-ERR '${text}'`)]).seen, [{ kind: "error", text }]);
});

test("an -ERR without quotes is reported as it is", () => {
  assert.deepEqual(parseAll([line("-ERR oops"), line("-ERR '")]).seen, [
    { kind: "error", text: "oops" },
    { kind: "error", text: "'" },
  ]);
});

test("verbs are read in either case", () => {
  const stream = Buffer.concat([
    line("info {}"),
    line("Ping"),
    line("pOnG"),
    line("+ok"),
    line("-err 'x'"),
    message(greeting, { verb: (verb) => verb.toLowerCase(), gap: " ", lineEnd: "\r\n" }),
  ]);
  const kinds = parseAll([stream]).seen.map((event) => event.kind);
  assert.deepEqual(kinds, ["info", "ping", "pong", "ok", "error", "message"]);
});

test("fields may be apart by several spaces and tabs, with more at both ends", () => {
  const headed = { ...greeting, reply: "r", headers: Buffer.from("NATS/1.0\r\n\r\n") };
  const gap = " \t  ";
  const stream = message(headed, { verb: (verb) => verb, gap, lineEnd: `${gap}\r\n` });
  assert.deepEqual(parseAll([stream]).seen, [seenAs(headed)]);
});

test("a control line may end in LF alone", () => {
  const stream = Buffer.concat([
    line("PING", "\n"),
    line("INFO {}", "\n"),
    message(greeting, { verb: (v) => v, gap: " ", lineEnd: "\n" }),
  ]);
  assert.deepEqual(parseAll([stream]).seen, [{ kind: "ping" }, { kind: "info", text: "{}" }, seenAs(greeting)]);
});

test("sizes may have leading zeros, since the server repeats what the publisher wrote", () => {
  assert.deepEqual(parseAll([Buffer.from("MSG greet.joe 7 005\r\nhello\r\n")]).seen, [seenAs(greeting)]);
});

test("the largest sid is read exactly", () => {
  const large = { ...greeting, sid: 999_999_999_999_999 };
  assert.deepEqual(parseAll([message(large)]).seen, [seenAs(large)]);
});

test("half a message is reported when its other half comes", () => {
  const bytes = message(greeting);
  const events = recorder();
  const parser = new Parser(events);
  parser.parse(bytes.subarray(0, 20));
  assert.deepEqual(events.seen, []);
  parser.parse(bytes.subarray(20));
  assert.deepEqual(events.seen, [seenAs(greeting)]);
});

test("a message waits for the last byte of its CR LF", () => {
  const bytes = message(greeting);
  const events = recorder();
  const parser = new Parser(events);
  parser.parse(bytes.subarray(0, -1));
  assert.deepEqual(events.seen, []);
  parser.parse(bytes.subarray(-1));
  assert.equal(events.seen.length, 1);
});

test("a message of 3 MB in chunks of 1 KiB arrives whole", () => {
  const large = { subject: "big", sid: 1, data: Buffer.alloc(3_000_000, "0123456789") };
  const stream = Buffer.concat([message(large), line("PING")]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += 1024) chunks.push(stream.subarray(at, at + 1024));
  assert.deepEqual(parseAll(chunks).seen, [seenAs(large), { kind: "ping" }]);
});

test("a frame inside one chunk is reported where it lies, without a copy", () => {
  const chunk = Buffer.concat([line("PING"), message(greeting)]);
  let bytes: Uint8Array | undefined;
  let subjectStart = 0;
  const parser = new Parser({
    ...recorder(),
    message: (raw: RawMessage) => {
      bytes = raw.bytes;
      subjectStart = raw.subjectStart;
    },
  });
  parser.parse(chunk);
  assert.equal(bytes, chunk);
  assert.equal(subjectStart, "PING\r\nMSG ".length);
});

test("the parser lets go of a chunk when it has read it", () => {
  let kept: RawMessage | undefined;
  const parser = new Parser({
    ...recorder(),
    message: (raw: RawMessage) => {
      kept = raw;
    },
  });
  parser.parse(message(greeting));
  assert.equal(kept?.bytes.length, 0);
});

test("a frame that spans chunks is contiguous, in a buffer of exactly its size, and stays unchanged", () => {
  const kept: { bytes: Uint8Array; start: number; end: number }[] = [];
  const parser = new Parser({
    ...recorder(),
    message: (raw: RawMessage) => kept.push({ bytes: raw.bytes, start: raw.payloadStart, end: raw.payloadEnd }),
  });
  const frames = ["first", "second", "third"].map((text) => message({ ...greeting, data: Buffer.alloc(100_000, text) }));
  for (const frame of frames) {
    parser.parse(frame.subarray(0, 50_000));
    parser.parse(frame.subarray(50_000));
  }
  for (const [i, { bytes, start, end }] of kept.entries()) {
    assert.equal(bytes.length, frames[i]?.length);
    assert.deepEqual(Buffer.from(bytes.subarray(start, end)), Buffer.alloc(100_000, ["first", "second", "third"][i]));
  }
  assert.equal(kept.length, 3);
});

test("reset() forgets an unfinished frame", () => {
  const events = recorder();
  const parser = new Parser(events);
  parser.parse(Buffer.from("MSG a 1 100\r\nbegin"));
  parser.reset();
  parser.parse(line("PING"));
  assert.deepEqual(events.seen, [{ kind: "ping" }]);
});

test("after an error the parser takes nothing until reset()", () => {
  const events = recorder();
  const parser = new Parser(events);
  assert.throws(() => parser.parse(Buffer.from("PING\r\nHTTP/1.1 400\r\n")), ProtocolError);
  assert.throws(
    () => parser.parse(line("PING")),
    (error: unknown) => error instanceof ProtocolError && error.cause instanceof ProtocolError,
  );
  parser.reset();
  parser.parse(line("PONG"));
  assert.deepEqual(events.seen, [{ kind: "ping" }, { kind: "pong" }]);
});

test("what a handler throws comes out of parse(), and the parser is stopped", () => {
  const oops = new Error("oops");
  const events = recorder();
  const parser = new Parser({
    ...events,
    pong: () => {
      throw oops;
    },
  });
  assert.throws(
    () => parser.parse(Buffer.from("PING\r\nPONG\r\nPING\r\n")),
    (error: unknown) => error === oops,
  );
  assert.deepEqual(events.seen, [{ kind: "ping" }]);
  assert.throws(
    () => parser.parse(line("PING")),
    (error: unknown) => error instanceof ProtocolError && error.cause === oops,
  );
});

test("reset() from inside an event drops the rest of the chunk and the parser is ready for a new stream", () => {
  const events = recorder();
  const parser: Parser = new Parser({ ...events, pong: () => parser.reset() });
  parser.parse(Buffer.from("PING\r\nPONG\r\nPING\r\nMSG a 1 5\r\nhal"));
  assert.deepEqual(events.seen, [{ kind: "ping" }]);
  parser.parse(line("+OK"));
  assert.deepEqual(events.seen, [{ kind: "ping" }, { kind: "ok" }]);
});

test("reset() from inside the event of an assembled frame drops the rest of the chunk too", () => {
  const events = recorder();
  const parser: Parser = new Parser({ ...events, message: () => parser.reset() });
  parser.parse(Buffer.from("MSG a 1 5\r\nhe"));
  parser.parse(Buffer.from("llo\r\nPING\r\n"));
  assert.deepEqual(events.seen, []);
  parser.parse(line("PONG"));
  assert.deepEqual(events.seen, [{ kind: "pong" }]);
});

test("from inside an event, reset() and then parse() begin a new stream", () => {
  const events = recorder();
  const parser: Parser = new Parser({
    ...events,
    pong: () => {
      parser.reset();
      parser.parse(Buffer.from("MSG greet.joe 7 5\r\nhe"));
    },
  });
  parser.parse(Buffer.from("PONG\r\nPING\r\n"));
  parser.parse(Buffer.from("llo\r\n"));
  assert.deepEqual(events.seen, [seenAs(greeting)]);
});

test("reset() and then a throw leaves the parser ready", () => {
  const events = recorder();
  const parser: Parser = new Parser({
    ...events,
    ping: () => {
      parser.reset();
      throw new Error("oops");
    },
  });
  assert.throws(() => parser.parse(line("PING")), /oops/);
  parser.parse(line("PONG"));
  assert.deepEqual(events.seen, [{ kind: "pong" }]);
});

test("parse() from inside an event is refused, not mixed up", () => {
  const parser: Parser = new Parser({ ...recorder(), ping: () => parser.parse(line("PONG")) });
  assert.throws(() => parser.parse(line("PING")), /called from inside/);
});
