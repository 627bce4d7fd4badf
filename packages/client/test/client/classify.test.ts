import assert from "node:assert/strict";
import { test } from "node:test";
import { headers } from "@nats-io/nats-core";
import { asResponse, classify, classifyRequest } from "../../src/client/classify.ts";
import { Inboxes } from "../../src/inbound/inboxes.ts";
import type { Treatment } from "../../src/outbound/treatment.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ack = "$JS.ACK.S.C.1.1.1.1.0";
const bound = { bound: true, delivery: "at-most-once" };
const boundReserved = { ...bound, reserved: true };

function treated(
  subject: string,
  options: { reply?: string; payload?: string | Uint8Array; headers?: Record<string, string>; own?: string[] } = {},
): Treatment | undefined {
  const block = headers();
  for (const [name, value] of Object.entries(options.headers ?? {})) block.set(name, value);
  const inboxes = new Inboxes("_INBOX");
  for (const own of options.own ?? []) inboxes.add(own);
  return classify(subject, options.reply ?? "", options.headers && block, options.payload ?? "", inboxes);
}

test("an ordinary publish has no treatment, also with a reply, headers, or a payload that looks like an acknowledgement", () => {
  assert.equal(treated("orders.new"), undefined);
  assert.equal(treated("$SYS.REQ.X"), undefined);
  assert.equal(treated("$JSX.API"), undefined);
  assert.equal(treated("orders.new", { payload: "+WPI" }), undefined);
  assert.equal(treated("orders.new", { reply: "answers.here", headers: { "Nats-Msg-Id": "1" } }), undefined);
});

test("pulls belong to the connection, also behind a domain or another prefix", () => {
  const reply = "_INBOX.x";
  for (const own of [[], [reply]]) {
    assert.deepEqual(treated("$JS.API.CONSUMER.MSG.NEXT.S.C", { reply, own }), boundReserved);
    assert.deepEqual(treated("$JS.hub.API.CONSUMER.MSG.NEXT.S.C", { reply, own }), boundReserved);
  }
  assert.deepEqual(treated("imported.API.CONSUMER.MSG.NEXT.S.C", { reply }), bound);
  assert.deepEqual(treated("imported.API.CONSUMER.MSG.NEXT.S.C", { reply, own: [reply] }), boundReserved);
});

test("flow control belongs to the connection", () => {
  assert.deepEqual(treated("$JS.FC.S.C.abc"), boundReserved);
});

test("+WPI and +NXT belong to the connection, as text and as bytes", () => {
  for (const payload of ["+WPI", "+NXT", '+NXT {"batch":1}']) {
    assert.deepEqual(treated(ack, { payload }), boundReserved, payload);
    assert.deepEqual(treated(ack, { payload: bytes(payload) }), boundReserved, payload);
  }
});

test("final acknowledgements are held, may use the reserve, and are delivered as the connection's option says", () => {
  for (const payload of ["+ACK", "-NAK", '-NAK {"delay":1}', "+TERM", "+TERM reason", "+WPI and more", "", "+W"]) {
    assert.deepEqual(treated(ack, { payload: bytes(payload) }), { reserved: true }, payload);
  }
});

test("the other traffic of JetStream may use the reserve", () => {
  assert.deepEqual(treated("$JS.API.STREAM.INFO.S", { reply: "answers.here" }), { reserved: true });
});

test("what is answered at one of our own inboxes is a request: it may use the reserve and is not sent again", () => {
  const asking = { reserved: true, delivery: "at-most-once" };
  const own = ["_INBOX.own", "_INBOX.mux.*"];
  for (const subject of ["orders.new", "$JS.API.DIRECT.GET.S"]) {
    assert.deepEqual(treated(subject, { reply: "_INBOX.own", own }), asking);
    assert.deepEqual(treated(subject, { reply: "_INBOX.mux.1-1", own }), asking);
  }
});

test("what a gateway passes on carries the inboxes of others, and is an ordinary publish", () => {
  const own = ["_INBOX.own", "_INBOX.mux.*"];
  assert.equal(treated("orders.new", { reply: "_INBOX.other", own }), undefined);
  assert.equal(treated("orders.new", { reply: "_INBOX.other.1-1", own }), undefined);
});

test("an answer that carries its own subject as its reply waits for no answer", () => {
  assert.equal(treated("_INBOX.mux.1-1", { reply: "_INBOX.mux.1-1", own: ["_INBOX.mux.*"] }), undefined);
});

test("messages of atomic and fast batches belong to the connection, not only as requests", () => {
  const headersOf = { "Nats-Batch-Id": "b" };
  const reply = "_INBOX.batch.10.fail.2.1.$FI";
  assert.deepEqual(treated("orders.new", { headers: headersOf }), bound);
  assert.deepEqual(treated("orders.new", { reply }), bound);
  assert.deepEqual(treated("orders.new", { reply, own: ["_INBOX.batch.>"] }), boundReserved);
  const block = headers();
  assert.equal(classifyRequest(undefined), undefined);
  assert.equal(classifyRequest(block), undefined);
  block.set("Nats-Batch-Id", "b");
  assert.deepEqual(classifyRequest(block), boundReserved);
});

test("an answer may use the reserve, and is otherwise what it is", () => {
  assert.deepEqual(asResponse(undefined), { reserved: true });
  assert.deepEqual(asResponse(treated("orders.new", { headers: { "Nats-Batch-Id": "b" } })), boundReserved);
  assert.deepEqual(asResponse({ delivery: "at-least-once", maxAge: 5 }), {
    delivery: "at-least-once",
    maxAge: 5,
    reserved: true,
  });
});

test("treatments are shared and cannot be changed; a plain one costs no object", () => {
  const first = treated(ack, { payload: "+ACK" });
  assert.ok(Object.isFrozen(first));
  assert.equal(treated(ack, { payload: "+ACK" }), first);
  assert.equal(asResponse(first), first);
});
