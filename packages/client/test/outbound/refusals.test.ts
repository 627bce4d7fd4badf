import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PermissionViolationError } from "@nats-io/nats-core";
import { parseServerError } from "../../src/protocol/server-error.ts";
import { Bench } from "./harness.ts";

function refuse(bench: Bench, subject: string, of = "to"): void {
  const text = `Permissions Violation for Publish ${of} "${subject}"`;
  bench.log.refused(text, parseServerError(text));
}

const back = (bench: Bench): string[] => bench.back.map(({ data, state }) => `${Buffer.from(data)} ${state}`);

describe("refusals of the server", () => {
  it("are matched with the messages between two fences when there are as many", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1", "no");
    bench.publish("2", "yes");
    bench.publish("3", "no");
    bench.clock.advance(1);
    refuse(bench, "no");
    refuse(bench, "no");
    bench.answer(1);
    bench.clock.advance(30);
    assert.deepEqual(back(bench), ["1 rejected", "3 rejected"]);
    assert.ok(bench.back[0]?.error instanceof PermissionViolationError);
    assert.deepEqual([bench.log.counts().confirmed, bench.log.counts().rejected, bench.log.held.messages], [1, 2, 0]);
  });

  it("are handed back in the order in which the messages were accepted, requests beside the log among them", () => {
    const bench = new Bench();
    bench.log.request("no.a", "_INBOX.1", null, "0");
    for (let i = 1; i < 8; i++) bench.publish(`${i}`, i % 2 === 0 ? "no.a" : "no.b");
    bench.connect();
    bench.clock.advance(1);
    for (let i = 0; i < 8; i++) refuse(bench, i % 2 === 0 ? "no.a" : "no.b");
    bench.answer();
    bench.clock.advance(1);
    assert.deepEqual(
      back(bench),
      Array.from({ length: 8 }, (_, i) => `${i} rejected`),
    );
  });

  it("decide nothing when there are fewer or more: the messages count as confirmed", () => {
    for (const errors of [1, 3]) {
      const bench = new Bench();
      bench.connect();
      bench.publish("1", "no");
      bench.publish("2", "no");
      bench.clock.advance(1);
      for (let i = 0; i < errors; i++) refuse(bench, "no");
      bench.answer(1);
      assert.deepEqual([bench.log.counts().confirmed, bench.log.counts().rejected], [2, 0]);
      // They belong to those fences only.
      bench.clock.advance(30);
      bench.publish("3", "no");
      bench.clock.advance(30);
      refuse(bench, "no");
      bench.answer();
      assert.equal(bench.log.counts().rejected, 1);
    }
  });

  it("whose PONG never came decide nothing", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("1", "no");
    bench.clock.advance(1);
    refuse(bench, "no");
    bench.cut();
    bench.connect();
    bench.publish("2", "no");
    bench.clock.advance(1);
    bench.answer();
    assert.deepEqual([bench.log.counts().inDoubt, bench.log.counts().confirmed, bench.log.counts().rejected], [1, 1, 0]);
  });

  it("may name the reply; a message is refused once, for its subject first", () => {
    const bench = new Bench();
    bench.connect();
    bench.log.publish("a", "closed", null, "1", undefined);
    bench.log.publish("no", "closed", null, "2", undefined);
    bench.log.publish("a", "open", null, "3", undefined);
    bench.clock.advance(1);
    refuse(bench, "closed", "with Reply of");
    refuse(bench, "no");
    bench.answer(1);
    bench.clock.advance(1);
    assert.deepEqual(back(bench).toSorted(), ["1 rejected", "2 rejected"]);
    assert.equal(bench.log.counts().confirmed, 1);
  });

  it("reach requests beside the log", () => {
    const bench = new Bench();
    bench.log.request("no", "_INBOX.1", null, "1");
    bench.log.request("yes", "_INBOX.2", null, "2");
    bench.connect();
    bench.clock.advance(1);
    refuse(bench, "no");
    bench.answer();
    bench.clock.advance(1);
    assert.deepEqual(back(bench), ["1 rejected"]);
    assert.equal(bench.log.counts().confirmed, 1);
  });

  it("are what publishAndConfirm() rejects with, also where it cannot be said which message it was", async () => {
    for (const errors of [1, 2]) {
      const bench = new Bench();
      bench.connect();
      const told = [1, 2].map((n) => bench.log.publishAndConfirm("no", "", null, `${n}`, undefined));
      const other = bench.log.publishAndConfirm("yes", "", null, "3", undefined);
      bench.clock.advance(1);
      for (let i = 0; i < errors; i++) refuse(bench, "no");
      bench.answer();
      for (const each of told) await assert.rejects(each, PermissionViolationError);
      if (errors === 1) await assert.rejects(other, PermissionViolationError);
      else await other;
      assert.equal(bench.log.counts().rejected, errors === 1 ? 0 : 2);
    }
  });
});
