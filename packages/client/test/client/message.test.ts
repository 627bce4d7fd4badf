import assert from "node:assert/strict";
import { test } from "node:test";
import type { Payload, PublishOptions } from "@nats-io/nats-core";
import { decodeMessage, type MessagePublisher, NO_MESSAGE, type ReceivedMsg } from "../../src/client/message.ts";
import { hmsg, msg, rawMessage } from "./raw.ts";

const SLAB = 256 * 1024;

class Recorder implements MessagePublisher {
  readonly calls: unknown[] = [];

  publish(subject: string, payload?: Payload, options?: PublishOptions): boolean {
    this.calls.push(["publish", subject, payload, options]);
    return true;
  }

  respond(subject: string, payload?: Payload, options?: PublishOptions): boolean {
    this.calls.push(["respond", subject, payload, options]);
    return true;
  }
}

function received(wire: string, publisher: Recorder = new Recorder()): ReceivedMsg {
  return decodeMessage(rawMessage(wire, SLAB), publisher);
}

test("reads subject, sid, reply and payload of a MSG", () => {
  const message = received(msg("a.b", "_INBOX.1", "hello", 7));
  assert.equal(message.subject, "a.b");
  assert.equal(message.sid, 7);
  assert.equal(message.reply, "_INBOX.1");
  assert.equal(message.headers, undefined);
  assert.equal(message.string(), "hello");
  assert.deepEqual(message.data, new Uint8Array([104, 101, 108, 108, 111]));
});

test("reads the headers of an HMSG, and the payload behind them", () => {
  const message = received(hmsg("a", "", "\r\nName: x\r\nName: y", '{"n":1}'));
  assert.deepEqual(message.headers?.values("Name"), ["x", "y"]);
  assert.deepEqual(message.json(), { n: 1 });
  assert.equal(message.reply, "");
});

test("names may be UTF-8, and begin with what looks like a byte order mark", () => {
  const message = received(msg("größe.\u{1F680}", "\uFEFFreply", ""));
  assert.equal(message.subject, "größe.\u{1F680}");
  assert.equal(message.reply, "\uFEFFreply");
});

for (const [size, pinned] of [
  [16, 4096],
  [64, 4096],
  [65, 8192],
  [1024, 8192],
  [1025, 1025],
  [100_000, 100_000],
] as const) {
  test(`a message of ${size} bytes keeps no more than ${pinned} alive, and nothing of what it was read from`, () => {
    const headers = "\r\nName: value";
    const raw = rawMessage(hmsg("a.b", "reply", headers, "x".repeat(size)), SLAB);
    const message = decodeMessage(raw, new Recorder());
    raw.bytes.fill(0);
    assert.ok(message.data.buffer.byteLength <= pinned, `${message.data.buffer.byteLength} bytes`);
    assert.equal(message.string(), "x".repeat(size));
    assert.deepEqual([message.subject, message.reply, message.headers?.get("Name")], ["a.b", "reply", "value"]);
    assert.equal(message.size(), 3 + 5 + `NATS/1.0${headers}\r\n\r\n`.length + size);
  });
}

test("a large payload that the parser put together in a buffer of its own is not copied again", () => {
  const raw = rawMessage(msg("a", "", "x".repeat(1025)));
  const message = decodeMessage({ ...raw, isOwn: true }, new Recorder());
  assert.equal(message.data.buffer, raw.bytes.buffer);
  assert.equal(message.string(), "x".repeat(1025));
});

test("the text of a subject is left for the next message with the same", () => {
  const raw = rawMessage(msg("a", "", ""));
  const { subject } = decodeMessage(raw, new Recorder());
  assert.equal(raw.subject, subject);
});

test("data is a plain Uint8Array, also where the transport reads into a Buffer", () => {
  for (const size of [0, 16, 500, 5000]) {
    assert.equal(Object.getPrototypeOf(received(msg("a", "", "x".repeat(size))).data), Uint8Array.prototype);
  }
});

test("respond() answers to the reply subject, or returns false when there is none", () => {
  const recorder = new Recorder();
  assert.equal(received(msg("a", "r", ""), recorder).respond("yes", { reply: "next" }), true);
  assert.equal(received(msg("a", "", ""), recorder).respond("yes"), false);
  assert.deepEqual(recorder.calls, [["respond", "r", "yes", { reply: "next" }]]);
});

test("size() counts subject, reply, headers and payload", () => {
  const headers = "\r\nA: b";
  const message = received(hmsg("subject", "reply", headers, "payload"));
  assert.equal(message.size(), 7 + 5 + `NATS/1.0${headers}\r\n\r\n`.length + 7);
});

test("knows the server's no responders by its bytes", () => {
  assert.equal(received(hmsg("a", "", " 503", "")).isNoResponders, true);
  assert.equal(received(hmsg("a", "", " 503", "payload")).isNoResponders, false);
  assert.equal(received(hmsg("a", "", " 404", "")).isNoResponders, false);
  assert.equal(received(msg("a", "", "")).isNoResponders, false);
});

test("headers that are none throw where they are read, and nowhere else", () => {
  const message = received(hmsg("a", "", "\r\nbad name: x", ""));
  assert.equal(message.isNoResponders, false);
  assert.equal(message.subject, "a");
  assert.throws(() => message.headers, /not a valid character in a header name/);
});

test("requestInfo() is null without its header, and has times in it with it", () => {
  assert.equal(received(msg("a", "", "")).requestInfo(), null);
  const info = received(hmsg("a", "", '\r\nNats-Request-Info: {"acc":"A","start":"2026-01-01T00:00:00Z"}', "")).requestInfo();
  assert.deepEqual(info, { acc: "A", start: new Date("2026-01-01T00:00:00Z") });
});

test("the message beside an error has nothing in it", () => {
  assert.equal(NO_MESSAGE.respond(), false);
  assert.equal(NO_MESSAGE.data.length, 0);
  assert.equal(NO_MESSAGE.headers, undefined);
});
