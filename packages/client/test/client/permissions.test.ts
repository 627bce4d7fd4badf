import assert from "node:assert/strict";
import { test } from "node:test";
import { NoRespondersError, PermissionViolationError, RequestError, TimeoutError } from "@nats-io/nats-core";
import { Bed, collect, statusOf } from "./harness.ts";

const bed = new Bed({
  config: {
    authorization: {
      users: [
        {
          user: "normal",
          password: "p",
          permissions: { publish: { deny: ["denied.>"] }, subscribe: { deny: ["denied.>", "q work"] } },
        },
        { user: "inboxless", password: "p", permissions: { subscribe: { deny: ["_INBOX.>"] } } },
        { user: "all", password: "p" },
      ],
    },
  },
});
const normal = { user: "normal", pass: "p" };

function isViolation(error: unknown, operation: "publish" | "subscription", subject: string): error is PermissionViolationError {
  return error instanceof PermissionViolationError && error.operation === operation && error.subject === subject;
}

test("a denied subscription ends with the error; others, and the connection, go on", async (t) => {
  const nc = await bed.connect(t, normal);
  const reported = statusOf(nc, "error");
  const called: (Error | null)[] = [];
  const withCallback = nc.subscribe("denied.a", {
    callback: (error) => {
      called.push(error);
    },
  });
  const withReader = nc.subscribe("denied.b");
  const queued = nc.subscribe("q", { queue: "work", callback: () => {} });
  const fine = nc.subscribe("fine", { callback: () => {} });
  await assert.rejects(collect(withReader), (error) => isViolation(error, "subscription", "denied.b"));
  assert.ok(isViolation(await withReader.closed, "subscription", "denied.b"));
  assert.ok(isViolation(await withCallback.closed, "subscription", "denied.a"));
  assert.ok(isViolation(called[0], "subscription", "denied.a"));
  const error = await queued.closed;
  assert.ok(isViolation(error, "subscription", "q"));
  assert.equal(error.queue, "work");
  assert.ok(isViolation((await reported).error, "subscription", "denied.a"));
  nc.publish("fine");
  await nc.flush();
  assert.equal(fine.getReceived(), 1);
  assert.deepEqual([withCallback.isClosed(), withReader.isClosed(), fine.isClosed()], [true, true, false]);
});

test("a denied publish is reported", async (t) => {
  const nc = await bed.connect(t, normal);
  const reported = statusOf(nc, "error");
  nc.publish("denied.x");
  assert.ok(isViolation((await reported).error, "publish", "denied.x"));
});

for (const noMux of [false, true]) {
  const how = noMux ? "with its own inbox" : "through the shared inbox";

  test(`a denied request rejects at once, ${how}`, async (t) => {
    const nc = await bed.connect(t, normal);
    await assert.rejects(nc.request("denied.x", "", { timeout: 60_000, noMux }), (error) => {
      assert.ok(error instanceof RequestError);
      assert.ok(isViolation(error.cause, "publish", "denied.x"));
      assert.match(error.stack ?? "", /permissions\.test/);
      return true;
    });
    const many = await nc.requestMany("denied.x", "", { maxWait: 60_000, noMux });
    await assert.rejects(collect(many), (error) => isViolation(error, "publish", "denied.x"));
  });

  test(`requests whose inbox is denied reject, ${how}`, async (t) => {
    const nc = await bed.connect(t, { user: "inboxless", pass: "p" });
    const service = await bed.connect(t, { user: "all", pass: "p" });
    service.subscribe("svc", { callback: () => {} });
    await service.flush();
    const both = [1, 2].map(() => nc.request("svc", "", { timeout: 60_000, noMux }));
    for (const outcome of await Promise.allSettled(both)) {
      assert.equal(outcome.status, "rejected");
      assert.ok(outcome.status === "rejected" && outcome.reason.cause instanceof PermissionViolationError);
    }
    const many = await nc.requestMany("svc", "", { maxWait: 60_000, noMux });
    await assert.rejects(collect(many), PermissionViolationError);
  });
}

test("the shared inbox is made anew once it may be subscribed to", async (t) => {
  const nc = await bed.connect(t, { user: "inboxless", pass: "p" });
  await assert.rejects(nc.request("svc", "", { timeout: 60_000 }), RequestError);
  const before = bed.server;
  await before.reload({ authorization: { users: [{ user: "inboxless", password: "p" }] } });
  // The server may have disconnected us for the change: whichever connection it is, the answer comes now.
  await nc.flush();
  await assert.rejects(nc.request("nobody", "", { timeout: 10_000 }), (error) => {
    assert.ok(!(error instanceof TimeoutError));
    assert.ok(error instanceof RequestError && error.cause instanceof NoRespondersError);
    return true;
  });
});
