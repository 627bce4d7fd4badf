import assert from "node:assert/strict";
import { test } from "node:test";
import { createInbox } from "@nats-io/nats-core";
import { Inboxes } from "../../src/inbound/inboxes.ts";
import { type Receiver, SubscriptionTable } from "../../src/inbound/table.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";

function listening(...subjects: string[]): Inboxes {
  const inboxes = new Inboxes("_INBOX");
  for (const subject of subjects) inboxes.add(subject);
  return inboxes;
}

test("an inbox is ours when we listen to it, or above it", () => {
  const inboxes = listening("_INBOX.own", "_INBOX.mux.*", "_INBOX.batch.>", "_INBOX.a.b.*");
  for (const reply of ["_INBOX.own", "_INBOX.mux.0-1", "_INBOX.batch.x", "_INBOX.batch.10.fail.1.0.$FI", "_INBOX.a.b.c"]) {
    assert.equal(inboxes.has(reply), true, reply);
  }
});

test("an inbox of somebody else is not, however much it looks like one of ours", () => {
  const inboxes = listening("_INBOX.own", "_INBOX.mux.*", "_INBOX.batch.>");
  for (const reply of [
    "_INBOX.other",
    "_INBOX.own.below",
    "_INBOX.ow",
    "_INBOX.mux",
    "_INBOX.mux.a.b",
    "_INBOX.muxx.a",
    "_INBOX.batch",
    "_INBOX",
    "_INBOXX.own",
    "own",
    "",
  ]) {
    assert.equal(inboxes.has(reply), false, reply);
  }
});

test("an inbox that was found is looked for again once it was left", () => {
  const inboxes = listening("_INBOX.mux.*", "_INBOX.batch.>", "_INBOX.other.*");
  for (const [subject, reply, alike] of [
    ["_INBOX.mux.*", "_INBOX.mux.1", "_INBOX.muy.1"],
    ["_INBOX.batch.>", "_INBOX.batch.1.2", "_INBOX.batches.1"],
  ] as const) {
    assert.equal(inboxes.has(reply), true);
    assert.equal(inboxes.has(alike), false, alike);
    assert.equal(inboxes.has("_INBOX.other.1"), true);
    inboxes.remove(subject);
    assert.equal(inboxes.has(reply), false, reply);
  }
});

test("who listens to everybody's inboxes has not made them its own", () => {
  const inboxes = listening("_INBOX.>", "_INBOX.*", "_INBOX.*.x", ">", "*.a");
  for (const reply of ["_INBOX.a", "_INBOX.a.b", "_INBOX.a.x"]) assert.equal(inboxes.has(reply), false, reply);
});

test("another prefix, also one of several tokens, takes the place of _INBOX", () => {
  const inboxes = new Inboxes("_MY.größe");
  inboxes.add("_INBOX.a");
  inboxes.add("_MY.größe.a.*");
  assert.equal(inboxes.has("_INBOX.a"), false);
  assert.equal(inboxes.has("_MY.größe.a.1"), true);
  assert.equal(inboxes.has("_MY.größe.b"), false);
});

test("an inbox with two subscriptions is ours until the second is gone", () => {
  const inboxes = listening("_INBOX.a", "_INBOX.a");
  inboxes.remove("_INBOX.a");
  assert.equal(inboxes.has("_INBOX.a"), true);
  inboxes.remove("_INBOX.a");
  assert.equal(inboxes.has("_INBOX.a"), false);
  inboxes.remove("_INBOX.never");
  assert.equal(inboxes.has("_INBOX.never"), false);
});

test("says what a plain reading of the rule says, for random subjects and replies", () => {
  const seed = Number(process.env.INBOXES_SEED ?? Date.now());
  const random = seededRandom(seed);
  const token = (tokens: readonly string[]): string => tokens[Math.floor(random() * tokens.length)] ?? "";
  const subjectOf = (tokens: readonly string[], last: readonly string[]): string => {
    const middle = Array.from({ length: Math.floor(random() * 3) }, () => token(tokens));
    return [token(["_INBOX", "_INBOX", "x"]), ...middle, token(last)].join(".");
  };
  let own = 0;
  for (let round = 0; round < 3_000; round++) {
    const live: string[] = [];
    const inboxes = listening();
    for (let n = 0; n < 4; n++) {
      const subject = subjectOf(["a", "b"], ["a", "b", "*", ">"]);
      live.push(subject);
      inboxes.add(subject);
      if (random() < 0.3) inboxes.remove(live.splice(Math.floor(random() * live.length), 1)[0] ?? "");
    }
    const reply = subjectOf(["a", "b"], ["a", "b"]);
    const expected = live.some((subject) => isInboxFor(subject.split("."), reply.split(".")));
    assert.equal(inboxes.has(reply), expected, `INBOXES_SEED=${seed}, round ${round}: ${reply} with ${live.join(" ")}`);
    if (expected) own++;
  }
  assert.ok(own > 100, `only ${own} of 3000 were own`);
});

test("the table keeps the list: subscribe, unsubscribe, resubscribe, its count reached, refused, cleared", () => {
  const table = new SubscriptionTable(() => {}, 4096, "_INBOX");
  const receiver: Receiver = { message: () => {}, ended: () => {}, rejected: () => {} };
  const [a, b, c, d, e] = Array.from({ length: 5 }, () => createInbox());
  assert.ok(a && b && c && d && e);
  const first = table.subscribe(a, "", receiver);
  const second = table.subscribe(`${b}.*`, "", receiver);
  table.limit(table.subscribe(c, "", receiver), 0);
  table.subscribe(d, "queue", receiver);
  assert.deepEqual(
    [a, `${b}.1`, c, d, e].map((reply) => table.inboxes.has(reply)),
    [true, true, false, true, false],
  );
  table.resubscribe(second, `${e}.>`);
  table.unsubscribe(first);
  table.unsubscribe(first);
  table.reject(d, "queue", new Error("denied"));
  assert.deepEqual(
    [a, `${b}.1`, c, d, `${e}.1`].map((reply) => table.inboxes.has(reply)),
    [false, false, false, false, true],
  );
  table.drain(second);
  assert.equal(table.inboxes.has(`${e}.1`), true);
  table.lost();
  assert.equal(table.inboxes.has(`${e}.1`), false);
  table.subscribe(a, "", receiver);
  table.clear();
  assert.equal(table.inboxes.has(a), false);
});

/** The rule, token by token: the prefix, at least one token of its own, then as it is, or one or more tokens for the wildcard. */
function isInboxFor(subject: readonly string[], reply: readonly string[]): boolean {
  if (subject[0] !== "_INBOX" || reply[0] !== "_INBOX") return false;
  const [base, last] = [subject.slice(0, -1), subject.at(-1)];
  if (last !== "*" && last !== ">") return subject.join(".") === reply.join(".");
  const isBelow = base.length > 1 && base.every((token, i) => reply[i] === token);
  return isBelow && (last === ">" ? reply.length > base.length : reply.length === base.length + 1);
}
