import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerReader } from "../../src/stream/pub-ack.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("acknowledgements of one stream are read by their digits once the first was read", () => {
  const reader = new AnswerReader();
  const first = bytes('{"stream":"ORDERS","domain":"hub","seq":7}');
  assert.equal(reader.quick(first), null);
  assert.deepEqual(reader.read(first), { kind: "stored", ack: { stream: "ORDERS", domain: "hub", seq: 7, duplicate: false } });
  const next = reader.quick(bytes('{"stream":"ORDERS","domain":"hub","seq":4294967297}'));
  assert.deepEqual(next, { stream: "ORDERS", domain: "hub", seq: 4_294_967_297, duplicate: false });
});

test("what differs in the least from the first one is left to JSON", () => {
  const reader = new AnswerReader();
  reader.read(bytes('{"stream":"A", "seq":1}'));
  assert.deepEqual(reader.quick(bytes('{"stream":"A", "seq":12}')), { stream: "A", seq: 12, duplicate: false });
  for (const text of [
    '{"stream":"B", "seq":2}',
    '{"stream":"A","seq":2}',
    '{"stream":"A", "seq":2,"duplicate": true}',
    '{"stream":"A", "seq":}',
    '{"stream":"A", "seq":2',
    '{"stream":"A", "seq":2}}',
    '{"stream":"A", "seq":-2}',
    '{"stream":"A", "seq":99999999999999999}',
    "",
  ]) {
    assert.equal(reader.quick(bytes(text)), null, text);
  }
});

test("every kind of answer is told from the others", () => {
  const kinds: [string, unknown][] = [
    ['{"stream":"A","seq":2,"duplicate": true}', { kind: "stored", ack: { stream: "A", seq: 2, duplicate: true } }],
    [
      '{"stream":"A","seq":9,"batch":"b","count":3}',
      { kind: "batch", ack: { stream: "A", seq: 9, duplicate: false, batch: "b", count: 3 } },
    ],
    [
      '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"},"stream":"A","seq":0}',
      { kind: "error", error: { code: 400, err_code: 10_071, description: "wrong last sequence: 1" } },
    ],
    ['{"type":"ack","seq":500,"msgs":100}', { kind: "flow", seq: 500, interval: 100 }],
    ['{"type":"gap","last_seq":3,"seq":5}', { kind: "gap" }],
    [
      '{"type":"err","seq":4,"error":{"code":400,"err_code":10054,"description":"too large"}}',
      { kind: "refused", seq: 4, error: { code: 400, err_code: 10_054, description: "too large" } },
    ],
    ['{"stream":""}', { kind: "unknown" }],
    ["+OK", { kind: "unknown" }],
    ["null", { kind: "unknown" }],
    ["", { kind: "unknown" }],
  ];
  for (const [text, expected] of kinds) assert.deepEqual(new AnswerReader().read(bytes(text)), expected, text);
});
