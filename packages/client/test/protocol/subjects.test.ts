import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError, InvalidSubjectError } from "@nats-io/nats-core";
import fc from "fast-check";
import { checkPublishSubject, checkQueue, checkReply, checkSubject } from "../../src/protocol/subjects.ts";

type Check = (subject: unknown) => void;
const publishChecks: readonly Check[] = [checkPublishSubject, checkReply];
const checks: readonly Check[] = [checkSubject, ...publishChecks];

/** The error that `check` throws for `subject`. */
function errorOf(check: Check, subject: unknown): InvalidSubjectError {
  try {
    check(subject);
  } catch (error) {
    assert.ok(error instanceof InvalidSubjectError, `got ${error}`);
    return error;
  }
  assert.fail(`${JSON.stringify(subject)} passed`);
}

// First in this file on purpose: nothing has passed yet.
test("the very first subject may not be empty either", () => {
  errorOf(checkPublishSubject, "");
  errorOf(checkPublishSubject, undefined);
});

test("ordinary subjects pass everywhere", () => {
  for (const check of checks) {
    for (const subject of ["a", "a.b.c", "größe.日本", "$JS.API.INFO", "_INBOX.x.1", "a-b_c", "\u00a0", "a\fb", "\u{1f389}"])
      check(subject);
  }
});

test("the filter in the requests that create a consumer or get a last message may have wildcards", () => {
  for (const prefix of ["$JS.API", "$JS.hub.API", "imported.API"]) {
    for (const filter of [">", "orders.*", "$KV.bucket.>"]) {
      checkPublishSubject(`${prefix}.CONSUMER.CREATE.S.c.${filter}`);
      checkPublishSubject(`${prefix}.DIRECT.GET.S.${filter}`);
    }
  }
  for (const subject of ["$JS.API.STREAM.INFO.*", "CONSUMER.CREATE.>"]) errorOf(checkPublishSubject, subject);
});

test("empty tokens pass, as in nats.js", () => {
  for (const check of checks) {
    for (const subject of ["a..b", ".a", "a.", "."]) check(subject);
  }
});

test("space, tab, CR and LF are illegal everywhere, at any place", () => {
  for (const check of checks) {
    for (const bad of [" ", "\t", "\r", "\n"]) {
      for (const subject of [`${bad}a`, `a${bad}b`, `a${bad}`, bad]) {
        assert.match(errorOf(check, subject).message, /^illegal subject: '/);
      }
    }
  }
});

test("the message of the error is nats-core's, its cause says what is wrong", () => {
  const error = errorOf(checkPublishSubject, "a b");
  assert.equal(error.message, new InvalidSubjectError("a b").message);
  assert.match(String(error.cause), /contains a space, tab, CR or LF/);
  assert.match(String(errorOf(checkPublishSubject, "a.*").cause), /wildcards are for subscribing only/);
});

test("empty, missing and non-string subjects are illegal everywhere", () => {
  for (const check of checks) {
    for (const subject of ["", undefined, null, 0, false]) {
      assert.equal(errorOf(check, subject).message, "illegal subject: ''");
    }
    for (const subject of [5, true, {}, [], () => "a", Symbol("a"), 1n, Object.create(null), new String("a")]) {
      assert.match(String(errorOf(check, subject).cause), /a subject is a string that is not empty, got /);
    }
  }
});

test("a very long illegal subject is shortened in the error", () => {
  assert.ok(errorOf(checkSubject, `${"x".repeat(1_000_000)} `).message.length < 400);
});

test("wildcards may be subscribed to", () => {
  for (const subject of ["*", ">", "a.*", "*.a", "a.*.b", "a.>"]) checkSubject(subject);
});

test("wildcards may be neither published to nor replied to", () => {
  for (const check of publishChecks) {
    for (const subject of ["*", ">", "a.*", "*.a", "a.*.b", "a.>", "*.*", "größe.*", "ab*.*", "a.>b.>"]) errorOf(check, subject);
  }
});

test("stars and greater-than signs that are no wildcards may be published to", () => {
  for (const check of publishChecks) {
    for (const subject of ["a*", "*a", "a.*b", "a.b*.c", "**", "a>", ">a", "a.>b", ">.a", "a.>.b", ">>", "a.>>"]) check(subject);
  }
});

test("checkPublishSubject agrees with a look at each token, whatever came before", () => {
  const symbols = fc.constantFrom("a", ".", "*", ">", " ", "\n", "é", "b", ".");
  fc.assert(
    fc.property(fc.array(fc.string({ unit: symbols, maxLength: 8 }), { minLength: 1, maxLength: 4 }), (subjects) => {
      for (const subject of [...subjects, ...subjects]) {
        const tokens = subject.split(".");
        const wildcard = tokens.includes("*") || tokens[tokens.length - 1] === ">";
        const illegal = subject === "" || /[ \t\r\n]/.test(subject) || wildcard;
        if (illegal) errorOf(checkPublishSubject, subject);
        else checkPublishSubject(subject);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a queue is any string without space, tab, CR and LF; empty means none", () => {
  for (const queue of ["", "workers", "größe", "a.b", "*"]) checkQueue(queue);
  for (const queue of [undefined, null, 5, {}, "a b", "a\tb", "a\r\nPUB x 0", "\n"]) {
    assert.throws(() => checkQueue(queue), InvalidArgumentError);
  }
  assert.throws(() => checkQueue("a b"), /'queue' must be a string without space, tab, CR or LF, got "a b"/);
});
