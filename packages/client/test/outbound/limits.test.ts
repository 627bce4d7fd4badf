import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FlushError, ReconnectBufferFullError } from "../../src/errors.ts";
import { Bench, defaults, Peer, withBuffer } from "./harness.ts";

/** `PUB a 3\r\nxyz\r\n`: 14 bytes. */
const FRAME = 14;
const states = (bench: Bench): string[] => bench.back.map((message) => `${Buffer.from(message.data)} ${message.state}`);

describe("limits of the reconnect buffer", () => {
  it("count bytes with framing, to the byte and without overshoot", () => {
    const bench = new Bench(withBuffer({ maxBytes: 2 * FRAME }));
    bench.publish("001");
    bench.publish("002");
    assert.deepEqual(bench.log.held, { messages: 2, bytes: 28 });
    assert.throws(
      () => bench.publish("3", ""),
      (error) => {
        assert.ok(error instanceof ReconnectBufferFullError);
        assert.deepEqual({ ...error.limit }, { bytes: 28, messages: Infinity });
        assert.deepEqual({ ...error.held }, { messages: 2, bytes: 28 });
        assert.deepEqual({ ...error.asked }, { messages: 1, bytes: 11 });
        assert.match(error.message, /reconnectBuffer.*28 bytes.*held 28 bytes in 2 messages.*11 bytes/);
        return true;
      },
    );
    assert.equal(bench.log.counts().refused, 1);
    bench.connect();
    bench.settle();
    assert.deepEqual(bench.log.counts().confirmed, 2);
  });

  it("count messages", () => {
    const bench = new Bench(withBuffer({ maxBytes: Infinity, maxMessages: 3 }));
    for (let i = 0; i < 3; i++) bench.publish("x".repeat(100_000));
    assert.throws(() => bench.publish(""), ReconnectBufferFullError);
  });

  it("refuse a message that is larger than all of it at once, whatever the policy", () => {
    for (const whenFull of ["error", "drop-oldest", "drop-newest"] as const) {
      const bench = new Bench(withBuffer({ maxBytes: 100, whenFull }));
      bench.publish("kept");
      assert.throws(() => bench.publish("x".repeat(100)), ReconnectBufferFullError);
      assert.deepEqual({ ...bench.log.counts(), refused: 0 }, { ...bench.log.counts(), refused: 0, buffered: 1, dropped: 0 });
    }
  });

  it("do not apply on a healthy connection", () => {
    const bench = new Bench(withBuffer({ maxBytes: 100 }));
    bench.connect(new Peer(0));
    for (let i = 0; i < 1000; i++) bench.publish("some message");
    assert.equal(bench.log.counts().refused, 0);
    assert.deepEqual(bench.log.limit, { bytes: Infinity, messages: Infinity });
  });

  it("never evict what was accepted before the connection ended, but refuse what comes then", () => {
    const bench = new Bench(withBuffer({ maxBytes: 100 }));
    bench.connect(new Peer(0));
    for (let i = 0; i < 100; i++) bench.publish("some message");
    bench.cut();
    assert.deepEqual(bench.log.limit, { bytes: 100, messages: Infinity });
    assert.equal(bench.log.counts().buffered, 100);
    assert.throws(() => bench.publish("one more"), ReconnectBufferFullError);
    bench.connect();
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 100);
  });

  it("false refuses everything while there is no connection, and keeps what was accepted before", () => {
    const bench = new Bench(withBuffer({ enabled: false, maxBytes: 0 }));
    assert.throws(() => bench.publish(""), /reconnectBuffer is false/);
    bench.connect(new Peer(0));
    bench.publish("held by the log");
    bench.cut();
    assert.throws(() => bench.publish("x"), ReconnectBufferFullError);
    bench.connect();
    bench.settle();
    assert.deepEqual({ ...bench.log.counts() }, { ...bench.log.counts(), accepted: 1, confirmed: 1, refused: 2 });
  });

  it("Infinity never refuses", () => {
    const bench = new Bench(withBuffer({ maxBytes: Infinity }));
    for (let i = 0; i < 20; i++) bench.publish("x".repeat(1_000_000));
    assert.equal(bench.log.counts().buffered, 20);
  });

  it("maxQueued binds also while connected, under its own name", () => {
    const bench = new Bench({ ...defaults, maxQueued: { maxBytes: 2 * FRAME, maxMessages: Infinity } });
    bench.connect(new Peer(0));
    bench.publish("001");
    bench.publish("002");
    assert.throws(() => bench.publish("003"), /maxQueued is full/);
    assert.deepEqual(bench.log.limit, { bytes: 28, messages: Infinity });
  });
});

describe("overflow", () => {
  it("drop-oldest evicts as many as needed, hands them back, and keeps the order", () => {
    const bench = new Bench(withBuffer({ maxBytes: 4 * FRAME, whenFull: "drop-oldest" }));
    for (let i = 0; i < 6; i++) bench.publish(`00${i}`);
    bench.publish("x".repeat(20));
    bench.clock.advance(1);
    assert.deepEqual(
      states(bench),
      ["000 dropped", "001 dropped", "002 dropped", "003 dropped", "004 dropped"].slice(0, bench.back.length),
    );
    assert.ok(bench.log.held.bytes <= 4 * FRAME);
    bench.connect();
    bench.settle();
    assert.deepEqual(bench.peer?.payloads().at(-1), "x".repeat(20));
    assert.equal(bench.log.counts().dropped + bench.log.counts().confirmed, 7);
  });

  it("drop-oldest evicts nothing in flight: it refuses when that alone is too much", () => {
    const bench = new Bench({
      ...withBuffer({ whenFull: "drop-oldest" }),
      maxQueued: { maxBytes: 3 * FRAME, maxMessages: Infinity },
    });
    bench.connect();
    bench.publish("001");
    bench.publish("002");
    bench.clock.advance(0);
    assert.equal(bench.log.counts().inFlight, 2);
    bench.publish("003");
    bench.publish("004");
    assert.deepEqual({ ...bench.log.counts() }, { ...bench.log.counts(), inFlight: 2, dropped: 1, buffered: 1 });
    assert.throws(() => bench.publish("x".repeat(20)), ReconnectBufferFullError);
    assert.deepEqual({ ...bench.log.counts() }, { ...bench.log.counts(), inFlight: 2, dropped: 1, buffered: 1 });
  });

  it("drop-newest accepts, drops, says false and hands back", () => {
    const bench = new Bench(withBuffer({ maxBytes: FRAME, whenFull: "drop-newest" }));
    bench.publish("001");
    assert.equal(bench.publish("002"), false);
    bench.clock.advance(1);
    assert.deepEqual(states(bench), ["002 dropped"]);
    assert.deepEqual({ ...bench.log.counts() }, { ...bench.log.counts(), accepted: 2, buffered: 1, dropped: 1, refused: 0 });
  });

  it("drop-newest refuses a request beyond the reserve instead: somebody waits for its answer", () => {
    const bench = new Bench(withBuffer({ maxBytes: FRAME, whenFull: "drop-newest" }));
    bench.publish("001");
    bench.log.request("a", "r", null, "x".repeat(1_000_000));
    assert.throws(() => bench.log.request("a", "r", null, "x".repeat(100_000)), ReconnectBufferFullError);
  });

  it("publish() returns false above 70 % of the limit, connected or not", () => {
    for (const connected of [false, true]) {
      const bench = new Bench(withBuffer({ maxBytes: 10 * FRAME }));
      if (connected) bench.connect(new Peer(0));
      const answers = Array.from({ length: 9 }, (_, i) => bench.publish(`00${i}`));
      assert.deepEqual(answers, [true, true, true, true, true, true, true, false, false]);
    }
  });

  it("a steady drop-oldest keeps the memory at the limit", () => {
    const bench = new Bench(withBuffer({ maxBytes: 100_000, whenFull: "drop-oldest" }), null);
    for (let i = 0; i < 100_000; i++) bench.publish("some message of a steady stream");
    assert.ok(bench.log.held.bytes <= 100_000 && bench.log.held.bytes > 99_000);
    assert.equal(bench.log.counts().dropped + bench.log.counts().buffered, 100_000);
  });
});

describe("maxAge", () => {
  it("expires buffered messages between maxAge and 20 ms later, also while there is no connection", () => {
    const bench = new Bench(withBuffer({ maxAge: 100 }));
    bench.publish("001");
    bench.clock.advance(50);
    bench.publish("002");
    bench.clock.advance(49);
    assert.equal(bench.log.counts().expired, 0);
    bench.clock.advance(21);
    assert.deepEqual(states(bench), ["001 expired"]);
    assert.ok((bench.back[0]?.ageMs ?? 0) >= 100 && (bench.back[0]?.ageMs ?? 0) <= 121);
    bench.clock.advance(60);
    assert.equal(bench.log.counts().expired, 2);
    assert.equal(bench.clock.pending.timers, 0);
  });

  it("hands over nothing that is too old, even if the event loop was blocked", () => {
    const bench = new Bench(withBuffer({ maxAge: 100 }));
    bench.publish("stale");
    bench.clock.advance(0);
    const { clock } = bench;
    const now = clock.now.bind(clock);
    // The loop was blocked: the clock went on and no timer ran.
    clock.now = () => now() + 500;
    bench.publish("fresh");
    bench.connect();
    assert.deepEqual(bench.peer?.payloads(), ["fresh"]);
  });

  it("does not expire what is in flight", () => {
    const bench = new Bench(withBuffer({ maxAge: 100 }));
    bench.connect();
    bench.publish("sent");
    bench.clock.advance(1000);
    assert.equal(bench.log.counts().inFlight, 1);
    bench.answer();
    assert.equal(bench.log.counts().confirmed, 1);
  });
});

describe("what may be held", () => {
  it("a message bound to its connection has expired in the same call when there is none, and publish() says true", () => {
    const bench = new Bench(withBuffer({ enabled: false, maxBytes: 0 }));
    assert.equal(bench.log.publish("pull", "", null, "x", { bound: true }), true);
    assert.deepEqual({ ...bench.log.counts() }, { ...bench.log.counts(), accepted: 1, expired: 1, refused: 0 });
  });

  it("a bound message that is still buffered expires when its connection ends", () => {
    const bench = new Bench();
    bench.connect(new Peer(0));
    bench.publish("with its fence in the kernel's hands");
    bench.clock.advance(1);
    bench.log.publish("pull", "", null, "bound", { bound: true });
    bench.publish("kept");
    bench.cut();
    bench.connect();
    bench.settle();
    assert.deepEqual(bench.peer?.payloads(), ["kept"]);
    assert.deepEqual(states(bench), ["with its fence in the kernel's hands inDoubt", "bound expired"]);
  });

  it("a request waits beside the log, at its place among the publishes", () => {
    const bench = new Bench();
    bench.publish("1");
    bench.log.request("a", "r", null, "2");
    bench.publish("3");
    bench.connect();
    assert.deepEqual(bench.peer?.payloads(), ["1", "2", "3"]);
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 3);
  });

  it("a request whose deadline passed is not sent, whether it waits beside the log or in it", () => {
    const bench = new Bench();
    bench.log.expire(bench.log.request("a", "r", null, "beside"));
    const peer = bench.connect(new Peer(0));
    bench.publish("fills the kernel");
    bench.clock.advance(1);
    bench.log.expire(bench.log.request("a", "r", null, "in the log"));
    bench.publish("last");
    peer.drain(Infinity);
    bench.log.taken();
    bench.settle();
    assert.deepEqual(peer.payloads(), ["fills the kernel", "last"]);
    assert.deepEqual(states(bench), ["beside expired", "in the log expired"]);
  });

  it("is handed back with its own age, also if a later message ended before it", () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("in flight");
    bench.clock.advance(30);
    bench.peer?.block();
    bench.publish("x".repeat(70_000));
    bench.clock.advance(1);
    const request = bench.log.request("a", "r", null, "cancelled");
    bench.clock.advance(20);
    bench.log.expire(request);
    bench.cut();
    bench.connect();
    bench.answer();
    bench.clock.advance(1);
    const ages = Object.fromEntries(
      bench.back.map(({ data, ageMs }) => [Buffer.from(data).toString().slice(0, 9), Math.round(ageMs)]),
    );
    assert.deepEqual(ages, { "in flight": 51, cancelled: 20 });
  });

  it("a request that was handed over is not expired by its deadline", () => {
    const bench = new Bench();
    bench.connect();
    const request = bench.log.request("a", "r", null, "x");
    bench.clock.advance(1);
    bench.log.expire(request);
    bench.settle();
    assert.equal(bench.log.counts().confirmed, 1);
  });

  it("a frame too large for the server reached now is set aside alone, with headers likewise", () => {
    const bench = new Bench();
    bench.publish("1");
    bench.publish("x".repeat(2000));
    bench.log.publish("a", "", Buffer.from("NATS/1.0\r\nA: b\r\n\r\n"), "h", undefined);
    bench.publish("2");
    bench.connect(new Peer(), 1000, false);
    bench.settle();
    assert.deepEqual(bench.peer?.payloads(), ["1", "2"]);
    assert.deepEqual(
      bench.back.map((message) => [message.state, message.error?.message]),
      [
        ["undeliverable", "'payload' max_payload size exceeded"],
        ["undeliverable", "'headers' are not available on this server"],
      ],
    );
    assert.throws(
      () => bench.publish("x".repeat(1001)),
      (error) =>
        error instanceof Error && /max_payload size exceeded/.test(error.message) && /1001 bytes.*1000/.test(String(error.cause)),
    );
  });

  it("a control line over maxControlLine is refused, one at it is taken", () => {
    const bench = new Bench();
    // "PUB " and the line end do not count: as in the server.
    bench.publish("", "s".repeat(4096 - " 0".length));
    assert.throws(() => bench.publish("", "s".repeat(4096 - " 0".length + 1)), /maxControlLine/);
  });
});

describe("publish() returns false above 70 % of the limit", () => {
  const answers = (bench: Bench, times: number): boolean[] => Array.from({ length: times }, () => bench.publish("xyz"));

  it("counted in messages, of a limit with no whole share", () => {
    const bench = new Bench(withBuffer({ maxBytes: Infinity, maxMessages: 5 }));
    assert.deepEqual(answers(bench, 5), [true, true, true, false, false]);
  });

  it("counted in bytes, also after more was confirmed than may be held", () => {
    const bench = new Bench(withBuffer({ maxBytes: 10 * FRAME }));
    bench.connect();
    for (let i = 0; i < 20; i++) {
      assert.equal(bench.publish("xyz"), true);
      bench.settle();
    }
    assert.deepEqual(answers(bench, 9), [true, true, true, true, true, true, true, false, false]);
  });

  it("with what is held beside the log", () => {
    const bench = new Bench(withBuffer({ maxBytes: Infinity, maxMessages: 10 }));
    bench.publish("xyz");
    for (let i = 0; i < 4; i++) bench.log.request("a", "r", null, "");
    assert.deepEqual(answers(bench, 3), [true, true, false]);
    const bytes = new Bench(withBuffer({ maxBytes: 10 * FRAME }));
    bytes.publish("xyz");
    bytes.log.request("a", "r", null, "x".repeat(3 * FRAME));
    assert.deepEqual(answers(bytes, 4), [true, true, false, false]);
  });
});

describe("flush", () => {
  it("always makes a round trip behind everything called before it, one for all who asked in one turn", async () => {
    const bench = new Bench();
    bench.connect();
    const flushes = [bench.log.flush(), bench.log.flush()];
    bench.publish("behind it");
    bench.log.control(Buffer.from("SUB x 1\r\n"));
    flushes.push(bench.log.flush());
    bench.clock.advance(0);
    assert.deepEqual(
      bench.peer?.reads.map((read) => read.verb),
      ["PUB", "SUB", "PING"],
    );
    bench.answer();
    await Promise.all(flushes);
  });

  it("waits through a disconnect for the PONG of the next connection", async () => {
    const bench = new Bench();
    let settled = false;
    const flush = bench.log.flush().then(() => {
      settled = true;
    });
    bench.connect();
    bench.clock.advance(100);
    bench.cut();
    bench.clock.advance(100);
    await new Promise(setImmediate);
    assert.equal(settled, false);
    bench.connect();
    bench.settle();
    await flush;
  });

  it("rejects with the counts of those messages only that were held at the call", async () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("in doubt");
    bench.clock.advance(0);
    const flush = bench.log.flush();
    bench.publish("later, in doubt too");
    bench.clock.advance(0);
    bench.cut();
    bench.connect();
    bench.settle();
    await assert.rejects(
      flush,
      (error) => error instanceof FlushError && error.counts.inDoubt === 1 && error.counts.dropped === 0,
    );
  });

  it("a round trip resolves whatever became of the messages", async () => {
    const bench = new Bench();
    bench.connect();
    bench.publish("in doubt");
    bench.clock.advance(0);
    const trip = bench.log.roundTrip();
    bench.cut();
    bench.connect();
    bench.settle();
    await trip;
  });

  it("rejects at the end when no connection came, with nothing lost: closed", async () => {
    const bench = new Bench();
    const flush = bench.log.flush();
    const end = bench.log.end(10);
    bench.clock.advance(10);
    await assert.rejects(flush, { name: "ClosedConnectionError" });
    await end;
  });
});
