/** The official acknowledgements on a Holdfast connection: given while down, in flight at a cut, and waited for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsMsg } from "@nats-io/jetstream";
import { ReconnectBufferFullError } from "../../src/index.ts";
import { serverVersionAtLeast } from "../../src/testing/index.ts";
import { atEachLevel, installed, type JsLine, type JsOutage, openJs } from "./modules-js-harness.ts";
import { ackedSeq } from "./modules-js-wire.ts";
import { assertIdentity, limit, until } from "./peers-harness.ts";

test(
  "ack(), nak() and term() given while the link is cut arrive after the reconnect: only what was refused comes again",
  limit,
  (t) => atEachLevel(t, (js) => acksThrough(js, "rst")),
);

test(
  "ack(), nak() and term() given while the server is restarted arrive afterwards: only what was refused comes again",
  limit,
  (t) => atEachLevel(t, (js) => acksThrough(js, "restart")),
);

async function acksThrough(js: JsLine, outage: JsOutage): Promise<void> {
  // Older servers do not read "+TERM" with a reason.
  const reason = serverVersionAtLeast(installed(), "2.11.0") ? "not for us" : "";
  await js.addWorker();
  await js.store(1, 6);
  const { messages, taken } = await js.take(6);
  await js.through(outage, () => {
    const [first, second, third, fourth, fifth, sixth] = taken;
    first?.ack();
    second?.nak();
    third?.term();
    fourth?.term(reason);
    fifth?.ack();
    sixth?.nak(300);
  });
  await until("what was refused", () => taken.length === 8);
  const again = taken.slice(6);
  for (const message of again) message.ack();
  await js.workerWhen("all acknowledged", (info) => info.num_ack_pending === 0 && info.ack_floor.stream_seq === 6);
  await messages.close();
  assert.deepEqual(
    again.map(({ seq, info }) => [seq, info.deliveryCount]),
    [
      [2, 2],
      [6, 2],
    ],
  );
  assert.deepEqual(
    js.wire.sent("$JS.ACK.").map(({ text }) => text),
    ["+ACK", "-NAK", "+TERM", `+TERM ${reason}`.trim(), "+ACK", '-NAK {"delay":300000000}', "+ACK", "+ACK"],
  );
  assertIdentity(js.nc);
}

test("acknowledgements in flight at a cut: in doubt at-most-once, sent again and in order at-least-once", limit, (t) =>
  atEachLevel(t, async (js, delivery) => {
    await js.addWorker();
    await js.store(1, 20);
    const { messages, taken } = await js.take(20);
    await js.nc.flush();
    js.line.proxy.toServer.hold();
    for (const message of taken) message.ack();
    await until("all are handed over", () => js.nc.outbound.counts().buffered === 0);
    await js.line.down();
    js.line.proxy.toServer.forward();
    await js.line.up();
    await js.nc.flush();
    const arrived = js.wire.acks("+ACK").length;
    const { inDoubt } = js.nc.outbound.counts();
    await messages.close();
    if (delivery === "at-most-once") {
      assert.deepEqual({ arrived, inDoubt }, { arrived: 0, inDoubt: 20 });
      assert.equal((await js.worker()).num_ack_pending, 20);
      return;
    }
    assert.deepEqual({ arrived, inDoubt }, { arrived: 20, inDoubt: 0 });
    assert.deepEqual(
      js.wire.acks("+ACK").map(({ subject }) => ackedSeq(subject)),
      taken.map(({ seq }) => seq),
    );
    await js.workerWhen("all acknowledged", (info) => info.num_ack_pending === 0);
  }),
);

test("what was acknowledged into a black hole comes again after ack_wait, and is acknowledged then", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker({ ack_wait: 2e9 });
  await js.store(1, 10);
  const { messages, taken } = await js.take(10);
  await js.through("hole", () => {
    for (const message of taken) message.ack();
  });
  await until("all of it again", () => taken.length >= 20);
  for (const message of taken.slice(10)) message.ack();
  await js.workerWhen("all acknowledged", (info) => info.num_ack_pending === 0 && info.ack_floor.stream_seq === 10);
  await messages.close();
  assert.equal(js.nc.outbound.counts().inDoubt >= 10, true);
});

test(
  "working() and next() belong to the connection: while down they expire, and only the ack() behind them is held",
  limit,
  (t) =>
    atEachLevel(t, async (js) => {
      await js.addWorker();
      await js.store(1, 3);
      const { messages, taken } = await js.take(2, { max_messages: 2 });
      await messages.close();
      const [message] = taken as [JsMsg];
      message.working();
      await until("working() on a connection", () => js.wire.acks("+WPI").length === 1);
      await js.nc.flush();
      const before = js.nc.outbound.counts().expired;
      await js.through("rst", () => {
        message.working();
        message.next("nobody.listens", { batch: 1 });
        message.working();
        message.ack();
      });
      await js.nc.flush();
      assert.deepEqual(
        js.wire.sent("$JS.ACK.").map(({ text }) => text),
        ["+WPI", "+ACK"],
      );
      assert.equal(js.nc.outbound.counts().expired - before, 3);
      assertIdentity(js.nc);
    }),
);

test("working() and next() in flight at a cut are not sent again, at either level", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    await js.store(1, 3);
    const { messages, taken } = await js.take(2, { max_messages: 2 });
    await messages.close();
    await js.nc.flush();
    js.line.proxy.toServer.hold();
    taken[0]?.working();
    taken[0]?.next("nobody.listens", { batch: 1 });
    await until("both are handed over", () => js.nc.outbound.counts().buffered === 0);
    await js.line.down();
    js.line.proxy.toServer.forward();
    await js.line.up();
    await js.nc.flush();
    assert.deepEqual(js.wire.sent("$JS.ACK."), []);
    assert.equal(js.nc.outbound.counts().inDoubt, 2);
  }),
);

test("next() of a message asks for the next one, and an inbox of ours gets it", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  await js.store(1, 3);
  const message = await (await js.js.consumers.get("EVENTS", "worker")).next({ expires: 10_000 });
  const came: string[] = [];
  js.nc.subscribe("my.inbox", { callback: (_error, msg) => void came.push(msg.string()) });
  message?.next("my.inbox", { batch: 2 });
  await until("the next ones", () => came.length === 2);
  assert.deepEqual(came, ["2", "3"]);
  // It acknowledges as well.
  assert.equal((await js.worker()).ack_floor.stream_seq, 1);
});

test("ackAck() called while the link is cut is true after the reconnect", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    await js.store(1, 2);
    const { messages, taken } = await js.take(2);
    let asked: Promise<boolean>[] = [];
    await js.through("rst", () => {
      asked = taken.map((message) => message.ackAck({ timeout: 20_000 }));
    });
    assert.deepEqual(await Promise.all(asked), [true, true]);
    assert.equal(await taken[0]?.ackAck(), false, "it has been acknowledged already");
    await messages.close();
    assert.equal(js.wire.acks("+ACK").length, 2);
    assert.equal((await js.worker()).ack_floor.stream_seq, 2);
  }),
);

test("ackAck() whose timeout ends while down rejects then, and is never sent", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    await js.store(1, 1);
    const { messages, taken } = await js.take(1);
    await js.through("rst", () => assert.rejects(Promise.resolve(taken[0]?.ackAck({ timeout: 100 })), /timeout/i));
    await js.nc.flush();
    await messages.close();
    assert.equal(js.wire.acks("+ACK").length, 0);
    assert.equal((await js.worker()).num_ack_pending, 1);
    assertIdentity(js.nc);
  }),
);

test("ackAck() in flight at the cut rejects at its own timeout, in doubt, and is never sent twice", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.addWorker();
    await js.store(1, 1);
    const { messages, taken } = await js.take(1);
    await js.nc.flush();
    js.line.proxy.toClient.hold();
    const rejected = assert.rejects(Promise.resolve(taken[0]?.ackAck({ timeout: 1_000 })), /timeout/i);
    await js.workerWhen("the server has it", (info) => info.num_ack_pending === 0);
    await js.line.down();
    js.line.proxy.toClient.forward();
    await js.line.up();
    await rejected;
    await js.nc.flush();
    await messages.close();
    assert.equal(js.wire.acks("+ACK").length, 1);
    assert.equal(js.nc.outbound.counts().inDoubt >= 1, true);
  }),
);

test("with failRequestsOnDisconnect ackAck() in flight at the cut rejects at once, one that is held waits", limit, async (t) => {
  const js = await openJs(t, { client: { failRequestsOnDisconnect: true } });
  if (js === undefined) return;
  await js.addWorker();
  await js.store(1, 2);
  const { messages, taken } = await js.take(2);
  await js.nc.flush();
  js.line.proxy.toClient.hold();
  const rejected = assert.rejects(Promise.resolve(taken[0]?.ackAck({ timeout: 600_000 })), /disconnected/);
  await js.workerWhen("the server has it", (info) => info.num_ack_pending === 1);
  await js.line.down();
  await rejected;
  const held = taken[1]?.ackAck({ timeout: 20_000 });
  js.line.proxy.toClient.forward();
  await js.line.up();
  assert.equal(await held, true);
  await messages.close();
});

test("beyond the reserve ack() does not throw: it ends dropped and is counted, and the others arrive", limit, async (t) => {
  const js = await openJs(t, { client: { reconnectBuffer: false } });
  if (js === undefined) return;
  await js.addWorker({ max_ack_pending: 10_000 });
  await Promise.all(
    Array.from({ length: 4_200 }, (_, number) => js.second.request("events", String(number), { timeout: 20_000 })),
  );
  const { messages, taken } = await js.take(4_200, { max_messages: 5_000 });
  const before = js.nc.outbound.counts().dropped;
  await js.through("rst", () => {
    assert.throws(() => js.nc.publish("orders", "refused"), ReconnectBufferFullError);
    for (const message of taken) message.ack();
  });
  await js.nc.flush().catch(() => {});
  const lost = js.nc.outbound.counts().dropped - before;
  assert.equal(lost, 4_200 - 4_096);
  await js.workerWhen("those of the reserve are acknowledged", (info) => info.num_ack_pending === lost);
  await js.line.handedBack();
  assert.deepEqual(
    js.line.undelivered.filter(({ state }) => state === "dropped").map(({ subject }) => ackedSeq(subject)),
    taken.slice(-lost).map(({ seq }) => seq),
  );
  await messages.close();
  assertIdentity(js.nc);
});
