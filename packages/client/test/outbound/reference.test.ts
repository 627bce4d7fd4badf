/** Payloads that are kept by reference (`copy: false`): between the others, in order, let go of when they have ended. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Treatment } from "../../src/outbound/treatment.ts";
import { Bench, defaults, Peer, withBuffer } from "./harness.ts";

const BY_REFERENCE: Treatment = { byReference: true };
const AGAIN: Treatment = { byReference: true, delivery: "at-least-once" };
const HEADERS = Buffer.from("NATS/1.0\r\nA: b\r\n\r\n");

/** A payload that begins with its name. */
function bytesOf(name: string, size = 17_000): Buffer {
  return Buffer.from(name.padEnd(size, "."));
}

function refer(bench: Bench, payload: Uint8Array, treatment = BY_REFERENCE, headers: Uint8Array | null = null): boolean {
  return bench.log.publish("a", "r", headers, payload, treatment);
}

function names(peer: Peer): string[] {
  return peer.payloads().map((payload) => payload.replace(/\.+$/, ""));
}

for (const step of [13, 997, 1e6]) {
  test(`long and short, referred to and copied, arrive in order through a kernel that takes ${step} bytes at a time`, () => {
    const bench = new Bench();
    const peer = bench.connect(new Peer(0));
    const sizes = step < 100 ? [30, 16_384] : [30, 16_383, 16_384, 17_000, 65_536, 70_000, 200_000, 300_000];
    const wanted: string[] = [];
    for (const [i, size] of [...sizes, ...sizes].entries()) {
      refer(bench, bytesOf(`${i}r`, size), BY_REFERENCE, i % 2 === 0 ? HEADERS : null);
      if (i % 3 !== 0) bench.publish(`${i}c`);
      wanted.push(`${i}r`, ...(i % 3 === 0 ? [] : [`${i}c`]));
    }
    for (let rounds = 0; bench.log.held.messages > 0; rounds++) {
      assert.ok(rounds < 3_000_000);
      if (peer.drain(step)) bench.log.taken();
      if (!peer.outstanding) bench.clock.advance(1);
      bench.answer();
    }
    assert.deepEqual(names(peer), wanted);
    assert.equal(bench.log.counts().confirmed, wanted.length);
  });
}

test("counts the same bytes against the limits as a copy, and is held, sent again and confirmed like one", () => {
  const copied = new Bench();
  const referring = new Bench();
  copied.log.publish("a", "r", HEADERS, bytesOf("x"), { delivery: "at-least-once" });
  refer(referring, bytesOf("x"), AGAIN, HEADERS);
  assert.deepEqual(referring.log.held, copied.log.held);
  assert.equal(referring.log.outBytes, copied.log.outBytes);
  const first = referring.connect();
  referring.clock.advance(1);
  referring.cut();
  assert.equal(referring.log.counts().inFlight, 1);
  const second = referring.connect();
  referring.settle();
  assert.deepEqual([names(first), names(second)], [["x"], ["x"]]);
  assert.equal(referring.log.counts().confirmed, 1);
  assert.equal(referring.log.held.bytes, 0);
});

test("whatever ends other than confirmed is handed back as the very object that was published, with headers and reply", () => {
  const states = new Map<string, Uint8Array>();
  const keep = (bench: Bench): void => {
    bench.clock.advance(100);
    for (const { state, data, reply, headers } of bench.back) {
      assert.equal(reply, "r");
      assert.deepEqual(headers === undefined ? undefined : Buffer.from(headers), HEADERS);
      states.set(state, data);
    }
  };
  const payloads = Object.fromEntries(
    ["inDoubt", "dropped", "expired", "undeliverable", "abandoned", "rejected"].map((state) => [state, bytesOf(state)]),
  );
  const of = (state: string): Buffer => payloads[state] ?? bytesOf("");

  const doubt = new Bench();
  doubt.connect();
  refer(doubt, of("inDoubt"), BY_REFERENCE, HEADERS);
  doubt.clock.advance(1);
  doubt.cut();
  keep(doubt);

  const full = new Bench(withBuffer({ whenFull: "drop-newest", maxMessages: 1 }));
  full.publish("first");
  assert.equal(refer(full, of("dropped"), BY_REFERENCE, HEADERS), false);
  keep(full);

  const old = new Bench(withBuffer({ maxAge: 50 }));
  refer(old, of("expired"), BY_REFERENCE, HEADERS);
  keep(old);

  const narrow = new Bench();
  refer(narrow, of("undeliverable"), BY_REFERENCE, HEADERS);
  narrow.connect(new Peer(), 2000);
  keep(narrow);

  const purged = new Bench();
  refer(purged, of("abandoned"), BY_REFERENCE, HEADERS);
  assert.equal(purged.log.purge(), 1);
  keep(purged);

  const forbidden = new Bench();
  forbidden.connect();
  forbidden.log.publish("forbidden", "r", HEADERS, of("rejected"), BY_REFERENCE);
  forbidden.clock.advance(25);
  forbidden.answer();
  keep(forbidden);

  assert.deepEqual([...states.keys()].sort(), Object.keys(payloads).sort());
  for (const [state, data] of states) assert.equal(data, payloads[state], state);
});

test("drop-oldest makes room by whole messages, also by those that are referred to", () => {
  const bench = new Bench(withBuffer({ whenFull: "drop-oldest", maxBytes: 60_000 }));
  for (let i = 0; i < 10; i++) {
    refer(bench, bytesOf(`${i}r`));
    bench.publish(`${i}c`);
  }
  bench.clock.advance(10);
  const peer = bench.connect();
  bench.settle();
  assert.deepEqual(names(peer), ["6c", "7r", "7c", "8r", "8c", "9r", "9c"]);
  assert.equal(bench.back.length, 13);
});

test("a payload below 16 KiB is copied: changing it does no harm", () => {
  const bench = new Bench();
  const short = bytesOf("short", 16_383);
  refer(bench, short);
  const copied = bytesOf("copied", 100_000);
  bench.log.publish("a", "", null, copied, undefined);
  short.fill("!");
  copied.fill("!");
  const peer = bench.connect();
  bench.settle();
  assert.deepEqual(names(peer), ["short", "copied"]);
});

test("a payload may be changed as soon as it is confirmed, while later ones of the same chunk wait for the kernel", () => {
  const bench = new Bench({ ...defaults, fenceDelay: 0 });
  const peer = bench.connect(new Peer(0));
  const payloads = Array.from({ length: 12 }, (_, i) => bytesOf(`${i}`));
  for (const payload of payloads) refer(bench, payload);
  let changed = 0;
  for (let rounds = 0; changed < payloads.length; rounds++) {
    assert.ok(rounds < 10_000);
    if (peer.drain(997)) bench.log.taken();
    if (!peer.outstanding) bench.clock.advance(1);
    bench.answer();
    for (; changed < bench.log.counts().confirmed; changed++) payloads[changed]?.fill("!");
  }
  assert.deepEqual(
    names(peer),
    payloads.map((_, i) => `${i}`),
  );
});

test("one whose memory was detached before it was sent ends undeliverable, and nothing else suffers", () => {
  const bench = new Bench();
  const gone = new Uint8Array(20_000);
  bench.publish("before");
  refer(bench, gone);
  refer(bench, bytesOf("behind"));
  refer(bench, new Uint8Array(structuredClone(gone.buffer, { transfer: [gone.buffer] })));
  const last = new Uint8Array(30_000);
  refer(bench, last);
  structuredClone(last.buffer, { transfer: [last.buffer] });
  const peer = bench.connect();
  bench.settle();
  assert.deepEqual(names(peer).slice(0, 2), ["before", "behind"]);
  const { confirmed, undeliverable } = bench.log.counts();
  assert.deepEqual({ confirmed, undeliverable }, { confirmed: 3, undeliverable: 2 });
  assert.match(String(bench.back[0]?.error), /detached or resized/);
});

test("short messages between those that are referred to share memory: a slab of its own for each would be 256 KiB", () => {
  const bench = new Bench(withBuffer({ maxBytes: Infinity }));
  const payload = bytesOf("x");
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 300; i++) {
    refer(bench, payload);
    bench.publish("short");
  }
  assert.equal(bench.log.held.messages, 600);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 2_000_000, `${grown} bytes beside the payload`);
  bench.connect();
  bench.settle();
  assert.equal(bench.log.counts().confirmed, 600);
});

test("a payload is let go of when its message is confirmed, also the last one", async () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert.ok(typeof collect === "function");
  const bench = new Bench();
  bench.connect();
  const publish = (): WeakRef<Buffer>[] =>
    ["one", "two"].map((name) => {
      const payload = bytesOf(name);
      refer(bench, payload);
      return new WeakRef(payload);
    });
  const kept = publish();
  bench.settle();
  // What is put side by side for the kernel is let go of with the next chunk, or when the log has been idle.
  bench.publish("next");
  bench.settle();
  // Whoever makes a WeakRef keeps its target to the end of the turn.
  await turn();
  collect();
  assert.deepEqual(
    kept.map((each) => each.deref()),
    [undefined, undefined],
  );
});
