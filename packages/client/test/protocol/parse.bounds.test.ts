import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import { Parser } from "../../src/protocol/parse.ts";
import { line, message, parseAll, recorder, seenAs } from "./builders.ts";

const MiB = 1024 * 1024;

function inChunks(stream: Uint8Array, bytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += bytes) chunks.push(stream.subarray(at, at + bytes));
  return chunks;
}

test("an INFO of 10 MB is refused, naming the limit and the size seen", () => {
  const stream = line(`INFO {"x":"${"y".repeat(10_000_000)}"}`);
  const whole = parseAll([stream]);
  assert.ok(whole.error instanceof ProtocolError);
  assert.match(whole.error.message, /INFO line of 100000\d\d bytes or more.*at most 1048576 .*infoBytes/);
  const pieces = parseAll(inChunks(stream, 65536));
  assert.ok(pieces.error instanceof ProtocolError);
  assert.match(pieces.error.message, /INFO line of 1048577 bytes or more.*at most 1048576/);
  assert.deepEqual([...whole.seen, ...pieces.seen], []);
});

test("an INFO that never ends is refused as soon as it exceeds the limit", () => {
  const parser = new Parser(recorder());
  parser.parse(Buffer.from("INFO "));
  const chunk = Buffer.alloc(65536, "x");
  let taken = 5;
  assert.throws(() => {
    for (; taken < 10 * MiB; taken += chunk.length) parser.parse(chunk);
  }, ProtocolError);
  assert.ok(taken <= MiB, `${taken} bytes were taken`);
});

test("an INFO of exactly the limit is taken", () => {
  const text = `{"x":"${"y".repeat(MiB - 1 - "INFO ".length - '{"x":""}'.length)}"}`;
  const stream = line(`INFO ${text}`);
  assert.equal(stream.length, MiB + 1);
  for (const chunks of [[stream], inChunks(stream, 65536)]) {
    assert.deepEqual(parseAll(chunks), { seen: [{ kind: "info", text }], error: undefined });
  }
});

for (const beginning of ["MSG a 1 ", "HMSG ", "-ERR '", "PING ", "+OK ", "PONG "]) {
  test(`a line ${JSON.stringify(beginning)} of more than 64 KiB is refused, whole and in pieces`, () => {
    const stream = Buffer.concat([Buffer.from(beginning), Buffer.alloc(70_000, beginning.startsWith("-") ? "x" : " ")]);
    for (const chunks of [[stream], inChunks(stream, 1000), [stream.subarray(0, 3), stream.subarray(3)]]) {
      const { error } = parseAll(chunks);
      assert.ok(error instanceof ProtocolError, `got ${error}`);
      assert.match(error.message, /line of \d+ bytes or more from the server: at most 65536 are accepted \(lineBytes\)/);
    }
  });
}

test("a MSG line of exactly 64 KiB is taken, one byte more is not", () => {
  const subject = "s".repeat(65536 - "MSG  1 0\r".length);
  const fits = message({ subject, sid: 1, data: Buffer.alloc(0) });
  const tooLong = message({ subject: `${subject}s`, sid: 1, data: Buffer.alloc(0) });
  for (const bytes of [1000, 100_000]) {
    assert.equal(parseAll(inChunks(fits, bytes)).seen.length, 1);
    assert.ok(parseAll(inChunks(tooLong, bytes)).error instanceof ProtocolError);
  }
});

test("a message of more than 64 MiB is refused at its control line, before its payload", () => {
  const { error } = parseAll([Buffer.from("MSG a 1 67108865\r\n")]);
  assert.ok(error instanceof ProtocolError);
  assert.match(error.message, /message of 67108865 bytes or more.*at most 67108864 are accepted \(messageBytes\)/);
});

test("headers count for the limit of a message", () => {
  const headed = { subject: "a", sid: 1, headers: Buffer.from("NATS/1.0\r\n\r\n"), data: Buffer.from("12345678") };
  assert.deepEqual(parseAll([message(headed)], { messageBytes: 20 }).seen, [seenAs(headed)]);
  assert.ok(parseAll([message(headed)], { messageBytes: 19 }).error instanceof ProtocolError);
});

test("a declaration of 64 MiB followed by silence costs no memory for it", () => {
  const parsers = Array.from({ length: 20 }, () => new Parser(recorder()));
  const before = process.memoryUsage().arrayBuffers;
  for (const parser of parsers) {
    parser.parse(Buffer.from("MSG a 1 67108864\r\nthe begin"));
    parser.parse(Buffer.from("ning, then silence"));
  }
  const perParser = (process.memoryUsage().arrayBuffers - before) / parsers.length;
  assert.ok(perParser < 256 * 1024, `${perParser} bytes each`);
  for (const parser of parsers) parser.reset();
});

test("room grows with what arrived: at most twice that, and never beyond the message", () => {
  let room = 0;
  const parser = new Parser({
    ...recorder(),
    message: (raw) => {
      room = raw.bytes.buffer.byteLength;
    },
  });
  const frame = message({ subject: "a", sid: 1, data: Buffer.alloc(8 * MiB) });
  const before = process.memoryUsage().arrayBuffers;
  const chunk = 128 * 1024;
  for (let at = 0; at < frame.length; at += chunk) {
    parser.parse(frame.subarray(at, at + chunk));
    const used = process.memoryUsage().arrayBuffers - before;
    // Buffers that were outgrown may not have been collected yet: all of them together are less than twice the last.
    assert.ok(used <= 4 * (at + 2 * chunk), `${used} bytes after ${at + chunk} had arrived`);
  }
  assert.equal(room, frame.length);
});

test("a line that comes byte by byte costs time in proportion to its length", () => {
  const stream = line(`INFO {"x":"${"y".repeat(1_000_000)}"}`);
  const { seen } = parseAll(Array.from(stream, (_, i) => stream.subarray(i, i + 1)));
  // Quadratic work on a million bytes would run into the time limit of the test runner.
  assert.equal(seen.length, 1);
});

test("a message that comes byte by byte costs time in proportion to its length", () => {
  const stream = message({ subject: "a", sid: 1, data: Buffer.alloc(1_000_000) });
  const { seen } = parseAll(Array.from(stream, (_, i) => stream.subarray(i, i + 1)));
  assert.equal(seen.length, 1);
});
