import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { ClosedConnectionError, InvalidArgumentError } from "@nats-io/nats-core";
import fc from "fast-check";
import type { Amount } from "../../src/errors.ts";
import type { OutboundOptions } from "../../src/options.ts";
import { Backpressure } from "../../src/outbound/backpressure.ts";
import type { OutboundEvent } from "../../src/outbound/events.ts";
import { Limits } from "../../src/outbound/limits.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { defaults, withBuffer } from "./harness.ts";
import { Watched } from "./waits.ts";

/** Backpressure under a limit of 1 000 bytes, with whatever the test says is held. */
class Rig {
  readonly clock = new VirtualClock();
  readonly events: OutboundEvent[] = [];
  held: Amount = { messages: 0, bytes: 0 };
  readonly pressure: Backpressure;

  constructor(options: OutboundOptions = withBuffer({ maxBytes: 1000 })) {
    const keep = (event: OutboundEvent): void => {
      this.events.push(event);
    };
    this.pressure = new Backpressure(new Limits(options), () => this.held, keep, this.clock);
  }

  /** One message more, so that `bytes` are held. */
  take(bytes: number): boolean {
    this.held = { messages: this.held.messages + 1, bytes };
    return this.pressure.taken(this.held.messages, bytes);
  }

  /** Messages end, so that `bytes` are held. */
  ease(bytes: number, usable = true): void {
    this.held = { messages: bytes === 0 ? 0 : 1, bytes };
    this.pressure.eased(usable);
  }

  types(): string[] {
    return this.events.map((event) => event.type);
  }
}

const onlyQueued: OutboundOptions = {
  ...withBuffer({ enabled: false }),
  maxQueued: { maxBytes: 1000, maxMessages: Infinity },
};

test("publish returns false above 70 % of the limit, and true at it", () => {
  const rig = new Rig();
  assert.deepEqual([rig.take(699), rig.take(700), rig.take(701), rig.take(1000)], [true, true, false, false]);
  const few = new Rig(withBuffer({ maxMessages: 10 }));
  const taken = Array.from({ length: 10 }, () => few.take(0));
  assert.deepEqual(taken, [true, true, true, true, true, true, true, false, false, false]);
});

test("high comes once, with what is held and the limit; low below 50 %, once; then it begins anew", () => {
  const rig = new Rig();
  rig.take(800);
  rig.take(900);
  rig.ease(720);
  rig.ease(500);
  assert.deepEqual(rig.types(), ["high"]);
  rig.ease(499);
  rig.ease(300);
  assert.deepEqual(rig.events, [
    { type: "high", held: { messages: 1, bytes: 800 }, limit: { messages: Infinity, bytes: 1000 } },
    { type: "low", held: { messages: 1, bytes: 499 }, refused: 0 },
  ]);
  rig.take(701);
  assert.deepEqual(rig.types(), ["high", "low", "high"]);
});

test("between 70 and 50 % publish returns true again, but the episode goes on", () => {
  const rig = new Rig();
  rig.take(800);
  rig.ease(600);
  assert.equal(rig.take(601), true);
  rig.take(800);
  assert.deepEqual(rig.types(), ["high"]);
});

test("the smaller of the two limits counts; without a buffer maxQueued alone; without any there is no pressure", () => {
  const both = new Rig({ ...withBuffer({ maxBytes: 1000 }), maxQueued: { maxBytes: 100, maxMessages: Infinity } });
  assert.deepEqual([both.take(70), both.take(71)], [true, false]);
  const queued = new Rig(onlyQueued);
  assert.deepEqual([queued.take(700), queued.take(701)], [true, false]);
  const none = new Rig(withBuffer({ enabled: false }));
  assert.equal(none.take(Number.MAX_SAFE_INTEGER), true);
  assert.deepEqual(none.events, []);
});

test("full comes once an episode, with what was refused since the last full; low tells what was refused in the episode", () => {
  const rig = new Rig();
  rig.take(990);
  for (let n = 0; n < 5; n++) rig.pressure.full(true, false);
  rig.ease(100);
  rig.take(950);
  rig.pressure.full(true, false);
  rig.ease(0);
  assert.deepEqual(
    rig.events.map((event) => [event.type, "refused" in event ? event.refused : null]),
    [
      ["high", null],
      ["full", 1],
      ["low", 5],
      ["high", null],
      ["full", 5],
      ["low", 1],
    ],
  );
});

test("full names the limit in force", () => {
  const options = { ...withBuffer({ maxBytes: 1000 }), maxQueued: { maxBytes: 5000, maxMessages: 7 } };
  for (const [usable, limit] of [
    [true, { messages: 7, bytes: 5000 }],
    [false, { messages: 7, bytes: 1000 }],
  ] as const) {
    const rig = new Rig(options);
    rig.pressure.full(true, usable);
    assert.deepEqual(rig.events, [{ type: "full", held: { messages: 0, bytes: 0 }, limit, refused: 1 }]);
  }
});

test("what the overflow policy drops is full, too, but not refused", () => {
  const rig = new Rig();
  rig.take(990);
  rig.pressure.full(false, false);
  rig.pressure.full(true, false);
  rig.pressure.full(false, false);
  rig.ease(0);
  assert.deepEqual(rig.events.slice(1), [
    { type: "full", held: { messages: 1, bytes: 990 }, limit: { messages: Infinity, bytes: 1000 }, refused: 0 },
    { type: "low", held: { messages: 0, bytes: 0 }, refused: 1 },
  ]);
});

test("writable resolves at once outside of an episode, and otherwise at the easing below 50 %", async () => {
  const rig = new Rig();
  assert.equal(await new Watched(rig.pressure.writable(false)).now(), "resolved");
  rig.take(701);
  const waiting = new Watched(rig.pressure.writable(true));
  rig.ease(600);
  assert.equal(await waiting.now(), "waiting");
  rig.ease(500);
  assert.equal(await waiting.now(), "waiting");
  rig.ease(499);
  assert.equal(await waiting.now(), "resolved");
});

test("all that wait go on together, in the order of their calls", async () => {
  const rig = new Rig();
  rig.take(701);
  const order: number[] = [];
  const abort = new AbortController();
  const all = Array.from({ length: 5 }, (_, n) => rig.pressure.writable(true, abort.signal).then(() => order.push(n)));
  rig.ease(0);
  await Promise.all(all);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
});

test("a refused frame waits for the next easing although little is held", async () => {
  const rig = new Rig();
  rig.take(100);
  rig.pressure.full(true, false);
  const waiting = new Watched(rig.pressure.writable(false));
  assert.equal(await waiting.now(), "waiting");
  rig.ease(100, true);
  assert.equal(await waiting.now(), "resolved");
  assert.deepEqual(rig.types(), ["full", "low"]);
});

test("a frame that never fits does not keep others waiting when nothing is held, nor does trying again block the loop", async () => {
  const rig = new Rig(onlyQueued);
  let refused = 0;
  const publisher = async (): Promise<void> => {
    while (refused < 3) {
      refused++;
      rig.pressure.full(true, true);
      await rig.pressure.writable(true);
    }
  };
  const done = new Watched(publisher());
  assert.equal(await done.now(), "waiting");
  assert.equal(refused, 1, "the second try has to wait for another turn of the event loop");
  await rig.clock.runAllAsync();
  assert.equal(await done.now(), "resolved");
  assert.equal(await new Watched(rig.pressure.writable(true)).now(), "resolved");
});

test("a frame larger than the buffer waits for a connection, which may take it, without trying again and again", async () => {
  const rig = new Rig();
  rig.pressure.full(true, false);
  const waiting = new Watched(rig.pressure.writable(false));
  await rig.clock.runAllAsync();
  assert.equal(await waiting.now(), "waiting");
  rig.pressure.eased(true);
  assert.equal(await waiting.now(), "resolved");
});

test("without a buffer writable waits for a usable connection, and an episode, too, lasts until there is one", async () => {
  const rig = new Rig(onlyQueued);
  const waiting = new Watched(rig.pressure.writable(false));
  rig.ease(0, false);
  assert.equal(await waiting.now(), "waiting");
  rig.pressure.eased(true);
  assert.equal(await waiting.now(), "resolved");
  rig.pressure.full(true, false);
  const again = new Watched(rig.pressure.writable(false));
  rig.ease(0, false);
  await rig.clock.runAllAsync();
  assert.equal(await again.now(), "waiting");
  assert.deepEqual(rig.types(), ["full"]);
  rig.pressure.eased(true);
  assert.equal(await again.now(), "resolved");
  assert.deepEqual(rig.types(), ["full", "low"]);
});

test("with a buffer writable does not wait for a connection", async () => {
  const rig = new Rig();
  rig.take(800);
  const waiting = new Watched(rig.pressure.writable(false));
  rig.ease(10, false);
  assert.equal(await waiting.now(), "resolved");
});

test("a signal ends the waiting with its reason, and that of the one only", async () => {
  const rig = new Rig();
  rig.take(800);
  const abort = new AbortController();
  const ended = new Watched(rig.pressure.writable(true, abort.signal));
  const other = new Watched(rig.pressure.writable(true, new AbortController().signal));
  const reason = new Error("enough");
  abort.abort(reason);
  assert.equal(await ended.now(), reason);
  assert.equal(await other.now(), "waiting");
  assert.equal(await new Watched(rig.pressure.writable(true, abort.signal)).now(), reason);
  rig.ease(0);
  assert.equal(await other.now(), "resolved");
  assert.equal(await new Watched(rig.pressure.writable(true, abort.signal)).now(), reason, "also when there is room");
});

test("no listener stays on a signal, however the waiting ends", async () => {
  for (const end of ["low", "abort", "end", "at once", "twice"] as const) {
    const rig = new Rig();
    const abort = new AbortController();
    if (end !== "at once") rig.take(800);
    const waits = [new Watched(rig.pressure.writable(true, abort.signal))];
    if (end === "twice") waits.push(new Watched(rig.pressure.writable(true, abort.signal)));
    assert.equal(getEventListeners(abort.signal, "abort").length, end === "at once" ? 0 : waits.length);
    if (end === "low" || end === "twice") rig.ease(0);
    if (end === "abort") abort.abort();
    if (end === "end") rig.pressure.end();
    assert.equal(getEventListeners(abort.signal, "abort").length, 0, end);
    assert.equal(rig.pressure.waiting, 0, `${end}: a waiter stays behind`);
    for (const wait of waits) assert.notEqual(await wait.now(), "waiting", end);
  }
});

test("after the end nothing can be written: those that wait and those that come reject", async () => {
  const rig = new Rig();
  rig.take(800);
  const waiting = new Watched(rig.pressure.writable(true));
  rig.pressure.end();
  assert.ok((await waiting.now()) instanceof ClosedConnectionError);
  await assert.rejects(rig.pressure.writable(true), ClosedConnectionError);
  rig.ease(0);
  await assert.rejects(rig.pressure.writable(true), ClosedConnectionError);
});

test("a signal that is none rejects", async () => {
  const rig = new Rig(defaults);
  const wrong: unknown = { aborted: false };
  await assert.rejects(rig.pressure.writable(true, wrong as AbortSignal), (error: Error) => {
    return error instanceof InvalidArgumentError && /signal/.test(error.message);
  });
});

type Step =
  | { readonly kind: "take"; readonly bytes: number }
  | { readonly kind: "ease"; readonly tenths: number }
  | { readonly kind: "full"; readonly refused: boolean }
  | { readonly kind: "usable"; readonly now: boolean }
  | { readonly kind: "wait" | "turn" };

/** What may happen to a log, in any order. */
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("take" as const), bytes: fc.integer({ min: 0, max: 400 }) }),
  fc.record({ kind: fc.constant("ease" as const), tenths: fc.integer({ min: 0, max: 10 }) }),
  fc.record({ kind: fc.constant("full" as const), refused: fc.boolean() }),
  fc.record({ kind: fc.constant("usable" as const), now: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("wait" as const, "turn" as const) }),
);

test("whatever happens: nobody waits outside of an episode, nobody goes on inside of one, and the refused add up", async () => {
  const run = async (steps: readonly Step[], holds: boolean): Promise<void> => {
    const rig = new Rig(holds ? withBuffer({ maxBytes: 1000 }) : onlyQueued);
    let usable = false;
    let refused = 0;
    /** By the events alone. */
    const isEpisode = (): boolean => rig.events.length > 0 && rig.events.at(-1)?.type !== "low";
    for (const each of steps) {
      const before = rig.pressure.waiting;
      if (each.kind === "take") assert.equal(rig.take(rig.held.bytes + each.bytes), rig.held.bytes <= 700);
      if (each.kind === "ease") rig.ease(Math.floor((rig.held.bytes * each.tenths) / 10), usable);
      if (each.kind === "full") {
        if (each.refused) refused++;
        rig.pressure.full(each.refused, usable);
      }
      if (each.kind === "usable") {
        usable = each.now;
        rig.pressure.eased(usable);
      }
      if (each.kind === "turn") rig.clock.advance();
      const mustWait: boolean = isEpisode() || !(usable || holds);
      if (each.kind === "wait") {
        const waiting: Watched = new Watched(rig.pressure.writable(usable));
        assert.equal(await waiting.now(), mustWait ? "waiting" : "resolved");
      }
      if (!mustWait) assert.equal(rig.pressure.waiting, 0, "somebody waits although there is room");
      else assert.ok(rig.pressure.waiting >= before, "somebody went on although there is no room");
    }
    rig.ease(0, true);
    assert.equal(rig.pressure.waiting, 0);
    const types = rig.types().join(" ");
    assert.match(types, /^((high|full|high full|full high) low ?)*$/);
    const reported = rig.events.reduce((sum, event) => sum + (event.type === "low" ? event.refused : 0), 0);
    assert.equal(reported, refused);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), run), { numRuns: 500 });
});
