import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Ages } from "../../src/outbound/ages.ts";
import type { Place } from "../../src/outbound/cursor.ts";
import type { EndedMessage } from "../../src/outbound/ended-message.ts";
import { Leftovers } from "../../src/outbound/leftovers.ts";
import { Log } from "../../src/outbound/log.ts";
import type { Slab } from "../../src/outbound/slab.ts";
import { maxPubBytes, PubEncoder } from "../../src/protocol/pub-encoder.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A log with frames, and what is left of it. */
class Rig {
  readonly clock = new VirtualClock({ start: 1000 });
  readonly log = new Log(1024 * 1024);
  readonly ages = new Ages();
  readonly encoder = new PubEncoder();
  readonly left = new Leftovers(this.log, this.ages, this.clock);

  /** Appends one frame now. */
  append(payload: string, headers: Uint8Array | null = null, reply = ""): void {
    const slab = this.log.reserve(maxPubBytes("s", reply, headers, payload));
    const end = this.encoder.encode(slab.memory, slab.view, slab.used, "s", reply, headers, payload);
    this.ages.note(this.log.tail(), this.clock.now());
    this.log.commit(slab, end - slab.used, headers !== null);
  }

  /** Everything from `confirmed` to `to` ends in doubt, the rest abandoned, as at `close()`. */
  end(to: Place = this.log.confirmed): void {
    const log = this.log;
    const flying = { slab: to.slab, position: to.position, index: to.index };
    for (const run of log.liveRuns(log.confirmed, flying)) this.left.addRun(run, "inDoubt", undefined);
    log.confirmTo(flying);
    for (const run of log.liveRuns(flying, log.tail())) this.left.addRun(run, "abandoned", undefined);
    log.remove(flying, log.tail());
  }

  async collect(most = Infinity): Promise<string[]> {
    const texts: string[] = [];
    for await (const message of this.left) {
      texts.push(text(message));
      if (texts.length >= most) break;
    }
    return texts;
  }
}

const text = (message: EndedMessage): string => Buffer.from(message.data).toString();

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => String(from + n));

function single(data: string): EndedMessage {
  const bytes = Buffer.from(data);
  return { subject: "s", reply: undefined, headers: undefined, data: bytes, state: "abandoned", error: undefined, ageMs: 0 };
}

test("it gives every message, in order, with its state, and ends behind the last", async () => {
  const rig = new Rig();
  rig.append("0");
  rig.append("1", Buffer.from("NATS/1.0\r\nA: b\r\n\r\n"), "r");
  const middle = rig.log.tail();
  rig.append("2");
  rig.end(middle);
  rig.left.addMessage(single("3"));
  rig.left.complete();
  const messages: EndedMessage[] = [];
  for await (const message of rig.left) messages.push(message);
  assert.deepEqual(messages.map(text), ["0", "1", "2", "3"]);
  assert.deepEqual(
    messages.map((message) => message.state),
    ["inDoubt", "inDoubt", "abandoned", "abandoned"],
  );
  assert.equal(messages[1]?.reply, "r");
  assert.equal(Buffer.from(messages[1]?.headers ?? []).toString(), "NATS/1.0\r\nA: b\r\n\r\n");
  assert.equal(messages[0]?.headers, undefined);
});

test("an iteration begun before the end waits for it; without leftovers it just ends", async () => {
  const rig = new Rig();
  const texts: string[] = [];
  let isOver = false;
  const reading = (async () => {
    for await (const message of rig.left) texts.push(text(message));
    isOver = true;
  })();
  rig.append("0");
  await setImmediate();
  assert.deepEqual([texts, isOver], [[], false]);
  rig.end();
  rig.left.complete();
  await reading;
  assert.deepEqual(texts, ["0"]);
  const empty = new Rig();
  const waiting = empty.collect();
  empty.left.complete();
  empty.left.complete();
  assert.deepEqual(await waiting, []);
  assert.deepEqual(await empty.collect(), []);
});

test("a loop that is left leaves the rest to the next", async () => {
  const rig = new Rig();
  for (const n of numbers(0, 10)) rig.append(n);
  rig.end();
  rig.left.complete();
  assert.deepEqual(await rig.collect(3), ["0", "1", "2"]);
  assert.deepEqual(await rig.collect(1), ["3"]);
  const failing = (async () => {
    for await (const message of rig.left) throw new Error(text(message));
  })();
  await assert.rejects(failing, /4/);
  assert.deepEqual(await rig.collect(), numbers(5, 10));
  assert.deepEqual(await rig.collect(), []);
});

test("iterations share: each message is given once, whoever waits", async () => {
  const rig = new Rig();
  const early = [rig.collect(), rig.collect()];
  for (const n of numbers(0, 100)) rig.append(n);
  rig.end();
  rig.left.addMessage(single("100"));
  rig.left.complete();
  const given = (await Promise.all([...early, rig.collect()])).flat();
  assert.deepEqual(
    given.map(Number).sort((a, b) => a - b),
    numbers(0, 101).map(Number),
  );
});

test("the age is that at its end, whenever it is read", async () => {
  const rig = new Rig();
  rig.append("old");
  rig.clock.advance(70);
  rig.append("young");
  rig.clock.advance(30);
  rig.end();
  rig.left.complete();
  rig.clock.advance(60_000);
  const ages: number[] = [];
  for await (const message of rig.left) ages.push(message.ageMs);
  assert.deepEqual(ages, [100, 30]);
});

test("the oldest position is that of the next frame to be given, so that its age is kept", async () => {
  const rig = new Rig();
  assert.equal(rig.left.oldest, Infinity);
  rig.append("0");
  const second = rig.log.tail().position;
  rig.append("1");
  rig.end();
  rig.left.addMessage(single("2"));
  rig.left.complete();
  assert.equal(rig.left.oldest, 0);
  rig.ages.release(rig.left.oldest);
  await rig.collect(1);
  assert.equal(rig.left.oldest, second);
  await rig.collect(1);
  assert.equal(rig.left.oldest, Infinity);
});

test("frames are in memory until they were given, and not longer", async () => {
  const rig = new Rig();
  const payload = "x".repeat(1000);
  const slabs = new Set<Slab>();
  for (const n of numbers(0, 1000)) {
    rig.append(n + payload);
    slabs.add(rig.log.tail().slab);
  }
  assert.ok(slabs.size > 3);
  rig.end();
  rig.left.complete();
  // The log goes on as if the memory were free: nothing of what is left may be overwritten.
  for (let n = 0; n < 1000; n++) rig.append("y".repeat(1000));
  const inMemory = (): number => [...slabs].filter((slab) => slab.memory.length > 0).length;
  assert.equal(inMemory(), slabs.size);
  const first = await rig.collect(500);
  assert.ok(inMemory() < slabs.size, "what was given half way is still in memory");
  const rest = await rig.collect();
  assert.deepEqual(
    [...first, ...rest],
    numbers(0, 1000).map((n) => n + payload),
  );
  assert.equal([...slabs].filter((slab) => slab.pinned).length, 0);
  assert.ok(inMemory() <= 1, "only the slab that the log goes on with");
});
