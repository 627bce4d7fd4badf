/** `publishToStream()` on a calm link: what it resolves and rejects with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  headers,
  JetStreamApiError,
  NoRespondersError,
  publishToStream,
  StreamPublishError,
  StreamPublisherFullError,
} from "../../src/index.ts";
import { openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, open, startServer, until } from "./peers-harness.ts";

test("messages are stored in order, and acknowledged as by the official module", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  const acks = [];
  for (const number of numbers(1, 2_000)) {
    await events.ready();
    acks.push(events.publish("events", number));
  }
  const last = (await Promise.all(acks)).at(-1);
  assert.deepEqual(last, { stream: "EVENTS", seq: 2_000, duplicate: false });
  const theirs = await js.js.publish("events", "one more");
  assert.deepEqual({ ...last, seq: 2_001 }, theirs);
  assert.deepEqual((await js.stored()).slice(0, 2_000), numbers(1, 2_000));
  assert.equal(events.outstanding, 0);
  await events.close();
  assertIdentity(js.nc);
  const { confirmed, accepted } = js.nc.outbound.counts();
  assert.equal(confirmed, accepted);
});

test("a message has the headers of the official module's options, and bytes as they were at the call", limit, async (t) => {
  const js = await openJs(t, { stream: { allow_msg_ttl: true } });
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  const given = headers();
  given.set("Color", "blue");
  const payload = new TextEncoder().encode("abc");
  const ack = events.publish("events.1", payload, {
    msgID: "first",
    headers: given,
    ttl: "1h",
    expect: { streamName: "EVENTS", lastSequence: 0, lastSubjectSequence: 0, lastSubjectSequenceSubject: "events.*" },
  });
  payload.fill(0);
  given.set("Color", "red");
  await ack;
  const [sent] = js.wire.sent("events.1");
  const expected = {
    Color: "blue",
    "Nats-Msg-Id": "first",
    "Nats-TTL": "1h",
    "Nats-Expected-Stream": "EVENTS",
    "Nats-Expected-Last-Sequence": "0",
    "Nats-Expected-Last-Subject-Sequence": "0",
    "Nats-Expected-Last-Subject-Sequence-Subject": "events.*",
  };
  for (const [name, value] of Object.entries(expected))
    assert.match(sent?.headers ?? "", new RegExp(`${name}: ${value.replace("*", "\\*")}\r\n`));
  assert.equal(sent?.text, "abc");
  assert.deepEqual(given.keys(), ["Color"], "what was passed is not written to");
});

test("a second message with the id of a first is acknowledged as its duplicate", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  assert.deepEqual(await events.publish("events", "1", { msgID: "same" }), { stream: "EVENTS", seq: 1, duplicate: false });
  assert.deepEqual(await events.publish("events", "2", { msgID: "same" }), { stream: "EVENTS", seq: 1, duplicate: true });
  assert.deepEqual(await js.stored(), ["1"]);
});

test(
  "an expectation that does not hold rejects at once, with the code of the official module, and is not sent again",
  limit,
  async (t) => {
    const js = await openJs(t);
    if (js === undefined) return;
    const events = publishToStream(js.nc);
    await events.publish("events", "1");
    const options = { expect: { lastSequence: 7 } };
    const theirs = await js.js.publish("events", "2", options).catch((error: unknown) => error);
    const ours = await events.publish("events", "2", options).catch((error: unknown) => error);
    assert.ok(ours instanceof JetStreamApiError);
    const shape = (error: unknown): unknown => {
      const { name, message, code, status } = error as JetStreamApiError;
      return { name, message, code, status, api: (error as JetStreamApiError).apiError() };
    };
    assert.deepEqual(shape(ours), shape(theirs));
    assert.equal(ours.state, "notStored");
    assert.equal(js.wire.sent("events").length, 3);
  },
);

test("a stream that is full and discards new messages rejects them, and goes on when there is room", limit, async (t) => {
  const js = await openJs(t, { stream: { max_msgs: 2, discard: "new" } });
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  const results = await Promise.allSettled(numbers(1, 4).map((number) => events.publish("events", number)));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "rejected"],
  );
  for (const result of results.slice(2)) {
    assert.ok(result.status === "rejected" && result.reason instanceof JetStreamApiError);
    assert.deepEqual([result.reason.message, result.reason.state], ["maximum messages exceeded", "notStored"]);
  }
  await js.manager.streams.purge("EVENTS");
  assert.equal((await events.publish("events", "5")).seq, 3);
});

test(
  "no more than maxOutstanding messages and bytes are taken: one too many rejects, and ready() lets one by one go",
  limit,
  async (t) => {
    const js = await openJs(t);
    if (js === undefined) return;
    js.line.proxy.toClient.hold();
    const events = publishToStream(js.nc, { maxOutstanding: 10 });
    const acks = numbers(1, 10).map((number) => events.publish("events", number));
    assert.deepEqual([events.writable, events.outstanding], [false, 10]);
    await assert.rejects(events.publish("events", "11"), StreamPublisherFullError);
    let most = 0;
    const workers = numbers(1, 30).map(async (number) => {
      await events.ready();
      acks.push(events.publish("events.more", number));
      most = Math.max(most, events.outstanding);
    });
    await assert.rejects(events.ready({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
    js.line.proxy.toClient.forward();
    await Promise.all(workers);
    await Promise.all(acks);
    assert.equal(most, 10);
    assert.equal((await js.stored()).length, 40);

    const bytes = publishToStream(js.nc, { maxOutstandingBytes: 1_000 });
    js.line.proxy.toClient.hold();
    const large = bytes.publish("events", "x".repeat(5_000));
    assert.equal(bytes.writable, false);
    await assert.rejects(bytes.publish("events", "1"), StreamPublisherFullError);
    js.line.proxy.toClient.forward();
    await large;
  },
);

test("without JetStream every message is given up after its retries, and is not stored", limit, async (t) => {
  const server = await startServer(t);
  const nc = await open(t, { servers: server.url });
  const events = publishToStream(nc, { retries: 2 });
  const error = await events.publish("events", "1").catch((reason: unknown) => reason);
  assert.ok(error instanceof StreamPublishError);
  assert.deepEqual([error.state, error.attempts], ["notStored", 3]);
  assert.ok(error.cause instanceof NoRespondersError);
  await assert.rejects(events.publish("events", "1", { retries: 0 }), { state: "notStored", attempts: 1 });
});

test("messages wait for a stream that is made later, and are stored in order", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const later = publishToStream(js.nc);
  const acks = numbers(1, 100).map((number) => later.publish("later", number));
  const refused = (): number => js.wire.messages.filter(({ headers: block }) => block.startsWith("NATS/1.0 503")).length;
  await until("all were refused", () => refused() >= 100);
  await js.nc.flush();
  acks.push(...numbers(101, 200).map((number) => later.publish("later", number)));
  await js.manager.streams.add({ name: "LATER", subjects: ["later"] });
  const all = await Promise.all(acks);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    numbers(1, 200).map(Number),
  );
  assert.ok(all.every(({ duplicate }) => !duplicate));
});

test("a message that the server refuses rejects with the permission violation; others go on", limit, async (t) => {
  const js = await openJs(t, {
    server: {
      config: `authorization { users: [{ user: a, password: b, permissions: { publish: { deny: "events.secret" } } }] }`,
    },
    client: { user: "a", pass: "b" },
    second: { user: "a", pass: "b" },
  });
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  const secret = events.publish("events.secret", "1").catch((error: unknown) => error);
  const open = events.publish("events", "2");
  const error = await secret;
  assert.ok(error instanceof StreamPublishError);
  assert.equal((error.cause as Error).name, "PermissionViolationError");
  assert.equal((await open).seq, 1);
});

test("a message that the connection refuses rejects with the connection's error, and takes no place", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  await assert.rejects(events.publish("events", "x".repeat(2 * 1024 * 1024)), { name: "InvalidArgumentError" });
  await assert.rejects(events.publish("events.*", "x"), { name: "InvalidSubjectError" });
  await assert.rejects(events.publish("events", 7 as unknown as string), TypeError);
  await assert.rejects(events.publish("events", "x", { timeout: 0 }), { name: "InvalidArgumentError" });
  await assert.rejects(events.publish("events", "x", { msgID: "a\r\nb" }), Error);
  assert.equal(events.outstanding, 0);
  assert.equal((await events.publish("events", "1")).seq, 1);
});
