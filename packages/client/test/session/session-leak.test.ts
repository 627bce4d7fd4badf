import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { resolveOptions } from "../../src/resolve-options.ts";
import { Session } from "../../src/session/session.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type DialAnswer, memoryTransport } from "../../src/transport/memory.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { Peer, RecordingHost } from "./harness.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** A session that dials every 2 s, and weak references to all that it gave to the transport. */
class Dialler {
  readonly clock: VirtualClock = new VirtualClock();
  readonly session: Session;
  readonly #given: WeakRef<object>[] = [];
  #dials = 0;

  constructor(answer: DialAnswer, script: (peer: Peer) => void = () => {}) {
    const memory = memoryTransport({
      runtime: this.clock,
      resolve: () => ["10.0.0.1"],
      answer: () => answer,
      accept: (raw) => script(new Peer(raw)),
    });
    const transport: Transport = {
      resolve: (hostname) => memory.resolve(hostname),
      dial: (endpoint, handler, options) => {
        this.#dials++;
        this.#given.push(new WeakRef(handler), new WeakRef(options.signal));
        return memory.dial(endpoint, handler, options);
      },
    };
    const options = { servers: "nats.example", reconnectJitter: 0, timeout: 1000 };
    const waiting = { ...options, retryOnFailedConnect: true };
    const host = new RecordingHost("forgets");
    this.session = new Session(resolveOptions(waiting), transport, this.clock, host);
  }

  /** Goes on until it has dialled `count` times. */
  async until(count: number): Promise<void> {
    while (this.#dials < count) await this.clock.advanceAsync(500);
    // The attempt ends by its timeout at the latest; the next one is still to come.
    await this.clock.advanceAsync(1400);
    assert.equal(this.#dials, count);
  }

  /** How many handlers and signals of past dials are still in memory. */
  async kept(): Promise<number> {
    // A WeakRef holds its target until the end of the turn in which it was made.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return this.#given.filter((ref) => ref.deref() !== undefined).length;
  }

  heap(): number {
    collect();
    // The references themselves are the test's; they are the same few bytes for every dial.
    return process.memoryUsage().heapUsed - this.#given.length * 64;
  }
}

test("ten thousand refused dials leave one timer and nothing else", { timeout: 120_000 }, async () => {
  const dialler = new Dialler({ kind: "refuse" });
  await dialler.session.connect();
  await dialler.until(1000);
  const before = dialler.heap();
  await dialler.until(10_000);
  const between = dialler.heap();
  assert.deepEqual(dialler.clock.pending, { timers: 1, keptAlive: 1, deferred: 0, turns: 0 });
  assert.ok((await dialler.kept()) <= 4, `${await dialler.kept()} objects of past dials are kept`);
  await dialler.until(19_000);
  // What leaks does so again; what V8 compiles in the middle (once 600 kB, on a busy machine) it does once.
  const grown = Math.min(between - before, dialler.heap() - between);
  // 9 000 dials that each kept one small object would be above this.
  assert.ok(grown < 9000 * 32, `the heap grew by ${grown} bytes, twice`);
  await dialler.session.close();
  assert.deepEqual(dialler.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
});

const endings: readonly [what: string, answer: DialAnswer, script: (peer: Peer) => void][] = [
  ["hang until the timeout", { kind: "hang" }, () => {}],
  ["never send INFO", { kind: "accept" }, () => {}],
  [
    "close after INFO",
    { kind: "accept" },
    (peer) => {
      peer.info();
      peer.fin();
    },
  ],
  ["speak garbage", { kind: "accept" }, (peer) => peer.send("garbage\r\n")],
  [
    "die after the handshake",
    { kind: "accept" },
    (peer) => {
      let pings = 0;
      peer.info();
      peer.answer((frame) => {
        if (frame.verb !== "PING") return;
        peer.send("PONG\r\n");
        if (++pings === 2) peer.reset();
      });
    },
  ],
];
for (const [what, answer, script] of endings) {
  test(`a thousand servers that ${what} leave one timer and nothing else`, { timeout: 120_000 }, async () => {
    const dialler = new Dialler(answer, script);
    await dialler.session.connect();
    await dialler.until(1000);
    assert.deepEqual(dialler.clock.pending, { timers: 1, keptAlive: 1, deferred: 0, turns: 0 });
    assert.ok((await dialler.kept()) <= 4, `${await dialler.kept()} objects of past dials are kept`);
    await dialler.session.close();
    assert.deepEqual(dialler.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
  });
}
