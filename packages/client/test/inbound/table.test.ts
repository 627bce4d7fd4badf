import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import { type Receiver, type SubscriptionEntry, SubscriptionTable } from "../../src/inbound/table.ts";
import type { RawMessage } from "../../src/protocol/events.ts";

/** A table with what it sent, and receivers that note what they got. */
class Bench {
  readonly lines: string[] = [];
  readonly events: string[] = [];
  readonly table: SubscriptionTable = new SubscriptionTable((line) => this.lines.push(text(line)), 4096);

  subscribe(subject: string, options: { queue?: string; max?: number; onMessage?: () => void } = {}): SubscriptionEntry {
    const receiver: Receiver = {
      message: () => {
        this.events.push(`${subject} message`);
        options.onMessage?.();
      },
      ended: () => this.events.push(`${subject} ended`),
      rejected: (error) => this.events.push(`${subject} rejected: ${error.message}`),
    };
    return this.table.subscribe(subject, options.queue ?? "", receiver, options.max);
  }

  deliver(sid: number, times = 1): void {
    for (let i = 0; i < times; i++) this.table.dispatch(rawMessage(sid, "payload"));
  }

  /** What a new connection is told first, then what changed since, until there is nothing. */
  replay(): string {
    const lines = text(this.table.replay());
    assert.equal(text(this.table.catchUp()), "");
    return lines;
  }

  sent(): string {
    return this.lines.splice(0).join("");
  }
}

function rawMessage(sid: number, payload: string): RawMessage {
  const bytes = new TextEncoder().encode(payload);
  const zero = { subjectStart: 0, subjectEnd: 0, replyStart: 0, replyEnd: 0, headersStart: 0, payloadStart: 0 };
  return { sid, bytes, view: undefined, isOwn: false, subject: undefined, ...zero, payloadEnd: bytes.length };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

test("subscribing sends SUB, with queue and count when they are given", () => {
  const bench = new Bench();
  bench.subscribe("a");
  bench.subscribe("b.>", { queue: "q", max: 5 });
  assert.equal(bench.sent(), "SUB a 1\r\nSUB b.> q 2\r\nUNSUB 2 5\r\n");
});

test("messages go to the subscription with their sid; others only count", () => {
  const bench = new Bench();
  bench.subscribe("a");
  bench.subscribe("b");
  bench.deliver(2);
  bench.deliver(7);
  assert.deepEqual(bench.events, ["b message"]);
  assert.equal(bench.table.inMsgs, 2);
  assert.equal(bench.table.inBytes, 14);
});

test("ends a subscription by its count, and tells the server so", () => {
  const bench = new Bench();
  const entry = bench.subscribe("a", { max: 2 });
  bench.sent();
  bench.deliver(entry.sid, 3);
  assert.deepEqual(bench.events, ["a message", "a message", "a ended"]);
  assert.equal(entry.received, 2);
  assert.equal(entry.phase, "gone");
  assert.equal(bench.sent(), "UNSUB 1\r\n");
  assert.equal(bench.table.size, 0);
});

test("a receiver may unsubscribe while it gets the last message of the count", () => {
  const bench = new Bench();
  const entry = bench.subscribe("a", { max: 1, onMessage: () => bench.table.unsubscribe(entry) });
  bench.deliver(1);
  assert.deepEqual(bench.events, ["a message"]);
});

for (const how of ["unsubscribe", "resubscribe"] as const) {
  test(`what comes behind a message whose receiver called ${how}() finds nobody under the old sid`, () => {
    const bench = new Bench();
    const other = bench.subscribe("other");
    const entry = bench.subscribe("a", {
      onMessage: () => (how === "unsubscribe" ? bench.table.unsubscribe(entry) : bench.table.resubscribe(entry, "b")),
    });
    bench.deliver(entry.sid, 3);
    bench.deliver(other.sid);
    assert.deepEqual(bench.events, ["a message", "other message"]);
    assert.equal(bench.table.inMsgs, 4);
  });
}

test("a count that is reached already ends it at once", () => {
  const bench = new Bench();
  const entry = bench.subscribe("a");
  bench.deliver(1, 3);
  bench.table.limit(entry, 3);
  assert.deepEqual(bench.events.at(-1), "a ended");
});

test("unsubscribing twice sends one UNSUB", () => {
  const bench = new Bench();
  const entry = bench.subscribe("a");
  bench.sent();
  bench.table.unsubscribe(entry);
  bench.table.unsubscribe(entry);
  assert.equal(bench.sent(), "UNSUB 1\r\n");
  assert.deepEqual(bench.events, []);
});

test("a replay asks for the rest of a count", () => {
  const bench = new Bench();
  bench.subscribe("a", { queue: "q" });
  bench.subscribe("b", { max: 10 });
  bench.deliver(2, 4);
  assert.equal(bench.replay(), "SUB a q 1\r\nSUB b 2\r\nUNSUB 2 6\r\n");
});

test("a count set after a reconnect is counted from that connection's SUB", () => {
  const bench = new Bench();
  const entry = bench.subscribe("a");
  bench.deliver(1, 4);
  bench.replay();
  bench.sent();
  bench.table.limit(entry, 10);
  assert.equal(bench.sent(), "UNSUB 1 6\r\n");
});

test("finished and draining subscriptions are not replayed; what was draining ends with the connection", () => {
  const bench = new Bench();
  const draining = bench.subscribe("a");
  bench.table.unsubscribe(bench.subscribe("b"));
  bench.subscribe("c");
  bench.table.drain(draining);
  bench.deliver(draining.sid);
  bench.table.lost();
  assert.deepEqual(bench.events, ["a message", "a ended"]);
  assert.equal(bench.replay(), "SUB c 3\r\n");
});

test("what is called during a handshake is caught up with afterwards", () => {
  const bench = new Bench();
  const kept = bench.subscribe("kept");
  const gone = bench.subscribe("gone");
  const moved = bench.subscribe("moved");
  assert.equal(text(bench.table.replay()), "SUB kept 1\r\nSUB gone 2\r\nSUB moved 3\r\n");
  bench.table.unsubscribe(gone);
  bench.subscribe("new", { max: 2 });
  bench.table.unsubscribe(bench.subscribe("short"));
  bench.table.resubscribe(moved, "elsewhere");
  bench.table.limit(kept, 7);
  const caughtUp = text(bench.table.catchUp());
  assert.equal(caughtUp, "UNSUB 1 7\r\nUNSUB 2\r\nUNSUB 3\r\nSUB new 4\r\nUNSUB 4 2\r\nSUB elsewhere 6\r\n");
  assert.equal(text(bench.table.catchUp()), "");
});

test("the first subscription of all may be called during a handshake", () => {
  const bench = new Bench();
  assert.equal(text(bench.table.replay()), "");
  bench.subscribe("a");
  assert.equal(text(bench.table.catchUp()), "SUB a 1\r\n");
  assert.equal(text(bench.table.catchUp()), "");
});

test("moving to another subject takes a new sid, told after the end of the old one", () => {
  const bench = new Bench();
  const entry = bench.subscribe("a", { queue: "q" });
  bench.deliver(1, 2);
  bench.sent();
  bench.table.resubscribe(entry, "b", 3);
  assert.equal(bench.sent(), "UNSUB 1\r\nSUB b q 2\r\nUNSUB 2 3\r\n");
  assert.equal(entry.sid, 2);
  assert.equal(entry.subject, "b");
  bench.deliver(1);
  assert.equal(entry.received, 2);
  bench.deliver(2, 3);
  assert.equal(entry.received, 5);
  assert.equal(bench.events.at(-1), "a ended");
});

test("a refused subscription ends with the error: the first with that subject and queue", () => {
  const bench = new Bench();
  bench.subscribe("a", { queue: "q" });
  const plain = bench.subscribe("a");
  bench.subscribe("a");
  bench.table.reject("a", "", new Error("no"));
  assert.deepEqual(bench.events, ["a rejected: no"]);
  assert.equal(plain.phase, "gone");
  assert.equal(bench.table.size, 2);
});

test("clearing ends everything", () => {
  const bench = new Bench();
  bench.subscribe("a");
  bench.subscribe("b");
  bench.table.clear();
  assert.deepEqual(bench.events, ["a ended", "b ended"]);
  assert.equal(bench.table.size, 0);
});

test("a SUB line longer than the server reads is refused, and leaves nothing behind", () => {
  const bench = new Bench();
  assert.throws(() => bench.subscribe("s".repeat(4090)), InvalidArgumentError);
  assert.throws(() => bench.subscribe("s".repeat(4090)), /4098 bytes, and maxControlLine allows 4096/);
  assert.equal(bench.table.size, 0);
  assert.equal(bench.sent(), "");
  assert.equal(bench.subscribe("a").sid, 1);
});
