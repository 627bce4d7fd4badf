import assert from "node:assert/strict";
import { test } from "node:test";
import { FlushError, ReconnectBufferFullError } from "../src/errors.ts";

const asked = { messages: 1, bytes: 40 };

test("ReconnectBufferFullError names the option, its limits, what is held and what was asked", () => {
  const error = new ReconnectBufferFullError("reconnectBuffer", { messages: 5, bytes: 100 }, { messages: 2, bytes: 70 }, asked);
  assert.equal(
    error.message,
    "reconnectBuffer is full: limit 100 bytes and 5 messages, held 70 bytes in 2 messages, asked for 40 bytes",
  );
  assert.equal(error.name, "ReconnectBufferFullError");
  assert.ok(error instanceof Error);
  assert.deepEqual([error.limit, error.held, error.asked], [{ messages: 5, bytes: 100 }, { messages: 2, bytes: 70 }, asked]);
});

test("ReconnectBufferFullError leaves out a limit that is not set", () => {
  const held = { messages: 1, bytes: 70 };
  const byBytes = new ReconnectBufferFullError("maxQueued", { messages: Infinity, bytes: 100 }, held, asked);
  assert.equal(byBytes.message, "maxQueued is full: limit 100 bytes, held 70 bytes in 1 message, asked for 40 bytes");
  const byMessages = new ReconnectBufferFullError("maxQueued", { messages: 1, bytes: Infinity }, held, asked);
  assert.equal(byMessages.message, "maxQueued is full: limit 1 message, held 70 bytes in 1 message, asked for 40 bytes");
});

test("ReconnectBufferFullError says so when reconnectBuffer is false", () => {
  const none = { messages: 0, bytes: 0 };
  const error = new ReconnectBufferFullError("reconnectBuffer", none, none, asked);
  assert.equal(error.message, "no connection to the server, and reconnectBuffer is false: the message (40 bytes) was refused");
});

test("ReconnectBufferFullError says so when the message alone is larger than the limit", () => {
  const error = new ReconnectBufferFullError("reconnectBuffer", { messages: 5, bytes: 39 }, { messages: 0, bytes: 0 }, asked);
  assert.equal(error.message, "the message (40 bytes) is larger than all that reconnectBuffer allows (39 bytes)");
});

test("the amounts in an error do not change with the objects they came from", () => {
  const held = { messages: 2, bytes: 70 };
  const error = new ReconnectBufferFullError("reconnectBuffer", { messages: 5, bytes: 100 }, held, asked);
  held.bytes = 0;
  assert.equal(error.held.bytes, 70);
  assert.ok(Object.isFrozen(error.held) && Object.isFrozen(error.limit) && Object.isFrozen(error.asked));
});

test("FlushError lists the states that occurred, and carries all counts", () => {
  const counts = { rejected: 0, inDoubt: 3, dropped: 0, expired: 1, undeliverable: 0, abandoned: 0 };
  const error = new FlushError(counts);
  assert.equal(error.message, "flush: not every message was confirmed (inDoubt 3, expired 1)");
  assert.equal(error.name, "FlushError");
  counts.inDoubt = 0;
  assert.deepEqual(error.counts, { ...counts, inDoubt: 3 });
});
