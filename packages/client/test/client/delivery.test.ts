/** What becomes of each kind of message that is in flight when its connection ends, and of the options of a single message. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createInbox, headers, InvalidArgumentError } from "@nats-io/nats-core";
import {
  ClosedConnectionError,
  type Delivery,
  type HoldfastConnection,
  type HoldfastOptions,
  InvalidSubjectError,
  ReconnectBufferFullError,
  type Undelivered,
} from "../../src/index.ts";
import { type FakeServer, startFakeServer } from "../../src/testing/index.ts";
import { Bed, connected, statusOf } from "./harness.ts";

const bed = new Bed();
const ack = "$JS.ACK.S.C.1.1.1.1.0";

interface Bench {
  readonly server: FakeServer;
  readonly nc: HoldfastConnection;
  readonly handedBack: Undelivered[];
  readonly own: string;
}

async function start(t: TestContext, options: HoldfastOptions): Promise<Bench> {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const handedBack: Undelivered[] = [];
  const nc = await connected(t, {
    servers: server.url,
    closeTimeout: 100,
    onUndelivered: (batch) => void handedBack.push(...batch),
    ...options,
  });
  const own = createInbox();
  nc.subscribe(own, { callback: () => {} });
  await nc.flush();
  return { server, nc, handedBack, own };
}

/** Publishes, waits until the server has read it all, and cuts the connection without a PONG. Resolves when the next one has it all. */
async function cutInFlight({ server, nc }: Bench, messages: number, publish: () => void): Promise<string[]> {
  const [first] = server.connections;
  assert.ok(first);
  first.ignore();
  publish();
  for (let n = 0; n < messages; n++) await first.waitFor((command) => command.verb === "PUB" || command.verb === "HPUB");
  const back = statusOf(nc, "reconnect");
  first.reset();
  await back;
  await nc.flush().catch(() => {});
  const [second] = server.connections;
  return second?.commands.filter(({ verb }) => verb === "PUB" || verb === "HPUB").map(({ args }) => args[0] ?? "") ?? [];
}

/** One of each kind, by its subject, and whether at-least-once sends it again. */
const kinds: Readonly<
  Record<string, { readonly reply?: "own" | "foreign"; readonly payload?: string; readonly again: boolean }>
> = {
  plain: { again: true },
  "with.reply": { reply: "foreign", again: true },
  asking: { reply: "own", again: false },
  [`${ack}1`]: { payload: "+ACK", again: true },
  [`${ack}2`]: { payload: "-NAK", again: true },
  [`${ack}3`]: { payload: "+TERM", again: true },
  [`${ack}4`]: { payload: "+WPI", again: false },
  [`${ack}5`]: { payload: "+NXT", again: false },
  "$JS.FC.S.C.x": { again: false },
  "$JS.API.CONSUMER.MSG.NEXT.S.C": { reply: "own", again: false },
  "$JS.API.STREAM.PURGE.S": { reply: "foreign", again: true },
};

function publishAll({ nc, own }: Bench, delivery?: Delivery): void {
  for (const [subject, { reply, payload = "" }] of Object.entries(kinds)) {
    const replyTo = reply === undefined ? {} : { reply: reply === "own" ? own : "_INBOX.of.somebody.else" };
    nc.publish(subject, payload, { ...replyTo, ...(delivery === undefined ? {} : { delivery }) });
  }
}

const all = Object.keys(kinds);
const again = all.filter((subject) => kinds[subject]?.again === true);

for (const [delivery, override, sentAgain] of [
  ["at-least-once", undefined, again],
  ["at-least-once", "at-most-once", []],
  ["at-least-once", "at-least-once", all],
  ["at-most-once", undefined, []],
  ["at-most-once", "at-least-once", all],
] as const) {
  test(`in flight at the end of a connection: ${delivery}, in the publish options ${override ?? "nothing"}`, async (t) => {
    const bench = await start(t, { delivery });
    const sent = await cutInFlight(bench, all.length, () => publishAll(bench, override));
    assert.deepEqual(sent, sentAgain);
    const { inDoubt, resent, confirmed } = bench.nc.outbound.counts();
    const expected = { inDoubt: all.length - sentAgain.length, resent: sentAgain.length, confirmed: sentAgain.length };
    assert.deepEqual({ inDoubt, resent, confirmed }, expected);
    assert.deepEqual(
      bench.handedBack.map(({ subject, state }) => [subject, state]),
      all.filter((subject) => !sentAgain.some((each) => each === subject)).map((subject) => [subject, "inDoubt"]),
    );
  });
}

test("at-least-once: answers are sent again, also when the one who asked is on the same connection", async (t) => {
  const bench = await start(t, { delivery: "at-least-once" });
  const { nc, server } = bench;
  let answered = 0;
  nc.subscribe("svc", {
    callback: (_error, msg) => {
      if (answered++ % 2 === 0) msg.respond("yes");
      else nc.respondMessage(msg);
    },
  });
  await nc.flush();
  const asked = (reply: string): void => server.connections[0]?.message({ sid: 2, subject: "svc", reply });
  const sent = await cutInFlight(bench, 2, () => {
    asked(bench.own);
    asked(bench.own);
  });
  assert.deepEqual(sent, [bench.own, bench.own]);
});

test("at-least-once: requests are never sent again", async (t) => {
  const bench = await start(t, { delivery: "at-least-once" });
  const requests: Promise<unknown>[] = [];
  const block = headers();
  block.set("Nats-Batch-Id", "b");
  const sent = await cutInFlight(bench, 4, () => {
    requests.push(bench.nc.request("svc", "", { timeout: 100 }), bench.nc.request("svc", "", { timeout: 100, noMux: true }));
    requests.push(bench.nc.request("svc", "", { timeout: 100, headers: block }));
    bench.nc.publish("plain");
  });
  assert.deepEqual(sent, ["plain"]);
  assert.equal(bench.nc.outbound.counts().inDoubt, 3);
  for (const { status } of await Promise.allSettled(requests)) assert.equal(status, "rejected");
});

test("maxAge in the publish options: 0 is not held while down, others expire by themselves, also with an Infinity beside them", async (t) => {
  const bench = await start(t, { reconnectBuffer: { maxAge: 150 } });
  const { nc, server, handedBack } = bench;
  server.refuse();
  const lost = statusOf(nc, "disconnect");
  server.connections[0]?.reset();
  await lost;
  assert.equal(nc.publish("never", "", { maxAge: 0 }), true);
  assert.deepEqual([nc.outbound.counts().expired, nc.outbound.held.messages], [1, 0]);
  nc.publish("for.ever", "", { maxAge: Infinity });
  nc.publish("as.usual");
  nc.publish("short", "", { maxAge: 20 });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.deepEqual(
    handedBack.map(({ subject, state }) => [subject, state]),
    [
      ["never", "expired"],
      ["short", "expired"],
      ["as.usual", "expired"],
    ],
  );
  await server.accept();
  await nc.flush();
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("maxAge 0: what was in flight ends in doubt, also at-least-once", async (t) => {
  const bench = await start(t, { delivery: "at-least-once" });
  const sent = await cutInFlight(bench, 3, () => {
    bench.nc.publish("plain");
    bench.nc.publish("fresh", "", { maxAge: 0 });
    bench.nc.publish("both", "", { maxAge: 0, delivery: "at-least-once" });
  });
  assert.deepEqual(sent, ["plain", "both"]);
});

test("msgId adds its header beside the caller's, which are not written to; a second copy has the same", async (t) => {
  const bench = await start(t, { delivery: "at-least-once" });
  const { nc, server } = bench;
  const block = headers();
  block.set("A", "1");
  const own = headers();
  own.set("Nats-Msg-Id", "mine");
  const [first] = server.connections;
  await cutInFlight(bench, 4, () => {
    nc.publish("auto", "", { msgId: "auto" });
    nc.publish("auto", "", Object.freeze({ msgId: "auto", headers: block }));
    nc.publish("given", "x", { msgId: "order-1", reply: "r" });
    nc.publish("kept", "", { msgId: "auto", headers: own });
  });
  const idsOf = (connection: typeof first): string[] =>
    connection?.commands
      .filter(({ verb }) => verb === "HPUB")
      .map(({ headers: bytes }) => /Nats-Msg-Id: (.*)\r\n/.exec(new TextDecoder().decode(bytes ?? undefined))?.[1] ?? "none") ??
    [];
  const ids = idsOf(first);
  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 4);
  for (const id of ids.slice(0, 2)) assert.match(id, /^\w{22}$/);
  assert.deepEqual(ids.slice(2), ["order-1", "mine"]);
  assert.deepEqual(idsOf(server.connections[0]), ids);
  assert.deepEqual(block.keys(), ["A"]);
});

test("wrong options of a message are refused with nats-core's error, and nothing is accepted", async (t) => {
  const nc = await bed.connect(t);
  for (const options of [
    { delivery: "twice" },
    { maxAge: -1 },
    { maxAge: Number.NaN },
    { msgId: "" },
    { msgId: 5 },
    { msgId: "a\r\nB: c" },
  ]) {
    const [name = ""] = Object.keys(options);
    const isRefused = (error: unknown): boolean =>
      error instanceof InvalidArgumentError && new RegExp(`^'${name}' must be .* was given$`).test(error.message);
    assert.throws(() => Reflect.apply(nc.publish, nc, ["a", "", options]), isRefused, JSON.stringify(options));
    const confirm = nc.outbound.publishAndConfirm;
    await assert.rejects(Reflect.apply(confirm, nc.outbound, ["a", "", options]), isRefused);
  }
  const { accepted, refused } = nc.outbound.counts();
  assert.deepEqual([accepted, refused], [0, 0]);
});

test("publishAndConfirm() resolves when the server has read it; what publish() throws rejects, never throws", async (t) => {
  const nc = await bed.connect(t, { reconnectBuffer: { maxMessages: 1 } });
  await nc.outbound.publishAndConfirm("a", "x", { msgId: "auto" });
  await nc.outbound.publishAndConfirm("a");
  assert.equal(nc.outbound.counts().confirmed, 2);
  const rejects = async (type: new (...args: never[]) => Error, ...args: unknown[]): Promise<void> => {
    const promise: Promise<void> = Reflect.apply(nc.outbound.publishAndConfirm, nc.outbound, args);
    await assert.rejects(promise, type, JSON.stringify(args));
  };
  await rejects(InvalidSubjectError, "");
  await rejects(InvalidSubjectError, "a.*");
  await rejects(InvalidSubjectError, "a", "", { reply: "b c" });
  await rejects(TypeError, "a", 5);
  await rejects(InvalidArgumentError, "a", "", { headers: { A: "1" } });
  await rejects(InvalidArgumentError, "a", "x".repeat(2 * 1024 * 1024));
  const lost = statusOf(nc, "disconnect");
  await bed.server.terminate();
  await lost;
  const held = nc.outbound.publishAndConfirm("a");
  await rejects(ReconnectBufferFullError, "a");
  await bed.server.restart();
  await held;
  await nc.close();
  await rejects(ClosedConnectionError, "a");
});
