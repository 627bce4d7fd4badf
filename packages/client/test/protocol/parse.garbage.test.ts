import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import { parseAll, singleBytes } from "./builders.ts";

const garbage: readonly (readonly [name: string, bytes: string, expected: RegExp])[] = [
  ["an HTTP answer", "HTTP/1.1 400 Bad Request\r\n", /unknown operation from the server: "HTTP\/1\.1 400 Bad Request\\r\\n"/],
  ["a verb that begins well", "MSX a 1 0\r\n\r\n", /unknown operation.*"MSX a/],
  ["a verb without end", "PINGS\r\n", /unknown operation.*"PINGS/],
  ["a client's operation", "PUB a 1\r\nx\r\n", /unknown operation.*"PUB a 1/],
  ["an empty line", "\r\n", /unknown operation.*"\\r\\n"/],
  ["a control byte that is a sign in lower case", "\rERR 'x'\r\n", /unknown operation/],
  ["a PING with an argument", "PING 1\r\n", /malformed line.*"PING 1/],
  ["a MSG with too few fields", "MSG a 1\r\n", /malformed line.*"MSG a 1/],
  ["a MSG with a gap instead of a subject", "MSG  1 5\r\nhello\r\n", /malformed line.*"MSG {2}1 5/],
  ["a MSG with no fields", "MSG\r\n", /malformed line.*"MSG/],
  ["a MSG with too many fields", "MSG a 1 b c 0\r\n\r\n", /malformed line.*"MSG a 1 b c 0/],
  ["an HMSG with too few fields", "HMSG a 1 5\r\n12345\r\n", /malformed line.*"HMSG a 1 5/],
  ["an HMSG with too many fields", "HMSG a 1 b c 0 0\r\n\r\n", /malformed line.*"HMSG a 1 b c 0 0/],
  ["a negative size", "MSG a 1 -1\r\n", /malformed line.*"MSG a 1 -1/],
  ["a size in hexadecimal", "MSG a 1 0x5\r\nhello\r\n", /malformed line/],
  ["a fractional size", "MSG a 1 1.5\r\nhello\r\n", /malformed line/],
  ["a sid that is no number", "MSG a x 0\r\n\r\n", /malformed line/],
  ["a negative sid", "MSG a -1 0\r\n\r\n", /malformed line/],
  ["a size of 16 digits", "MSG a 1 0000000000000005\r\nhello\r\n", /malformed line/],
  ["a sid of 16 digits", "MSG a 1234567890123456 5\r\nhello\r\n", /malformed line/],
  ["headers longer than the message", "HMSG a 1 6 5\r\nhello\r\n", /malformed line.*"HMSG a 1 6 5/],
  ["negative headers", "HMSG a 1 -1 5\r\nhello\r\n", /malformed line/],
  ["a CR in the middle of a line", "MSG a\rb 1 5\r\nhello\r\n", /malformed line/],
  ["a payload longer than declared", "MSG a 1 4\r\nhello\r\n", /payload without CR LF at its end, but "o\\r": "MSG a 1 4/],
  ["a payload shorter than declared", "MSG a 1 6\r\nhello\r\nPING\r\n", /payload without CR LF at its end/],
  ["a sid with a control character", "MSG a 7\u00015\r\nhello\r\n", /malformed line.*"MSG a 7\\x015/],
  ["a size with a control character", "MSG a 1 5\u0001\nhello\r\n", /malformed line.*"MSG a 1 5\\x01/],
  ["a payload with only a CR behind it", "MSG a 1 5\r\nhello\rPING\r\n", /payload without CR LF at its end, but "\\rP"/],
  ["a payload with one byte too many and an LF", "MSG a 1 5\r\nhello!\nPING\r\n", /payload without CR LF at its end, but "!\\n"/],
  ["a payload that ends in LF alone", "MSG a 1 5\r\nhello\nPING\r\n", /payload without CR LF at its end/],
];

for (const [name, bytes, expected] of garbage) {
  test(`${name} is a protocol error that shows it, however it is cut`, () => {
    for (const chunks of [[Buffer.from(bytes)], singleBytes(Buffer.from(bytes))]) {
      const { seen, error } = parseAll(chunks);
      assert.ok(error instanceof ProtocolError, `got ${error}`);
      assert.match(
        error.message,
        expected.source.includes("unknown operation") && chunks.length > 1 ? /unknown operation/ : expected,
      );
      assert.deepEqual(seen, []);
    }
  });
}

test("what came is shown in at most 64 bytes, printable", () => {
  const { error } = parseAll([Buffer.alloc(100_000, 0xfe)]);
  assert.ok(error instanceof ProtocolError);
  assert.ok(error.message.length < 400, error.message);
  assert.match(error.message, /^[\x20-\x7e]+$/);
});

test("garbage is refused at its first byte, without waiting for a line end", () => {
  const { error } = parseAll([Buffer.from("G")]);
  assert.ok(error instanceof ProtocolError);
});
