import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeFrame, frameEnd, frameHasHeaders, framePayloadSize } from "../../src/protocol/frame.ts";
import { maxPubBytes, PubEncoder } from "../../src/protocol/pub-encoder.ts";

interface Publish {
  readonly subject: string;
  readonly reply: string;
  readonly headers: Uint8Array | null;
  readonly payload: Uint8Array | string;
}

/** Frames one behind the other, as in a slab, with room left over that holds old bytes. */
function slabOf(list: readonly Publish[]): { slab: Buffer; ends: number[] } {
  const room = list.reduce((sum, p) => sum + maxPubBytes(p.subject, p.reply, p.headers, p.payload), 0);
  const slab = Buffer.alloc(room + 10, "PUB x 9\r\n");
  const view = new DataView(slab.buffer, slab.byteOffset, slab.length);
  const encoder = new PubEncoder();
  const ends: number[] = [];
  let at = 0;
  for (const p of list) {
    at = encoder.encode(slab, view, at, p.subject, p.reply, p.headers, p.payload);
    ends.push(at);
  }
  return { slab, ends };
}

/** As UTF-8 gives it back: lone surrogates replaced. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 30 })
  .map((units) => String.fromCharCode(...units));
const subject = fc
  .oneof(anyUnits, fc.string({ unit: "binary", minLength: 1, maxLength: 60 }))
  .map((text) => text.replace(/[ \t\r\n]/g, "_"));
const publish: fc.Arbitrary<Publish> = fc.record({
  subject,
  reply: fc.oneof(fc.constant(""), subject),
  headers: fc.option(fc.uint8Array({ minLength: 1, maxLength: 100 })),
  payload: fc.oneof(anyUnits, fc.uint8Array({ maxLength: 1200 })),
});

test("what was encoded is decoded, frame after frame", () => {
  fc.assert(
    fc.property(fc.array(publish, { minLength: 1, maxLength: 5 }), (list) => {
      const { slab, ends } = slabOf(list);
      let at = 0;
      for (const [i, p] of list.entries()) {
        const decoded = decodeFrame(slab, at);
        assert.equal(decoded.subject, wellFormed(p.subject));
        assert.equal(decoded.reply, p.reply === "" ? undefined : wellFormed(p.reply));
        assert.deepEqual(decoded.headers, p.headers === null ? undefined : new Uint8Array(p.headers));
        assert.deepEqual(Buffer.from(decoded.data), Buffer.from(p.payload));
        assert.equal(decoded.end, ends[i]);
        assert.equal(frameEnd(slab, at), ends[i]);
        assert.equal(framePayloadSize(slab, at), (p.headers?.length ?? 0) + Buffer.from(p.payload).length);
        assert.equal(frameHasHeaders(slab, at), p.headers !== null);
        at = decoded.end;
      }
    }),
    { numRuns: 1000 },
  );
});

test("a subject that begins with U+FEFF keeps it", () => {
  const { slab } = slabOf([{ subject: "\ufeffa", reply: "\ufeff", headers: null, payload: "" }]);
  assert.equal(decodeFrame(slab, 0).subject, "\ufeffa");
  assert.equal(decodeFrame(slab, 0).reply, "\ufeff");
});

test("subjects and replies made of digits are not taken for sizes", () => {
  const { slab, ends } = slabOf([{ subject: "12", reply: "34", headers: Buffer.from("NATS/1.0\r\n\r\n"), payload: "5 6" }]);
  assert.equal(frameEnd(slab, 0), ends[0]);
  assert.deepEqual(
    { ...decodeFrame(slab, 0), headers: undefined },
    {
      subject: "12",
      reply: "34",
      headers: undefined,
      data: new TextEncoder().encode("5 6"),
      end: ends[0],
    },
  );
});

test("decoded headers and data are copies that do not hold on to the slab", () => {
  const { slab } = slabOf([{ subject: "a", reply: "", headers: Buffer.from("NATS/1.0\r\n\r\n"), payload: "hello" }]);
  const { headers, data } = decodeFrame(slab, 0);
  slab.fill(0);
  assert.equal(Buffer.from(data).toString(), "hello");
  assert.equal(Buffer.from(headers ?? []).toString(), "NATS/1.0\r\n\r\n");
  assert.equal(data.buffer.byteLength, 5);
  assert.equal(headers?.buffer.byteLength, 12);
});

test("where no frame begins, every function throws and names the offset", () => {
  const corrupt: readonly (readonly [bytes: string, at: number])[] = [
    ["", 0],
    ["PING\r\n", 0],
    ["xPUB a 1\r\nx\r\n", 0],
    ["PUB a 1\r\nx\r\n", 12],
    ["PUB a 1", 0],
    ["PUB a \r\nx\r\n", 0],
    ["PUB a x\r\nx\r\n", 0],
    ["PUB a1\r\n", 0],
    ["SUB a 1\r\n", 0],
  ];
  for (const [text, at] of corrupt) {
    const bytes = Buffer.from(text);
    for (const read of [frameEnd, decodeFrame]) {
      assert.throws(
        () => read(bytes, at),
        new RegExp(`begins at offset ${at}: the log is corrupt`),
        `${read.name} ${JSON.stringify(text)}`,
      );
    }
  }
  assert.throws(() => frameHasHeaders(Buffer.from("xPUB"), 0), /offset 0/);
  assert.throws(() => framePayloadSize(Buffer.from("abPUB a x\r\n"), 2), /offset 2/);
});

test("a frame that its bytes cut short is an error", () => {
  const { slab, ends } = slabOf([{ subject: "a", reply: "", headers: null, payload: "hello" }]);
  const cut = slab.subarray(0, (ends[0] ?? 0) - 1);
  assert.throws(() => frameEnd(cut, 0), /no whole PUB or HPUB frame/);
  assert.throws(() => decodeFrame(cut, 0), /no whole PUB or HPUB frame/);
});

test("decoding refuses fields that no encoder of ours writes", () => {
  for (const text of [
    "PUB 1\r\nx\r\n",
    "PUB a b c 1\r\nx\r\n",
    "HPUB a 1\r\nx\r\n",
    "HPUB a 2 1\r\nx\r\n",
    "HPUB a x 1\r\nx\r\n",
  ]) {
    assert.throws(() => decodeFrame(Buffer.from(text), 0), /corrupt/, text);
  }
});
