import assert from "node:assert/strict";
import { test } from "node:test";
import { type Msg, NoRespondersError } from "@nats-io/nats-core";
import { decodeMessage } from "../../src/client/message.ts";
import { type ForeignRequest, Mux } from "../../src/client/mux.ts";
import { failSent, type Pending } from "../../src/client/replies.ts";
import { SubscriptionTable } from "../../src/inbound/table.ts";
import { hmsg, msg, rawMessage } from "./raw.ts";

/** A mux with what it sent; answers are put in as if they came from the wire. */
class Bench {
  readonly lines: string[] = [];
  readonly events: string[] = [];
  readonly table: SubscriptionTable = new SubscriptionTable((line) => this.lines.push(new TextDecoder().decode(line)), 4096);
  readonly mux: Mux;

  constructor(prefix = "_INBOX") {
    this.mux = new Mux(this.table, (raw) => decodeMessage(raw, { publish: () => true, respond: () => true }), prefix);
  }

  pending(name: string): Pending {
    return {
      subject: name,
      message: (answer) => this.events.push(`${name} ${answer.string()}`),
      failed: (error) => this.events.push(`${name} failed: ${error.message}`),
      isHeld: () => name.startsWith("held"),
    };
  }

  foreign(token: string): ForeignRequest {
    const resolver = (error: Error | null, answer: Msg): unknown =>
      this.events.push(error === null ? `${token} ${answer.string()}` : `${token} failed: ${error.message}`);
    return { token, requestSubject: `to.${token}`, resolver };
  }

  answer(reply: string, payload: string): void {
    this.table.dispatch(rawMessage(msg(reply, "", payload, 1)));
  }
}

test("one subscription serves all requests, made with the first", () => {
  const bench = new Bench("_MY.größe");
  assert.equal(bench.lines.length, 0);
  const replies = ["a", "b", "c"].map((name) => bench.mux.open(bench.pending(name)).reply);
  assert.deepEqual(bench.lines, [`SUB ${bench.mux.base}* 1\r\n`]);
  assert.match(bench.mux.base, /^_MY\.größe\.\w+\.$/);
  for (const [i, reply] of replies.entries()) bench.answer(reply, String(i));
  assert.deepEqual(bench.events, ["a 0", "b 1", "c 2"]);
});

test("an answer after the release goes nowhere, also when the place is used again", () => {
  const bench = new Bench();
  const first = bench.mux.open(bench.pending("first"));
  first.release();
  first.release();
  const second = bench.mux.open(bench.pending("second"));
  bench.answer(first.reply, "late");
  bench.answer(second.reply, "right");
  assert.deepEqual(bench.events, ["second right"]);
  second.release();
  assert.equal(bench.mux.size, 0);
});

test("tokens that are none of ours find nothing", () => {
  const bench = new Bench();
  const { reply } = bench.mux.open(bench.pending("a"));
  const { base } = bench.mux;
  for (const token of ["0", "0-", "-1", "0-1x", "x", `${"9".repeat(400)}-1`, "1-1", "0-2"]) bench.answer(`${base}${token}`, "x");
  assert.deepEqual(bench.events, []);
  bench.answer(reply, "y");
  assert.deepEqual(bench.events, ["a y"]);
});

test("foreign requests are found by their token, and told of no responders", () => {
  const bench = new Bench();
  const [one, other] = [bench.foreign("AbCd1234"), bench.foreign("12345678")];
  bench.mux.addForeign(one);
  bench.mux.addForeign(other);
  const { base } = bench.mux;
  bench.answer(`${base}12345678`, "yes");
  bench.table.dispatch(rawMessage(hmsg(`${base}AbCd1234`, "", " 503", "")));
  assert.deepEqual(bench.events, ["12345678 yes", `AbCd1234 failed: ${new NoRespondersError("to.AbCd1234").message}`]);
  bench.mux.removeForeign(one);
  bench.mux.removeForeign(other);
  bench.answer(`${base}12345678`, "late");
  assert.equal(bench.events.length, 2);
  assert.equal(bench.mux.size, 0);
});

test("what goes out with the reply subject of a foreign request is that request, and goes no more when it is taken back", () => {
  const bench = new Bench();
  const request = bench.foreign("AbCd1234");
  const send = () => {
    bench.events.push("sent");
    return { expire: () => bench.events.push("expired"), isHeld: () => true };
  };
  assert.equal(bench.mux.sendForeign("_INBOX.x.AbCd1234", send), false);
  bench.mux.addForeign(request);
  const { base } = bench.mux;
  for (const reply of ["AbCd1234", `${base}other`, `${base}AbCd1234.x`]) assert.equal(bench.mux.sendForeign(reply, send), false);
  assert.equal(bench.mux.sendForeign(`${base}AbCd1234`, send), true);
  bench.mux.removeForeign(bench.foreign("AbCd1234"));
  assert.deepEqual(bench.events, ["sent"]);
  bench.mux.removeForeign(request);
  bench.mux.removeForeign(request);
  assert.deepEqual(bench.events, ["sent", "expired"]);
});

test("when the connection ends, what was sent fails, and what still waits to be sent goes on waiting", () => {
  const bench = new Bench();
  bench.mux.open(bench.pending("sent"));
  bench.mux.open(bench.pending("held"));
  const held = { held: true };
  for (const token of ["notYet00", "waiting0", "gone0000"]) bench.mux.addForeign(bench.foreign(token));
  bench.mux.sendForeign(`${bench.mux.base}waiting0`, () => ({ expire: () => {}, isHeld: () => held.held }));
  bench.mux.sendForeign(`${bench.mux.base}gone0000`, () => ({ expire: () => {}, isHeld: () => false }));
  failSent(bench.mux.pending());
  assert.deepEqual(bench.events.splice(0).sort(), [
    "gone0000 failed: connection disconnected",
    "sent failed: connection disconnected",
  ]);
  held.held = false;
  failSent(bench.mux.pending());
  assert.ok(bench.events.includes("waiting0 failed: connection disconnected"));
});

test("a denied inbox fails everything that waits, and the next request makes a new one", () => {
  const bench = new Bench();
  bench.mux.open(bench.pending("a"));
  bench.mux.addForeign(bench.foreign("AbCd1234"));
  const { base } = bench.mux;
  bench.table.reject(`${base}*`, "", new Error("denied"));
  assert.deepEqual(bench.events, ["a failed: denied", "AbCd1234 failed: denied"]);
  bench.mux.open(bench.pending("b"));
  assert.notEqual(bench.mux.base, base);
  assert.equal(bench.lines.at(-1), `SUB ${bench.mux.base}* 2\r\n`);
});
