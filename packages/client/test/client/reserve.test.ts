/** What is never refused because of the buffer, and where even that ends. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createInbox, headers, type Msg } from "@nats-io/nats-core";
import { type HoldfastConnection, type HoldfastOptions, ReconnectBufferFullError, type Undelivered } from "../../src/index.ts";
import { type FakeServer, startFakeServer } from "../../src/testing/index.ts";
import { collect, connected, statusOf } from "./harness.ts";

/** The reserve, in messages. */
const RESERVE = 4_096;

interface Down {
  readonly server: FakeServer;
  readonly nc: HoldfastConnection;
  readonly handedBack: Undelivered[];
  /** A request that came before the connection was lost. */
  readonly asked: Msg;
}

/** Connected, asked once, and then without a connection. */
async function down(t: TestContext, reconnectBuffer: NonNullable<HoldfastOptions["reconnectBuffer"]>): Promise<Down> {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const handedBack: Undelivered[] = [];
  const nc = await connected(t, {
    servers: server.url,
    reconnectBuffer,
    onUndelivered: (batch) => void handedBack.push(...batch),
  });
  const received = new Promise<Msg>((resolve) => {
    nc.subscribe("svc", { callback: (_error, msg) => resolve(msg) });
  });
  await nc.flush();
  server.connections[0]?.message({ sid: 1, subject: "svc", reply: "answers.here", payload: "?" });
  const asked = await received;
  const lost = statusOf(nc, "disconnect");
  server.refuse();
  server.connections[0]?.reset();
  await lost;
  return { server, nc, handedBack, asked };
}

/** Everything that has the right to the reserve; each call is one message. */
function privileged({ nc, asked }: Down): Record<string, () => unknown> {
  const own = createInbox();
  nc.subscribe(own, { callback: () => {} });
  nc.subscribe(`${own}.*`, { callback: () => {} });
  return {
    "respond()": () => asked.respond("yes"),
    "respondMessage()": () => nc.respondMessage(asked),
    "an acknowledgement": () => nc.publish("$JS.ACK.S.C.1.1.1.1.0", "+ACK"),
    "a call of JetStream's API": () => nc.publish("$JS.API.STREAM.INFO.S", "", { reply: "answers.here" }),
    "a publish that is answered at an inbox of ours": () => nc.publish("svc", "", { reply: own }),
    "one that is answered below it": () => nc.publish("svc", "", { reply: `${own}.1` }),
  };
}

for (const reconnectBuffer of [false, { maxMessages: 3 }] as const) {
  const how = reconnectBuffer === false ? "with reconnectBuffer: false" : "with a full buffer";

  test(`${how} answers, acknowledgements, module traffic and requests are held, and all of it goes when it can`, async (t) => {
    const bench = await down(t, reconnectBuffer);
    const { nc, server } = bench;
    const fill = reconnectBuffer === false ? 0 : reconnectBuffer.maxMessages;
    for (let n = 0; n < fill; n++) nc.publish("orders", String(n));
    const calls = privileged(bench);
    for (const [what, call] of Object.entries(calls)) {
      assert.throws(() => nc.publish("orders", "refused"), ReconnectBufferFullError, what);
      const before = nc.outbound.counts().buffered;
      assert.doesNotThrow(call, what);
      assert.equal(nc.outbound.counts().buffered, before + 1, what);
    }
    const foreign = createInbox();
    assert.throws(() => nc.publish("orders", "", { reply: foreign }), ReconnectBufferFullError);
    assert.throws(() => nc.publish(foreign, "an answer by hand"), ReconnectBufferFullError);
    const request = nc.request("other", "", { timeout: 60_000 });
    const many = collect(await nc.requestMany("other", "", { maxWait: 60_000 }));
    const held = fill + Object.keys(calls).length + 2;
    assert.equal(nc.outbound.counts().buffered, held);

    await server.accept();
    await nc.flush();
    const { confirmed, dropped, expired, inDoubt } = nc.outbound.counts();
    assert.deepEqual({ confirmed, dropped, expired, inDoubt }, { confirmed: held, dropped: 0, expired: 0, inDoubt: 0 });
    const sent = server.connections[0]?.commands.filter(({ verb }) => verb === "PUB" || verb === "HPUB");
    assert.equal(sent?.length, held);
    assert.deepEqual(bench.handedBack, []);
    // Nobody listens: the fake server says so.
    await assert.rejects(request, /no responders/);
    await assert.rejects(many, /no responders/);
  });
}

test("beyond the reserve a request is refused with the amounts, and nothing of it is left", async (t) => {
  const { nc, handedBack } = await down(t, false);
  const waiting = Array.from({ length: RESERVE }, () => nc.request("svc", "", { timeout: 60_000 }));
  const settled = Promise.allSettled(waiting);
  const isFull = (error: unknown): boolean => {
    assert.ok(error instanceof ReconnectBufferFullError, String(error));
    assert.equal(error.held.messages, RESERVE);
    assert.equal(error.asked.messages, 1);
    return true;
  };
  for (const noMux of [false, true]) {
    await assert.rejects(nc.request("svc", "", { timeout: 60_000, noMux }), isFull);
    const answers = await nc.requestMany("svc", "", { maxWait: 60_000, noMux });
    await assert.rejects(collect(answers), isFull);
  }
  const { accepted, refused, buffered, dropped } = nc.outbound.counts();
  assert.deepEqual({ accepted, refused, buffered, dropped }, { accepted: RESERVE, refused: 4, buffered: RESERVE, dropped: 0 });
  await nc.close();
  const results = await settled;
  assert.equal(results.filter(({ status }) => status === "rejected").length, RESERVE);
  assert.equal(handedBack.length, RESERVE);
});

test("beyond the reserve answers and module traffic end dropped: accepted, counted, handed back, and publish() says false", async (t) => {
  const bench = await down(t, false);
  const { nc, handedBack } = bench;
  Array.from({ length: RESERVE }, () => nc.publish("$JS.ACK.S.C.1.1.1.1.0", "+ACK"));
  const calls = privileged(bench);
  for (const [what, call] of Object.entries(calls)) assert.doesNotThrow(call, what);
  const block = headers();
  block.set("A", "1");
  assert.equal(nc.publish("$JS.ACK.S.C.1.1.1.1.0", "+ACK", { headers: block }), false);
  const dropped = Object.keys(calls).length + 1;
  const counts = nc.outbound.counts();
  assert.deepEqual([counts.buffered, counts.dropped, counts.refused], [RESERVE, dropped, 0]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(
    handedBack.map(({ state, subject }) => [state, subject]),
    [
      ["dropped", "answers.here"],
      ["dropped", "answers.here"],
      ["dropped", "$JS.ACK.S.C.1.1.1.1.0"],
      ["dropped", "$JS.API.STREAM.INFO.S"],
      ["dropped", "svc"],
      ["dropped", "svc"],
      ["dropped", "$JS.ACK.S.C.1.1.1.1.0"],
    ],
  );
  assert.equal(handedBack.at(-1)?.headers?.get("A"), "1");
});
