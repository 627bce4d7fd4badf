import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidOperationError } from "@nats-io/nats-core";
import { Mailbox, SlowNotice } from "../../src/inbound/mailbox.ts";

interface Letter {
  readonly n: number;
}

function filled(count: number, onEnd?: (error: Error | undefined) => void): Mailbox<Letter> {
  const mailbox = new Mailbox<Letter>(onEnd);
  for (let n = 0; n < count; n++) mailbox.push({ n });
  return mailbox;
}

async function collect(mailbox: Mailbox<Letter>): Promise<number[]> {
  const read: number[] = [];
  for await (const { n } of mailbox) read.push(n);
  return read;
}

test("gives what was pushed before and during the reading, in order", async () => {
  const mailbox = filled(3);
  const reading = collect(mailbox);
  await Promise.resolve();
  mailbox.push({ n: 3 });
  mailbox.push({ n: 4 });
  mailbox.close();
  assert.deepEqual(await reading, [0, 1, 2, 3, 4]);
  assert.equal(mailbox.taken, 5);
});

test("answers several next() at once in the order they were asked", async () => {
  const mailbox = new Mailbox<Letter>();
  const reader = mailbox[Symbol.asyncIterator]();
  const asked = [reader.next(), reader.next(), reader.next()];
  mailbox.push({ n: 1 });
  mailbox.push({ n: 2 });
  mailbox.close();
  const answers = await Promise.all(asked);
  assert.deepEqual(
    answers.map((answer) => answer.value?.n),
    [1, 2, undefined],
  );
  assert.equal(answers[2]?.done, true);
});

test("ends only when the reader asks for the next after the last one", async () => {
  const events: string[] = [];
  const mailbox = filled(1, () => events.push("end"));
  for await (const _ of mailbox) {
    mailbox.close();
    await new Promise((resolve) => setImmediate(resolve));
    events.push("handled");
  }
  assert.deepEqual(events, ["handled", "end"]);
});

test("ends at once when it is closed empty and nobody reads", () => {
  let ended = 0;
  const mailbox = filled(0, () => ended++);
  mailbox.close();
  mailbox.close();
  assert.equal(ended, 1);
  assert.equal(mailbox.ended, true);
});

test("stays readable after it was closed, and takes nothing more in", async () => {
  const mailbox = filled(2);
  mailbox.close();
  mailbox.push({ n: 9 });
  assert.equal(mailbox.ended, false);
  assert.deepEqual(await collect(mailbox), [0, 1]);
});

test("throws its error once, behind what waited", async () => {
  const mailbox = filled(1);
  mailbox.close(new Error("why"));
  const reader = mailbox[Symbol.asyncIterator]();
  assert.equal((await reader.next()).value?.n, 0);
  await assert.rejects(reader.next(), /why/);
  assert.equal((await reader.next()).done, true);
});

test("throws its error to a reader that waits, and to one that comes later", async () => {
  const waiting = filled(0);
  const next = waiting[Symbol.asyncIterator]().next();
  waiting.close(new Error("why"));
  await assert.rejects(next, /why/);
  const unread = filled(0);
  unread.close(new Error("why"));
  await assert.rejects(collect(unread), /why/);
});

test("drops what waits when the reader leaves its loop, and ends without an error", async () => {
  const ends: (Error | undefined)[] = [];
  const mailbox = filled(5, (error) => ends.push(error));
  for await (const _ of mailbox) break;
  mailbox.push({ n: 9 });
  mailbox.close(new Error("too late"));
  assert.deepEqual(ends, [undefined]);
  assert.equal(mailbox.pending, 0);
  assert.equal(mailbox.taken, 1);
});

test("throw() of the iterator ends it and rejects with what was thrown", async () => {
  const mailbox = filled(1);
  const reader = mailbox[Symbol.asyncIterator]();
  await assert.rejects(async () => reader.throw?.(new Error("mine")), /mine/);
  assert.equal(mailbox.ended, true);
});

test("has one reader in its life: the next one gets InvalidOperationError", async () => {
  const mailbox = filled(1);
  for await (const _ of mailbox) break;
  const second = mailbox[Symbol.asyncIterator]();
  await assert.rejects(second.next(), new InvalidOperationError("iterator is already yielding"));
});

test("the slow notice comes once for each time the threshold is crossed", () => {
  const notices: number[] = [];
  const notice = new SlowNotice(2, (pending) => notices.push(pending));
  for (const pending of [1, 2, 3, 4, 5, 2, 3]) notice.check(pending);
  assert.deepEqual(notices, [3, 3]);
});
