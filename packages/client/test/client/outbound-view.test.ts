import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ClosedConnectionError,
  headers,
  InvalidArgumentError,
  InvalidSubjectError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/nats-core";
import { UndeliveredError } from "../../src/errors.ts";
import {
  FlushError,
  type HoldfastConnection,
  type HoldfastOptions,
  ReconnectBufferFullError,
  type Undelivered,
} from "../../src/index.ts";
import { freePort, startFakeServer } from "../../src/testing/index.ts";
import { Bed, collect, connected, statusOf } from "./harness.ts";

const bed = new Bed({
  config: {
    authorization: {
      users: [
        { user: "all", password: "p" },
        { user: "some", password: "p", permissions: { publish: { deny: ["denied.>"] } } },
      ],
    },
  },
});
const all = { user: "all", pass: "p" };

/** A connection that has no server yet. */
async function waitingConnection(
  t: { after(task: () => unknown): void },
  options: HoldfastOptions = {},
): Promise<HoldfastConnection> {
  return await connected(t, { servers: `127.0.0.1:${await freePort()}`, retryOnFailedConnect: true, ...options });
}

function texts(messages: readonly Undelivered[]): string[] {
  return messages.map((message) => new TextDecoder().decode(message.data));
}

test("what is held, for how long, and the limit", async (t) => {
  const nc = await waitingConnection(t, { reconnectBuffer: { maxBytes: 1000, maxMessages: 10 } });
  const { outbound } = nc;
  assert.deepEqual([outbound.held, outbound.oldestAge, outbound.usable], [{ messages: 0, bytes: 0 }, 0, false]);
  assert.deepEqual(outbound.limit, { messages: 10, bytes: 1000 });
  nc.publish("a", "12345");
  await sleep(30);
  nc.publish("a", "6");
  // PUB a 5 + 12345, PUB a 1 + 6, with their line ends.
  assert.deepEqual(outbound.held, { messages: 2, bytes: 16 + 12 });
  assert.ok(outbound.oldestAge >= 29, `${outbound.oldestAge} ms`);
  assert.equal(outbound.window, 64 * 1024);
  assert.equal(outbound.purge(), 2);
  assert.deepEqual([outbound.held.messages, outbound.oldestAge], [0, 0]);
});

test("on a connection it is usable, without a limit, and nothing stays held", async (t) => {
  const nc = await bed.connect(t, all);
  nc.publish("a", "x");
  assert.equal(nc.outbound.held.messages, 1);
  await nc.flush();
  assert.deepEqual([nc.outbound.usable, nc.outbound.held, nc.outbound.oldestAge], [true, { messages: 0, bytes: 0 }, 0]);
  assert.deepEqual(nc.outbound.limit, { messages: Infinity, bytes: Infinity });
});

test("purge() abandons what is buffered, tells how much that was, and hands it back", async (t) => {
  const back: Undelivered[] = [];
  const nc = await waitingConnection(t, {
    onUndelivered: (batch) => {
      back.push(...batch);
    },
  });
  for (let n = 0; n < 300; n++) nc.publish("a", String(n));
  assert.equal(nc.outbound.purge(), 300);
  assert.equal(nc.outbound.purge(), 0);
  const { accepted, abandoned, buffered } = nc.outbound.counts();
  assert.deepEqual([accepted, abandoned, buffered], [300, 300, 0]);
  nc.publish("a", "after");
  await nc.close();
  assert.deepEqual(texts(back), [...Array.from({ length: 300 }, (_, n) => String(n)), "after"]);
  assert.ok(back.every((message) => message.state === "abandoned"));
});

test("writable() waits until less than half is held, and gives up by its signal or at close", async (t) => {
  const nc = await waitingConnection(t, { reconnectBuffer: { maxMessages: 10 } });
  await nc.outbound.writable();
  while (nc.publish("a", "x"));
  assert.equal(nc.outbound.held.messages, 8);
  const abort = new AbortController();
  const aborted = nc.outbound.writable({ signal: abort.signal });
  let went = false;
  const writable = nc.outbound.writable().then(() => {
    went = true;
  });
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  assert.equal(went, false);
  nc.outbound.purge();
  await writable;
  while (nc.publish("a", "x"));
  const late = assert.rejects(nc.outbound.writable(), ClosedConnectionError);
  const closing = nc.close();
  // Publishing is over from the call on: whoever went on now would only be refused.
  await assert.rejects(nc.outbound.writable(), ClosedConnectionError);
  await late;
  await closing;
  await assert.rejects(nc.outbound.writable(), ClosedConnectionError);
});

test("a producer that waits in writable() when close() sends what is held is not sent back to publishing", async (t) => {
  const nc = await bed.connect(t, { ...all, maxQueued: { maxMessages: 10 } });
  while (nc.publish("a", "x"));
  const waiting = assert.rejects(nc.outbound.writable(), ClosedConnectionError);
  await nc.close();
  await waiting;
  assert.equal(nc.outbound.counts().confirmed, 8);
});

test("a producer that waits for writable() after a false gets everything through a small buffer", async (t) => {
  const nc = await bed.connect(t, { ...all, maxQueued: 64 * 1024 });
  const payload = "x".repeat(1000);
  let waits = 0;
  for (let n = 0; n < 1000; n++) {
    if (nc.publish("a", payload)) continue;
    waits++;
    await nc.outbound.writable();
    assert.ok(nc.outbound.held.bytes < 32 * 1024, `${nc.outbound.held.bytes} bytes`);
  }
  await nc.flush();
  assert.ok(waits > 10, `${waits} waits`);
  assert.equal(nc.outbound.counts().confirmed, 1000);
});

test("without a buffer, writable() waits for the connection", async (t) => {
  const port = await freePort();
  const nc = await waitingConnection(t, { servers: `127.0.0.1:${port}`, reconnectBuffer: false });
  assert.throws(() => nc.publish("a"), ReconnectBufferFullError);
  let went = false;
  const writable = nc.outbound.writable().then(() => {
    went = true;
  });
  await sleep(20);
  assert.equal(went, false);
  const server = await startFakeServer({ port });
  t.after(() => server.stop());
  await writable;
  assert.equal(nc.publish("a"), true);
});

test("publishAndConfirm() resolves when the server has read the message", async (t) => {
  const nc = await bed.connect(t, all);
  const sub = nc.subscribe("a", { max: 1 });
  const block = headers();
  block.set("A", "1");
  await nc.outbound.publishAndConfirm("a", "text", { headers: block, reply: "r" });
  assert.equal(nc.outbound.counts().confirmed, 1);
  const [msg] = await collect(sub);
  assert.deepEqual([msg?.string(), msg?.headers?.get("A"), msg?.reply], ["text", "1", "r"]);
  await nc.outbound.publishAndConfirm("empty");
});

test("publishAndConfirm() tells of its own message: one that was held is confirmed by the next connection", async (t) => {
  const port = await freePort();
  const nc = await waitingConnection(t, { servers: `127.0.0.1:${port}` });
  const waiting = Promise.all([nc.outbound.publishAndConfirm("a"), nc.outbound.publishAndConfirm("b")]);
  const short = nc.outbound.publishAndConfirm("c", "", { maxAge: 1 });
  await assert.rejects(short, (error: Error) => error instanceof UndeliveredError && error.state === "expired");
  const server = await startFakeServer({ port });
  t.after(() => server.stop());
  await waiting;
  assert.equal(nc.outbound.counts().confirmed, 2);
});

test("publishAndConfirm() rejects with how the message ended", async (t) => {
  const nc = await waitingConnection(t);
  const closed = nc.outbound.publishAndConfirm("a");
  await Promise.all([assert.rejects(closed, { name: "UndeliveredError", state: "abandoned" }), nc.close()]);

  const purged = await waitingConnection(t);
  const abandoned = assert.rejects(purged.outbound.publishAndConfirm("a"), { name: "UndeliveredError", state: "abandoned" });
  purged.outbound.purge();
  await abandoned;

  const server = await startFakeServer();
  t.after(() => server.stop());
  const cut = await connected(t, { servers: server.url });
  server.connections[0]?.holdPongs();
  const inDoubt = assert.rejects(cut.outbound.publishAndConfirm("a"), { name: "UndeliveredError", state: "inDoubt" });
  await server.connections[0]?.waitFor("PUB");
  server.connections[0]?.reset();
  await inDoubt;
});

test("publishAndConfirm() rejects with the server's refusal, and that of its message only", async (t) => {
  const nc = await bed.connect(t, { user: "some", pass: "p" });
  const results = await Promise.allSettled([
    nc.outbound.publishAndConfirm("fine.1"),
    nc.outbound.publishAndConfirm("denied.x"),
    nc.outbound.publishAndConfirm("fine.2"),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  const [, denied] = results;
  const reason: unknown = denied?.status === "rejected" ? denied.reason : undefined;
  assert.ok(reason instanceof PermissionViolationError && reason.subject === "denied.x", String(reason));
  assert.equal(nc.outbound.counts().rejected, 1);
});

test("what publish() would throw, publishAndConfirm() rejects with; nothing was accepted", async (t) => {
  const nc = await waitingConnection(t, { reconnectBuffer: 100 });
  await assert.rejects(nc.outbound.publishAndConfirm("a b"), InvalidSubjectError);
  await assert.rejects(nc.outbound.publishAndConfirm("a", "x".repeat(100)), ReconnectBufferFullError);
  await assert.rejects(nc.outbound.publishAndConfirm("a", "", { maxAge: -1 }), InvalidArgumentError);
  await assert.rejects(Reflect.apply(nc.outbound.publishAndConfirm, nc.outbound, ["a", 42]), TypeError);
  assert.equal(nc.outbound.counts().accepted, 0);
  await nc.close();
  await assert.rejects(nc.outbound.publishAndConfirm("a"), ClosedConnectionError);
});

test("undelivered() gives what close() left, decoded, once, and whoever reads", async (t) => {
  const nc = await waitingConnection(t);
  const begun = collect(nc.outbound.undelivered());
  const block = headers();
  block.append("A", "1");
  block.append("A", "2");
  nc.publish("a", "0", { headers: block, reply: "back" });
  for (let n = 1; n < 1000; n++) nc.publish("a", String(n));
  const before = performance.now();
  await nc.close();
  const messages = await begun;
  assert.deepEqual(
    texts(messages),
    Array.from({ length: 1000 }, (_, n) => String(n)),
  );
  const [first, second] = messages;
  assert.deepEqual([first?.subject, first?.reply, first?.state], ["a", "back", "abandoned"]);
  assert.deepEqual(first?.headers?.values("A"), ["1", "2"]);
  assert.ok(first !== undefined && first.ageMs >= 0 && first.ageMs < performance.now() - before + 5000);
  assert.ok(second !== undefined && !("headers" in second) && !("reply" in second) && !("error" in second));
  assert.deepEqual(await collect(nc.outbound.undelivered()), []);
});

test("undelivered() read after close, in parts: a loop that is left leaves the rest, and onUndelivered gets all of it, too", async (t) => {
  const back: Undelivered[] = [];
  const nc = await waitingConnection(t, {
    onUndelivered: (batch) => {
      back.push(...batch);
    },
  });
  nc.publish("a", "purged");
  nc.outbound.purge();
  for (let n = 0; n < 10; n++) nc.publish("a", String(n));
  await nc.close();
  const source = nc.outbound.undelivered();
  const read: Undelivered[] = [];
  for await (const message of source) {
    read.push(message);
    if (read.length === 4) break;
  }
  read.push(...(await collect(source)));
  const left = Array.from({ length: 10 }, (_, n) => String(n));
  assert.deepEqual(texts(read), left);
  assert.deepEqual(texts(back), ["purged", ...left]);
});

test("undelivered() gives what giving up left", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const nc = await connected(t, { servers: server.url, maxReconnectAttempts: 2, reconnectTimeWait: 50 });
  const lost = statusOf(nc, "disconnect");
  await server.stop();
  await lost;
  for (let n = 0; n < 5; n++) nc.publish("a", String(n));
  const left = collect(nc.outbound.undelivered());
  assert.ok((await nc.closed()) instanceof Error);
  assert.deepEqual(texts(await left), ["0", "1", "2", "3", "4"]);
  assert.ok((await left).every((message) => message.state === "abandoned"));
});

test("undelivered() of a connection that left nothing just ends", async (t) => {
  const nc = await bed.connect(t, all);
  nc.publish("a");
  await nc.close();
  assert.deepEqual(await collect(nc.outbound.undelivered()), []);
});

test("what was in flight at close is left in doubt, before what was buffered", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const nc = await connected(t, { servers: server.url, closeTimeout: 50 });
  const connection = server.connections[0];
  assert.ok(connection !== undefined);
  connection.holdPongs();
  const payload = "x".repeat(1000);
  for (let n = 0; n < 200; n++) nc.publish("a", `${n} ${payload}`);
  await nc.close();
  const messages = await collect(nc.outbound.undelivered());
  assert.deepEqual(
    texts(messages).map((text) => Number.parseInt(text, 10)),
    Array.from({ length: 200 }, (_, n) => n),
  );
  const states = messages.map((message) => message.state);
  const inDoubt = states.filter((state) => state === "inDoubt").length;
  assert.ok(inDoubt > 0 && inDoubt < 200, `${inDoubt} in doubt`);
  assert.equal(states.lastIndexOf("inDoubt"), inDoubt - 1);
  const counts = nc.outbound.counts();
  assert.deepEqual([counts.inDoubt, counts.abandoned], [inDoubt, 200 - inDoubt]);
});

test("flush() gives up by its timeout or signal; the message stays, and a later flush resolves", async (t) => {
  const port = await freePort();
  const nc = await waitingConnection(t, { servers: `127.0.0.1:${port}` });
  nc.publish("a");
  await assert.rejects(nc.flush({ timeout: 20 }), TimeoutError);
  const abort = new AbortController();
  const aborted = nc.flush({ signal: abort.signal, timeout: 60_000 });
  abort.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  await assert.rejects(nc.flush({ signal: AbortSignal.abort(new Error("before")) }), /before/);
  assert.equal(nc.outbound.held.messages, 1);
  const server = await startFakeServer({ port });
  t.after(() => server.stop());
  await nc.flush({ timeout: 60_000 });
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("flush() refuses a timeout that cannot be, and rejects as without one at close", async (t) => {
  const nc = await waitingConnection(t);
  for (const timeout of [Number.NaN, -1, "20"]) {
    await assert.rejects(Reflect.apply(nc.flush, nc, [{ timeout }]), (error: Error) => {
      return error instanceof InvalidArgumentError && error.message.includes("timeout");
    });
  }
  const empty = assert.rejects(nc.flush({ timeout: 60_000 }), ClosedConnectionError);
  nc.publish("a");
  const lossy = assert.rejects(nc.flush({ timeout: 60_000 }), FlushError);
  await nc.close();
  await Promise.all([empty, lossy]);
  await assert.rejects(nc.flush({ timeout: 60_000 }), ClosedConnectionError);
});
