/** What the members of `nc.outbound` mean to their users when a real link fails: one test each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FlushError, TimeoutError, UndeliveredError, type UndeliveredState } from "../../src/index.ts";
import {
  assertIdentity,
  type Line,
  limit,
  numbers,
  type Observer,
  observe,
  openLine,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

/** Publishes, and returns when the server has it all and no PONG came back. */
async function inFlight(line: Line, seen: Observer, texts: readonly string[], send = (text: string) => plainly(line, text)) {
  line.proxy.toClient.swallow();
  const before = seen.messages.length;
  const sent = texts.map(send);
  await until("the server has them", () => seen.messages.length === before + texts.length);
  assert.equal(line.nc.outbound.counts().inFlight, texts.length);
  return sent;
}

function plainly(line: Line, text: string): unknown {
  return line.nc.publish("foo", text);
}

/** Cuts the link whose PONGs were swallowed, and keeps the port closed. */
async function downAgain(line: Line): Promise<void> {
  await line.down();
  line.proxy.toClient.forward();
}

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(`${delivery}: publishAndConfirm() tells of each message by itself`, limit, async (t) => {
    const line = await openLine(t, { client: { delivery } });
    const seen = await observe(t, line.server, "foo");
    const told: string[] = [];
    const confirm = (text: string): Promise<void> =>
      line.nc.outbound.publishAndConfirm("foo", text).then(
        () => void told.push(`${text} confirmed`),
        (error: unknown) => void told.push(`${text} ${error instanceof UndeliveredError ? error.state : String(error)}`),
      );
    await confirm("before");
    assert.deepEqual(seen.texts, ["before"]);
    const ends: unknown[] = await inFlight(line, seen, ["cut"], confirm);
    await downAgain(line);
    ends.push(confirm("down"));
    await line.up();
    await Promise.all(ends);
    await seen.settled();
    const again = delivery === "at-least-once";
    assert.deepEqual(told, ["before confirmed", again ? "cut confirmed" : "cut inDoubt", "down confirmed"]);
    assert.deepEqual(seen.texts, ["before", "cut", ...(again ? ["cut"] : []), "down"]);
  });

  test(`${delivery}: flush() waits through an outage, and fails only for what is in doubt`, limit, async (t) => {
    const line = await openLine(t, { client: { delivery } });
    const seen = await observe(t, line.server, "foo");
    await inFlight(line, seen, ["1", "2"]);
    const first = line.nc.flush().then(
      () => "confirmed",
      (error: unknown) => (error instanceof FlushError ? error.counts.inDoubt : String(error)),
    );
    await downAgain(line);
    plainly(line, "3");
    const second = line.nc.flush();
    await assert.rejects(line.nc.flush({ timeout: 100 }), TimeoutError);
    const controller = new AbortController();
    const third = line.nc.flush({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(third, /enough/);
    await line.up();
    assert.equal(await first, delivery === "at-least-once" ? "confirmed" : 2);
    await second;
    // A confirmed flush means that the server has read it all: no need to wait for the observer's sake.
    await seen.settled();
    assert.deepEqual(seen.texts, delivery === "at-least-once" ? ["1", "2", "1", "2", "3"] : ["1", "2", "3"]);
  });

  test(`${delivery}: purge() abandons what waits, not what is in flight`, limit, async (t) => {
    const line = await openLine(t, { client: { delivery } });
    const seen = await observe(t, line.server, "foo");
    await inFlight(line, seen, ["1", "2"]);
    await downAgain(line);
    for (const text of ["3", "4", "5"]) plainly(line, text);
    assert.equal(line.nc.outbound.purge(), 3);
    plainly(line, "6");
    await line.up();
    await line.nc.flush();
    await seen.settled();
    await line.handedBack();
    const again = delivery === "at-least-once";
    assert.deepEqual(seen.texts, again ? ["1", "2", "1", "2", "6"] : ["1", "2", "6"]);
    assert.deepEqual(statesOf(line), {
      ...(again ? {} : { 1: "inDoubt", 2: "inDoubt" }),
      3: "abandoned",
      4: "abandoned",
      5: "abandoned",
    });
    assertIdentity(line.nc);
  });

  test(`${delivery}: undelivered() gives what close() left, and says which of it the server may have`, limit, async (t) => {
    const line = await openLine(t, { client: { delivery } });
    const seen = await observe(t, line.server, "foo");
    await inFlight(line, seen, ["1", "2"]);
    await downAgain(line);
    for (const text of ["3", "4"]) plainly(line, text);
    await line.nc.close();
    const left: string[] = [];
    for await (const message of line.nc.outbound.undelivered()) left.push(`${textOf(message)} ${message.state}`);
    // At-most-once, the first two had ended before.
    assert.deepEqual(left, [...(delivery === "at-least-once" ? ["1 inDoubt", "2 inDoubt"] : []), "3 abandoned", "4 abandoned"]);
    assert.deepEqual(statesOf(line), { 1: "inDoubt", 2: "inDoubt", 3: "abandoned", 4: "abandoned" });
    assertIdentity(line.nc);
  });

  test(`${delivery}: maxAge of one message: stale news does not arrive, the rest does`, limit, async (t) => {
    const line = await openLine(t, { client: { delivery } });
    const seen = await observe(t, line.server, "foo");
    const send = (text: string, maxAge: number): unknown => line.nc.publish("foo", text, { maxAge });
    await inFlight(line, seen, ["1"], (text) => send(text, 200));
    await downAgain(line);
    send("2", 200);
    plainly(line, "3");
    send("4", 0);
    assert.equal(line.nc.outbound.counts().expired, 1);
    await until("it has expired", () => line.nc.outbound.counts().expired === 2);
    await until("what was in flight ended", () => line.nc.outbound.counts().inFlight === 0);
    await line.up();
    await line.nc.flush();
    await seen.settled();
    await line.handedBack();
    assert.deepEqual(seen.texts, ["1", "3"]);
    assert.deepEqual(statesOf(line), { 1: "inDoubt", 2: "expired", 4: "expired" });
  });
}

test("writable() waits while more than 70 % is held, and goes on when the server is back", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: { maxMessages: 100 } } });
  const seen = await observe(t, line.server, "foo");
  await line.down();
  let count = 0;
  while (line.nc.publish("foo", `${++count}`)) assert.ok(count < 100);
  assert.equal(count, 71);
  let room = false;
  const writable = line.nc.outbound.writable().then(() => {
    room = true;
  });
  await assert.rejects(line.nc.outbound.writable({ signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
  assert.equal(room, false);
  await line.up();
  await writable;
  assert.equal(line.nc.publish("foo", `${++count}`), true);
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual(seen.texts, numbers(1, count));
});

test("events() tells the story of an outage", limit, async (t) => {
  const line = await openLine(t, { client: { reconnectBuffer: { maxMessages: 100 }, stallTimeout: 500 } });
  const seen = await observe(t, line.server, "foo");
  const events = line.nc.outbound.events();
  const story: string[] = [];
  const reading = (async () => {
    for await (const event of events) story.push("refused" in event ? `${event.type} ${event.refused}` : event.type);
  })();
  for (const connection of line.proxy.connections) connection.toServer.swallow();
  line.proxy.refuse();
  const noticed = statusOf(line.nc, "disconnect");
  plainly(line, "lost");
  await noticed;
  for (let i = 0; i < 110; i++) {
    try {
      plainly(line, `${i}`);
    } catch {
      // Ten too many; the event counts them.
    }
  }
  await line.up();
  await line.nc.flush();
  await seen.settled();
  await line.nc.close();
  await reading;
  assert.deepEqual(story, ["stalled", "high", "full 1", "backlogStart", "low 10", "backlogEnd"]);
  assert.equal(events.missed, 0);
  assert.deepEqual(seen.texts, numbers(0, 99));
});

test(
  "backlogDelay lets subscribers return before the backlog, and what is published meanwhile comes behind it",
  limit,
  async (t) => {
    const line = await openLine(t, { client: { backlogDelay: 500 } });
    await line.down();
    for (const number of numbers(1, 100)) plainly(line, number);
    await line.up();
    const back = performance.now();
    assert.equal(line.nc.outbound.held.messages, 100);
    // A subscriber that was away as well, and takes its time.
    const seen = await observe(t, line.server, "foo");
    for (const number of numbers(101, 110)) plainly(line, number);
    await line.nc.flush();
    const ms = performance.now() - back;
    await seen.settled();
    assert.deepEqual(seen.texts, numbers(1, 110));
    // Half as much again at random; the status came a moment after the reconnect itself.
    assert.ok(ms > 400 && ms < 5_000, `${ms} ms`);
  },
);

test("a delivery of its own: one message goes again, its neighbours are in doubt", limit, async (t) => {
  const line = await openLine(t);
  const seen = await observe(t, line.server, "foo");
  const send = (text: string): unknown => line.nc.publish("foo", text, text === "2" ? { delivery: "at-least-once" } : {});
  await inFlight(line, seen, ["1", "2", "3"], send);
  await downAgain(line);
  plainly(line, "4");
  await line.up();
  await line.nc.flush().catch(() => {});
  await line.nc.flush();
  await seen.settled();
  await line.handedBack();
  assert.deepEqual(seen.texts, ["1", "2", "3", "2", "4"]);
  assert.deepEqual(statesOf(line), { 1: "inDoubt", 3: "inDoubt" });
});

test("what is sent again and cut again, four times, still arrives whole and in order", limit, async (t) => {
  const line = await openLine(t, { client: { delivery: "at-least-once" } });
  const seen = await observe(t, line.server, "foo");
  const texts = numbers(1, 50).map((number) => number.padEnd(100));
  await inFlight(line, seen, texts);
  await downAgain(line);
  for (let cut = 0; cut < 4; cut++) {
    // Behind the handshake there is room for five of them.
    line.proxy.cutNext({ toServer: 900 });
    const next = line.proxy.nextConnection();
    await line.proxy.accept();
    await (await next).ended;
  }
  await line.nc.flush();
  await seen.settled();
  assert.deepEqual([...new Set(seen.texts)], texts);
  assert.deepEqual(line.undelivered, []);
  const { confirmed, resent } = line.nc.outbound.counts();
  assert.equal(confirmed, 50);
  assert.ok(seen.texts.length - 50 <= resent, `${seen.texts.length} arrived, ${resent} were sent again`);
});

/** The state of each message that was handed back. */
function statesOf(line: Line): Record<string, UndeliveredState> {
  return Object.fromEntries(line.undelivered.map((message) => [textOf(message), message.state]));
}
