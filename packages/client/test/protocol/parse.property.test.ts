import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@nats-io/nats-core";
import fc from "fast-check";
import { cutAt, line, message, parseAll, type Seen, type ServerMessage, type Spelling, seenAs, singleBytes } from "./builders.ts";

const token = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => text.replace(/[ \t\r\n]/g, "_"));
const bytes = fc.uint8Array({ maxLength: 200 });
const spelling: fc.Arbitrary<Spelling> = fc.record({
  verb: fc.constantFrom(
    (verb: string) => verb,
    (verb: string) => verb.toLowerCase(),
  ),
  gap: fc.constantFrom(" ", " ", "  ", "\t", " \t"),
  lineEnd: fc.constantFrom("\r\n", "\r\n", "\n", " \r\n"),
});

const serverMessage: fc.Arbitrary<ServerMessage> = fc
  .record({ subject: token, sid: fc.nat(1e9), reply: fc.option(token), headers: fc.option(bytes), data: bytes })
  .map(({ reply, headers, ...rest }) => ({
    ...rest,
    ...(reply === null ? {} : { reply }),
    ...(headers === null ? {} : { headers }),
  }));

interface Frame {
  readonly bytes: Buffer;
  readonly seen: Seen;
}

const text = fc.string({ unit: "grapheme-ascii", maxLength: 40 }).map((value) => `{${value}}`);
const signal = fc.constantFrom<readonly [string, Seen]>(
  ["PING", { kind: "ping" }],
  ["PONG", { kind: "pong" }],
  ["+OK", { kind: "ok" }],
);

const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(serverMessage, spelling).map(([m, s]) => ({ bytes: message(m, s), seen: seenAs(m) })) },
  { weight: 1, arbitrary: text.map((json): Frame => ({ bytes: line(`INFO ${json}`), seen: { kind: "info", text: json } })) },
  {
    weight: 1,
    arbitrary: text.map((error): Frame => ({ bytes: line(`-ERR '${error}'`), seen: { kind: "error", text: error } })),
  },
  { weight: 2, arbitrary: signal.map(([verb, seen]): Frame => ({ bytes: line(verb), seen })) },
);

const frames = fc.array(frame, { maxLength: 12 });
const offsets = fc.array(fc.nat(100_000), { maxLength: 12 });

test("any stream in any cut yields its events", () => {
  fc.assert(
    fc.property(frames, offsets, (list, cuts) => {
      const stream = Buffer.concat(list.map((f) => f.bytes));
      const expected = { seen: list.map((f) => f.seen), error: undefined };
      assert.deepEqual(parseAll([stream]), expected);
      assert.deepEqual(parseAll(cutAt(stream, cuts)), expected);
      assert.deepEqual(parseAll(singleBytes(stream)), expected);
    }),
    { numRuns: 500 },
  );
});

/** A stream with bytes changed, inserted and removed. */
const damaged = fc
  .tuple(
    frames,
    fc.array(fc.tuple(fc.nat(100_000), fc.constantFrom("set", "insert", "remove"), fc.nat(255)), { minLength: 1, maxLength: 6 }),
  )
  .map(([list, damages]) => {
    const stream = Array.from(Buffer.concat(list.map((f) => f.bytes)));
    for (const [offset, damage, byte] of damages) {
      const at = offset % (stream.length + 1);
      stream.splice(at, damage === "insert" ? 0 : 1, ...(damage === "remove" ? [] : [byte]));
    }
    return Buffer.from(stream);
  });

/** Looks like the protocol, line by line, and is not. */
const nonsense = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "MSG ",
        "HMSG ",
        "INFO ",
        "PING",
        "-ERR",
        "+OK",
        "msg\t",
        "MS",
        " ",
        "\t",
        "\r",
        "\n",
        "\r\n",
        "0",
        "5",
        "-1",
      ),
      fc.nat(2000).map(String),
      token,
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.from(parts.join("")));

const small = { infoBytes: 60, lineBytes: 50, messageBytes: 150 };

for (const [name, stream] of [
  ["a damaged stream", damaged],
  ["nonsense", nonsense],
  ["random bytes", fc.uint8Array({ maxLength: 300 }).map((list) => Buffer.from(list))],
] as const) {
  test(`${name} ends in events or a protocol error, the same in every cut`, () => {
    fc.assert(
      fc.property(stream, offsets, fc.constantFrom({}, small), (bytesOf, cuts, limits) => {
        const whole = parseAll([bytesOf], limits);
        assert.ok(whole.error === undefined || whole.error instanceof ProtocolError, `got ${whole.error}`);
        for (const chunks of [cutAt(bytesOf, cuts), singleBytes(bytesOf)]) {
          const pieces = parseAll(chunks, limits);
          assert.deepEqual(pieces.seen, whole.seen);
          assert.equal(pieces.error instanceof ProtocolError, whole.error instanceof ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });
}
