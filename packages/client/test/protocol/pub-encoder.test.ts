import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeFrame, decodeHead } from "../../src/protocol/frame.ts";
import { FRAME_END, maxPubBytes, PubEncoder } from "../../src/protocol/pub-encoder.ts";

interface Publish {
  readonly subject: string;
  readonly reply: string;
  readonly headers: Uint8Array | null;
  readonly payload: Uint8Array | string;
}

/** The bytes the protocol demands, put together from whole strings. */
function expectedPub({ subject, reply, headers, payload }: Publish): Buffer {
  const data = Buffer.from(payload);
  const block = Buffer.from(headers ?? []);
  const names = reply === "" ? subject : `${subject} ${reply}`;
  const line = block.length > 0 ? `HPUB ${names} ${block.length} ${block.length + data.length}` : `PUB ${names} ${data.length}`;
  return Buffer.concat([Buffer.from(`${line}\r\n`), block, data, Buffer.from("\r\n")]);
}

/** What is written, with a guard before it and exactly the promised room behind it. */
function encoded(p: Publish, encoder = new PubEncoder()): Buffer {
  const room = maxPubBytes(p.subject, p.reply, p.headers, p.payload);
  const into = Buffer.alloc(3 + room, "#");
  const end = encoder.encode(into, viewOf(into), 3, p.subject, p.reply, p.headers, p.payload);
  assert.equal(into.toString("latin1", 0, 3), "###");
  assert.ok(end <= into.length);
  return into.subarray(3, end);
}

function viewOf(memory: Buffer): DataView {
  return new DataView(memory.buffer, memory.byteOffset, memory.length);
}

function check(p: Publish, encoder?: PubEncoder): void {
  const bytes = encoded(p, encoder);
  const expected = expectedPub(p);
  assert.equal(bytes.toString("latin1"), expected.toString("latin1"));
}

const plain: Publish = { subject: "greet.joe", reply: "", headers: null, payload: "hello" };

test("a PUB is written", () => {
  assert.equal(encoded(plain).toString(), "PUB greet.joe 5\r\nhello\r\n");
});

test("a PUB with a reply is written", () => {
  assert.equal(encoded({ ...plain, reply: "_INBOX.1" }).toString(), "PUB greet.joe _INBOX.1 5\r\nhello\r\n");
});

test("an HPUB is written with the bytes of its headers and of both together", () => {
  const headers = Buffer.from("NATS/1.0\r\nA: b\r\n\r\n");
  assert.equal(
    encoded({ ...plain, reply: "r", headers }).toString(),
    "HPUB greet.joe r 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n",
  );
});

test("an empty header block is no header block", () => {
  assert.equal(encoded({ ...plain, headers: new Uint8Array(0) }).toString(), "PUB greet.joe 5\r\nhello\r\n");
});

test("payloads of every size around the steps of the encoder are written", () => {
  for (const size of [
    0, 1, 8, 9, 10, 15, 16, 17, 31, 32, 33, 34, 99, 100, 341, 342, 999, 1000, 1023, 1024, 1025, 9999, 10_000, 70_000, 1_000_000,
  ]) {
    for (const unit of ["x", "é", "日"]) {
      check({ ...plain, payload: unit.repeat(size) });
      check({ ...plain, payload: Buffer.alloc(size, unit) });
      check({ ...plain, headers: Buffer.from("NATS/1.0\r\n\r\n"), payload: unit.repeat(size) });
    }
  }
});

test("subjects of every length around the step of the encoder are written, in any script", () => {
  for (let length = 1; length <= 70; length++) {
    for (const unit of ["s", "ß", "語"]) check({ ...plain, subject: unit.repeat(length), reply: unit.repeat(70 - length) });
  }
});

test("a character outside ASCII anywhere in a short text is written", () => {
  for (let at = 0; at <= 20; at++) {
    const text = `${"a".repeat(at)}🎉${"b".repeat(20 - at)}`;
    check({ ...plain, subject: text, payload: text });
  }
});

test("a lone surrogate becomes U+FFFD, as in every UTF-8 encoder", () => {
  assert.equal(encoded({ ...plain, subject: "a\ud800", payload: "\udc00b" }).toString(), "PUB a\ufffd 4\r\n\ufffdb\r\n");
});

test("a view of part of an ArrayBuffer is written as itself", () => {
  const payload = new Uint8Array(Buffer.from("--hello--").buffer.slice(0)).subarray(0);
  const part = new TextEncoder().encode("--hello--").subarray(2, 7);
  check({ ...plain, payload });
  check({ ...plain, payload: part });
});

/** Any UTF-16 at all, lone surrogates included, in lengths on both sides of every threshold. */
const anyText = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.tuple(fc.string({ unit: "binary", maxLength: 4 }), fc.nat(700)).map(([text, times]) => text.repeat(times)),
);
const fields = {
  subject: anyText,
  reply: anyText,
  headers: fc.option(fc.uint8Array({ maxLength: 120 })),
  payload: fc.oneof(anyText, fc.uint8Array({ maxLength: 1200 })),
};
const publish: fc.Arbitrary<Publish> = fc.record(fields);

test("any subject, reply, headers and payload are written as the protocol demands, in no more room than promised", () => {
  fc.assert(
    fc.property(publish, (each) => check(each)),
    { numRuns: 2000 },
  );
});

test("subjects that are repeated, or not, in any pattern are written", () => {
  const subjects = fc.array(
    fc.tuple(
      fc.constantFrom("a", "b", "a.b", "größe", "s".repeat(90), "s".repeat(91), "s".repeat(92), "t".repeat(200)),
      fc.nat(12),
    ),
    {
      maxLength: 30,
    },
  );
  const shapes = fc.record({ ...fields, subject: fc.constant("") });
  fc.assert(
    fc.property(subjects, shapes, (runs, shape) => {
      const encoder = new PubEncoder();
      for (const [subject, times] of runs) for (let n = 0; n < times; n++) check({ ...shape, subject }, encoder);
    }),
  );
});

test("lines that are repeated, or not, in any pattern are written, whatever the payloads are", () => {
  const step = fc.record({
    subject: fc.constantFrom("a", "b", "größe", "s".repeat(80), "s".repeat(85), "t".repeat(200)),
    reply: fc.constantFrom("", "", "", "r", "a"),
    headers: fc.constantFrom(
      null,
      null,
      new Uint8Array(0),
      Buffer.from("NATS/1.0\r\nA: 1\r\n\r\n"),
      Buffer.from("NATS/1.0\r\nB: 22\r\n\r\n"),
    ),
    payload: fc.constantFrom<Uint8Array | string>(
      "",
      "1",
      "é",
      "日本",
      "12",
      Buffer.from("12"),
      Buffer.alloc(31, "p"),
      Buffer.alloc(33, "q"),
    ),
    times: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const encoder = new PubEncoder();
      for (const { times, ...each } of steps) for (let n = 0; n < times; n++) check(each, encoder);
    }),
    { numRuns: 500 },
  );
});

test("every byte of a short payload is written, at any place of it", () => {
  for (let size = 0; size <= 40; size++) {
    const payload = Uint8Array.from({ length: size }, (_, i) => 255 - i * 3);
    check({ ...plain, payload });
    check({ ...plain, payload: Buffer.concat([Buffer.from("#"), payload]).subarray(1) });
  }
});

test("a subject is remembered again when they stop changing", () => {
  const encoder = new PubEncoder();
  for (let n = 0; n < 2_000; n++) check({ ...plain, subject: `orders.${n}`, reply: n % 3 === 0 ? "r" : "" }, encoder);
  for (let n = 0; n < 600; n++) check({ ...plain, subject: n % 100 === 0 ? "other" : "orders.same" }, encoder);
});

test("bytes of headers and payload are told, also where text is longer than its units", () => {
  const encoder = new PubEncoder();
  for (const payload of ["", "hello", "größe", "日".repeat(2000), Buffer.alloc(17)]) {
    for (const headers of [null, Buffer.from("NATS/1.0\r\n\r\n")]) {
      encoded({ ...plain, headers, payload }, encoder);
      assert.equal(encoder.payloadBytes, Buffer.from(payload).length + (headers?.length ?? 0));
    }
  }
});

test("the room for long strings is measured, not three times their length", () => {
  assert.ok(maxPubBytes("a", "", null, "x".repeat(1_000_000)) < 1_000_100);
});

test("a frame that does not fit is an error, never a frame cut short", () => {
  const into = Buffer.alloc(30);
  for (const payload of ["0123456789", "é".repeat(12), Buffer.alloc(14), "0123456789".repeat(10), Buffer.alloc(100)]) {
    assert.throws(() => new PubEncoder().encode(into, viewOf(into), 10, "a", "", null, payload), RangeError);
  }
});

test("a head is what stands before the payload, in memory of its own, and is read back as such", () => {
  const encoder = new PubEncoder();
  const block = Buffer.from("NATS/1.0\r\nA: b\r\n\r\n");
  const long = Buffer.from(`NATS/1.0\r\nA: ${"b".repeat(5000)}\r\n\r\n`);
  const huge = Buffer.from(`NATS/1.0\r\nA: ${"b".repeat(20_000)}\r\n\r\n`);
  const heads: Buffer[] = [];
  for (const headers of [null, new Uint8Array(0), block, huge, long]) {
    for (const reply of ["", "réponse"]) {
      for (const subject of ["a", "orders.created", "x".repeat(300)]) {
        const payload = Buffer.alloc(20_000, 46);
        const head = encoder.head(subject, reply, headers, payload.length);
        const whole = encoded({ subject, reply, headers, payload });
        assert.deepEqual(Buffer.concat([head, payload, FRAME_END]), whole);
        assert.equal(encoder.payloadBytes, payload.length + (headers?.length ?? 0));
        const { data, end, ...rest } = decodeFrame(whole, 0);
        assert.deepEqual(decodeHead(head, 0), rest);
        heads.push(head);
      }
    }
  }
  const texts = heads.map((head) => head.toString("latin1"));
  encoder.head("z".repeat(200), "", long, 1);
  assert.deepEqual(
    heads.map((head) => head.toString("latin1")),
    texts,
  );
});
