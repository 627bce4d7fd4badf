import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type WireFrame, WireReader } from "../../src/testing/wire-reader.ts";

function readAll(...pieces: (string | Uint8Array)[]): { frames: WireFrame[]; reader: WireReader } {
  const frames: WireFrame[] = [];
  const reader = new WireReader((frame) => frames.push(frame));
  for (const piece of pieces) reader.push(typeof piece === "string" ? Buffer.from(piece) : piece);
  return { frames, reader };
}

test("control lines give verb, words, rest and offsets", () => {
  const { frames } = readAll("ping\r\nSUB  a.b\tq 7\r\n-ERR 'No way'\r\n+OK\r\n");
  assert.deepEqual(
    frames.map(({ verb, args, rest, start, end }) => ({ verb, args, rest, start, end })),
    [
      { verb: "PING", args: [], rest: "", start: 0, end: 6 },
      { verb: "SUB", args: ["a.b", "q", "7"], rest: "a.b\tq 7", start: 6, end: 20 },
      { verb: "-ERR", args: [], rest: "'No way'", start: 20, end: 35 },
      { verb: "+OK", args: [], rest: "", start: 35, end: 40 },
    ],
  );
});

test("INFO keeps its JSON as it was sent, in UTF-8", () => {
  const { frames } = readAll('INFO {"name": "käse  brot"}\r\n');
  assert.equal(frames[0]?.rest, '{"name": "käse  brot"}');
});

test("payloads and headers are told apart, also when they look like protocol", () => {
  const { frames } = readAll(
    "PUB a 8\r\nPING\r\n\r\n\r\nHMSG s 1 r 12 15\r\nNATS/1.0\r\n\r\nxyz\r\nHPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n",
  );
  const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());
  assert.deepEqual(
    frames.map(({ verb, headers, payload }) => [verb, text(headers), text(payload)]),
    [
      ["PUB", null, "PING\r\n\r\n"],
      ["HMSG", "NATS/1.0\r\n\r\n", "xyz"],
      ["HPUB", "NATS/1.0\r\n\r\n", ""],
    ],
  );
});

test("payloads stay as they were when the caller uses its buffer again", () => {
  const buffer = Buffer.from("PUB a 3\r\nabc\r\n");
  const { frames } = readAll(buffer);
  buffer.fill(0);
  assert.equal(Buffer.from(frames[0]?.payload ?? []).toString(), "abc");
  const half = Buffer.from("PUB a 3\r\nab");
  const { frames: later, reader } = readAll(half);
  half.fill(0);
  reader.push(Buffer.from("c\r\n"));
  assert.equal(Buffer.from(later[0]?.payload ?? []).toString(), "abc");
});

test("unfinished counts what is not a whole frame yet", () => {
  const { frames, reader } = readAll("PING\r\nPUB a 5\r\nab");
  assert.equal(frames.length, 1);
  assert.equal(reader.unfinished, 11);
});

for (const [what, text, reason] of [
  ["a bare line feed", "PING\n", /does not end in CR LF/],
  ["a payload longer than announced", "PUB a 2\r\nabc\r\n", /payload of PUB that does not end in CR LF/],
  ["a length that is no number", "PUB a x\r\n", /an impossible length in "PUB a x"/],
  ["headers longer than the message", "HPUB a 9 5\r\n", /an impossible length/],
  ["a length nobody sends", "PUB a 999999999999\r\n", /an impossible length/],
] as const) {
  test(`${what} is an error with its place, and what follows is ignored`, () => {
    const { frames, reader } = readAll("PONG\r\n", text, "PING\r\n");
    assert.deepEqual(
      frames.map(({ verb }) => verb),
      ["PONG"],
    );
    assert.match(reader.error?.message ?? "", reason);
    assert.match(reader.error?.message ?? "", /in the frame at byte 6$/);
  });
}

test("a line that never ends is an error, not unbounded memory", () => {
  const reader = new WireReader(() => {});
  const piece = new Uint8Array(1024 * 1024).fill(65);
  for (let pushed = 0; pushed <= 33; pushed++) reader.push(piece);
  assert.match(reader.error?.message ?? "", /a line of more than/);
  assert.equal(reader.unfinished, 0);
});

test("property: frames are the same wherever the stream is split", () => {
  const payload = fc.uint8Array({ maxLength: 40 });
  const frame = fc.oneof(
    fc.constantFrom("PING\r\n", "+OK\r\n", "SUB a 1\r\n", "-ERR 'x'\r\n", "INFO {}\r\n").map((text) => Buffer.from(text)),
    payload.map((body) => Buffer.concat([Buffer.from(`MSG s 1 ${body.length}\r\n`), body, Buffer.from("\r\n")])),
    payload.map((body) =>
      Buffer.concat([Buffer.from(`HPUB s 12 ${body.length + 12}\r\nNATS/1.0\r\n\r\n`), body, Buffer.from("\r\n")]),
    ),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(60), { maxLength: 40 }), (frames, cuts) => {
      const stream = Buffer.concat(frames);
      const pieces: Uint8Array[] = [];
      let at = 0;
      for (const cut of cuts) {
        pieces.push(stream.subarray(at, at + cut));
        at += cut;
      }
      pieces.push(stream.subarray(at));
      const split = readAll(...pieces);
      assert.equal(split.reader.error, null);
      assert.deepEqual(split.frames, readAll(stream).frames);
      assert.deepEqual(
        split.frames.map(({ start, end }) => Buffer.from(stream.subarray(start, end))),
        frames,
      );
    }),
  );
});
