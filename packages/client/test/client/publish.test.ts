import assert from "node:assert/strict";
import { test } from "node:test";
import { headers, InvalidArgumentError, InvalidSubjectError, type Msg } from "@nats-io/nats-core";
import { ReconnectBufferFullError, type Undelivered } from "../../src/index.ts";
import { startFakeServer } from "../../src/testing/index.ts";
import { Bed, connected, statusOf } from "./harness.ts";

const bed = new Bed();

test("publishes text and bytes, with headers and a reply", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a.>");
  const block = headers();
  block.set("A", "1");
  assert.equal(nc.publish("a.text", "größe"), true);
  nc.publish("a.bytes", new Uint8Array([0, 255]), { reply: "back", headers: block });
  nc.publish("a.empty");
  await nc.flush();
  sub.unsubscribe();
  const got: Msg[] = [];
  for await (const msg of sub) got.push(msg);
  assert.deepEqual(
    got.map((msg) => [msg.subject, msg.string(), msg.reply, msg.headers?.get("A")]),
    [
      ["a.text", "größe", "", undefined],
      ["a.bytes", "\u0000\uFFFD", "back", "1"],
      ["a.empty", "", "", undefined],
    ],
  );
});

test("publishMessage() sends a message on, respondMessage() answers it", async (t) => {
  const nc = await bed.connect(t);
  const seen: string[] = [];
  nc.subscribe("copy", {
    callback: (_error, msg) => {
      seen.push(`${msg.string()} ${msg.reply} ${msg.headers?.get("A")}`);
    },
  });
  nc.subscribe("svc", {
    callback: (_error, msg) => {
      nc.publishMessage({ ...contentOf(msg), subject: "copy" });
      assert.equal(nc.respondMessage(msg), true);
    },
  });
  const block = headers();
  block.set("A", "1");
  const answer = await nc.request("svc", "echo", { timeout: 1000, headers: block });
  assert.deepEqual([answer.string(), answer.headers?.get("A")], ["echo", "1"]);
  await nc.flush();
  assert.equal(seen.length, 1);
  assert.match(seen[0] ?? "", /^echo _INBOX\S+ 1$/);
  const { reply: _, ...unanswerable } = contentOf(answer);
  assert.equal(nc.respondMessage(unanswerable), false);
});

test("what the caller passes is read before publish() returns, and never written to", async (t) => {
  const nc = await bed.connect(t);
  const sub = nc.subscribe("a", { max: 2 });
  const payload = new TextEncoder().encode("first");
  const block = headers();
  const options = Object.freeze({ headers: block, traceDestination: "trace" });
  nc.publish("a", payload, options);
  payload.fill(120);
  block.set("Later", "1");
  nc.publish("a", payload);
  const got: Msg[] = [];
  for await (const msg of sub) got.push(msg);
  assert.deepEqual(
    got.map((msg) => msg.string()),
    ["first", "xxxxx"],
  );
  assert.deepEqual(got[0]?.headers?.keys(), ["Nats-Trace-Dest"]);
  assert.deepEqual(block.keys(), ["Later"]);
});

test("refuses what cannot be published, with nats-core's errors, and counts it as refused or not at all", async (t) => {
  const nc = await bed.connect(t);
  for (const subject of ["", "a b", "a\r\nPUB b 0\r\n", "a.*", "a.>"]) {
    assert.throws(() => nc.publish(subject), InvalidSubjectError, subject);
    if (subject !== "") assert.throws(() => nc.publish("a", "", { reply: subject }), InvalidSubjectError, subject);
  }
  const tooLarge = new Uint8Array(1024 * 1024 + 1);
  assert.throws(() => nc.publish("a", tooLarge), InvalidArgumentError);
  assert.throws(() => nc.publish("a".repeat(5000)), InvalidArgumentError);
  for (const payload of [42, {}, [1, 2], new ArrayBuffer(4)]) {
    assert.throws(
      () => Reflect.apply(nc.publish, nc, ["a", payload]),
      new TypeError("payload types can be strings or Uint8Array"),
    );
  }
  assert.throws(() => Reflect.apply(nc.publish, nc, ["a", "", { headers: { A: "1" } }]), InvalidArgumentError);
  const counts = nc.outbound.counts();
  assert.deepEqual([counts.accepted, counts.refused], [0, 2]);
  nc.publish("a", "goes on");
  await nc.flush();
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("headers to a server without headers are refused", async (t) => {
  const server = await startFakeServer({ info: { headers: false } });
  t.after(() => server.stop());
  const nc = await connected(t, { servers: server.url });
  const block = headers();
  block.set("A", "1");
  assert.throws(() => nc.publish("a", "", { headers: block }), InvalidArgumentError);
  assert.equal(nc.publish("a", "", { headers: headers() }), true);
  await nc.flush();
});

test("while down publishes are held and sent in order; what belongs to a connection expires at once", async (t) => {
  const handedBack: Undelivered[] = [];
  const nc = await bed.connect(t, {
    onUndelivered: (batch) => {
      handedBack.push(...batch);
    },
  });
  const sub = nc.subscribe("a");
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  const block = headers();
  block.set("A", "1");
  for (let n = 0; n < 5; n++) assert.equal(nc.publish("a", String(n)), true);
  assert.equal(nc.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", "{}", { reply: "inbox", headers: block }), true);
  assert.equal(nc.publish("$JS.FC.S.C.x"), true);
  const { expired, buffered } = nc.outbound.counts();
  assert.deepEqual([expired, buffered, nc.outbound.usable], [2, 5, false]);
  assert.equal(nc.outbound.held.messages, 5);
  assert.equal(nc.outbound.limit.bytes, 8 * 1024 * 1024);
  await bed.server.restart();
  await nc.flush();
  sub.unsubscribe();
  const got: string[] = [];
  for await (const msg of sub) got.push(msg.string());
  assert.deepEqual(got, ["0", "1", "2", "3", "4"]);
  assert.deepEqual(
    handedBack.map(({ subject, reply, state }) => [subject, reply, state]),
    [
      ["$JS.API.CONSUMER.MSG.NEXT.S.C", "inbox", "expired"],
      ["$JS.FC.S.C.x", undefined, "expired"],
    ],
  );
  assert.equal(handedBack[0]?.headers?.get("A"), "1");
  assert.equal(handedBack[1] !== undefined && "headers" in handedBack[1], false);
});

test("publish() throws when the reconnect buffer is full, and says false before that", async (t) => {
  const nc = await bed.connect(t, { reconnectBuffer: { maxMessages: 10 } });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  const answers = Array.from({ length: 10 }, () => nc.publish("a", "x"));
  assert.deepEqual(answers, [true, true, true, true, true, true, true, false, false, false]);
  assert.throws(() => nc.publish("a", "x"), ReconnectBufferFullError);
  assert.equal(nc.outbound.counts().refused, 1);
  await bed.server.restart();
  await nc.flush();
  assert.equal(nc.outbound.counts().confirmed, 10);
});

test("an onUndelivered that throws is reported, and stops nothing", async (t) => {
  let calls = 0;
  const nc = await bed.connect(t, {
    onUndelivered: () => {
      calls++;
      throw new Error("listener");
    },
  });
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  const reported = statusOf(nc, "error");
  nc.publish("$JS.FC.S.C.x");
  assert.equal((await reported).error.message, "listener");
  nc.publish("$JS.FC.S.C.x");
  await bed.server.restart();
  await nc.flush();
  await nc.close();
  assert.equal(calls, 2);
});

/** A message made by hand: the getters of a real one are not copied by a spread. */
function contentOf(msg: Msg): Msg {
  const { subject, sid, data, reply, headers: block } = msg;
  const nothing = { respond: () => false, json: () => JSON.parse("null"), string: () => "" };
  return { subject, sid, data, ...(reply ? { reply } : {}), ...(block ? { headers: block } : {}), ...nothing };
}
