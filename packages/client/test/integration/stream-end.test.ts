/** How a publisher into a stream ends: `close()`, `nc.drain()`, `nc.close()`; and what it leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedConnectionError, publishToStream, StreamPublishError } from "../../src/index.ts";
import { openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, pause } from "./peers-harness.ts";

for (const mode of ["each", "fast"] as const) {
  const batched = { needs: "2.14.0", stream: { allow_batched: true } };
  const open = { mode } as { mode: "each" };

  test(`close() waits for what is outstanding, and takes no more (${mode})`, limit, async (t) => {
    const js = await openJs(t, batched);
    if (js === undefined) return;
    const events = publishToStream(js.nc, open);
    js.line.proxy.toClient.hold();
    const stored = Promise.all(numbers(1, 100).map((number) => events.publish("events", number)));
    const waiting = assert.rejects(Promise.all(numbers(1, 9_000).map(() => events.ready())), /the publisher is closed/);
    const closed = events.close();
    await assert.rejects(events.publish("events", "101"), { name: "InvalidOperationError" });
    await assert.rejects(events.ready(), { name: "InvalidOperationError" });
    await waiting;
    js.line.proxy.toClient.forward();
    await closed;
    await stored;
    await events.close();
    assert.equal((await js.manager.streams.info("EVENTS")).state.messages, 100);
    await js.nc.flush();
    assert.equal(js.line.undelivered.length, 0);
    assertIdentity(js.nc);
  });

  test(`close() with a timeout rejects what is left, with what is known of it (${mode})`, limit, async (t) => {
    const js = await openJs(t, batched);
    if (js === undefined) return;
    const events = publishToStream(js.nc, open);
    js.line.proxy.toClient.hold();
    const sent = events.publish("events", "1");
    await js.line.down();
    js.line.proxy.toClient.forward();
    const unsent = events.publish("events", "2");
    const results = Promise.allSettled([sent, unsent]);
    await events.close({ timeout: 50 });
    const [first, second] = await results;
    assert.ok(first.status === "rejected" && first.reason instanceof StreamPublishError);
    assert.ok(second.status === "rejected" && second.reason instanceof StreamPublishError);
    assert.deepEqual([first.reason.state, second.reason.state], ["inDoubt", "notStored"]);
    await js.line.up();
  });

  test(`nc.close() rejects what is outstanding; nothing of the publisher keeps anything alive (${mode})`, limit, async (t) => {
    const js = await openJs(t, batched);
    if (js === undefined) return;
    const events = publishToStream(js.nc, open);
    await events.publish("events", "1");
    js.line.proxy.toClient.hold();
    const results = Promise.allSettled(numbers(2, 11).map((number) => events.publish("events", number)));
    const closing = js.nc.close();
    js.line.proxy.toClient.forward();
    for (const result of await results) {
      if (result.status === "fulfilled") continue;
      assert.ok(result.reason instanceof StreamPublishError);
      assert.equal(result.reason.state, "inDoubt");
    }
    await closing;
    await assert.rejects(events.publish("events", "12"), ClosedConnectionError);
    await events.close();
    assertIdentity(js.nc);
  });

  test(`nc.drain() behind close() leaves nothing (${mode})`, limit, async (t) => {
    const js = await openJs(t, batched);
    if (js === undefined) return;
    const events = publishToStream(js.nc, open);
    const stored = numbers(1, 500).map((number) => events.publish("events", number));
    await events.close();
    await js.nc.drain();
    await Promise.all(stored);
    assert.equal((await js.manager.streams.info("EVENTS")).state.messages, 500);
    const { confirmed, accepted } = js.nc.outbound.counts();
    assert.equal(confirmed, accepted);
  });

  test(`whoever may not listen for acknowledgements is told so (${mode})`, limit, async (t) => {
    const js = await openJs(t, {
      ...batched,
      server: {
        jetStream: true,
        config: `authorization { users: [
          { user: a, password: b, permissions: { subscribe: { deny: "_INBOX.>", allow: "mine.>" } } }
          { user: admin, password: b } ] }`,
      },
      client: { user: "a", pass: "b", inboxPrefix: "mine" },
      second: { user: "admin", pass: "b" },
    });
    if (js === undefined) return;
    const denied = publishToStream(js.nc, { ...open, timeout: 1_000 });
    const error = await denied.publish("events", "1").catch((reason: unknown) => reason);
    assert.ok(error instanceof StreamPublishError);
    assert.equal((error.cause as Error).name, "PermissionViolationError");
    const allowed = publishToStream(js.nc, { ...open, inboxPrefix: "mine" });
    await allowed.publish("events", "2");
  });
}

test("flush() waits for what was published before it, and not for more", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  const events = publishToStream(js.nc);
  await events.flush();
  const first = events.publish("events", "1");
  const flushed = events.flush();
  // Nobody takes it, so it waits for a stream.
  const never = events.publish("nobody", "2", { retries: 50 }).catch(() => {});
  await Promise.all([first, flushed]);
  assert.equal(events.outstanding, 1);
  await events.close({ timeout: 0 });
  await never;
});

test("a publisher on a connection that is not there yet sends when it is", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.line.down();
  const events = publishToStream(js.nc);
  const stored = numbers(1, 10).map((number) => events.publish("events", number));
  await pause(150);
  await js.line.up();
  await Promise.all(stored);
  assert.deepEqual(await js.stored(), numbers(1, 10));
  assert.deepEqual(js.line.undelivered, []);
});
