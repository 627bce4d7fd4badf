import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/nats-core";
import { belongsToConnection } from "../../src/client/classify.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function belongs(
  subject: string,
  options: { reply?: string; payload?: string | Uint8Array; headers?: Record<string, string> } = {},
): boolean {
  const block = headers();
  for (const [name, value] of Object.entries(options.headers ?? {})) block.set(name, value);
  return belongsToConnection(subject, options.reply ?? "", options.headers && block, options.payload ?? "");
}

test("pulls belong to the connection, also behind a domain or another prefix", () => {
  const reply = "_INBOX.x";
  assert.equal(belongs("$JS.API.CONSUMER.MSG.NEXT.S.C", { reply }), true);
  assert.equal(belongs("$JS.hub.API.CONSUMER.MSG.NEXT.S.C", { reply }), true);
  assert.equal(belongs("imported.API.CONSUMER.MSG.NEXT.S.C", { reply }), true);
});

test("flow control belongs to the connection", () => {
  assert.equal(belongs("$JS.FC.S.C.abc"), true);
});

test("+WPI and +NXT belong to the connection, as text and as bytes", () => {
  for (const payload of ["+WPI", "+NXT", '+NXT {"batch":1}']) {
    assert.equal(belongs("$JS.ACK.S.C.1.1.1.1.0", { payload }), true, payload);
    assert.equal(belongs("$JS.ACK.S.C.1.1.1.1.0", { payload: bytes(payload) }), true, payload);
  }
});

test("final acknowledgements are held, and so is everything else", () => {
  for (const payload of ["+ACK", "-NAK", '-NAK {"delay":1}', "+TERM", "+WPI and more", "", "+W"]) {
    assert.equal(belongs("$JS.ACK.S.C.1.1.1.1.0", { payload: bytes(payload) }), false, payload);
  }
  assert.equal(belongs("orders.new", { payload: "+WPI" }), false);
  assert.equal(belongs("$JS.API.STREAM.INFO.S", { reply: "_INBOX.x" }), false);
  assert.equal(belongs("orders.new", { reply: "_INBOX.x", headers: { "Nats-Msg-Id": "1" } }), false);
});

test("messages of atomic and fast batches belong to the connection", () => {
  assert.equal(belongs("orders.new", { headers: { "Nats-Batch-Id": "b" } }), true);
  assert.equal(belongs("orders.new", { reply: "_INBOX.batch.10.fail.2.1.$FI" }), true);
});
