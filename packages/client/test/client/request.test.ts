import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ClosedConnectionError,
  headers,
  InvalidArgumentError,
  InvalidSubjectError,
  type Msg,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/index.ts";
import { Bed, statusOf } from "./harness.ts";

const bed = new Bed();

function respond(nc: HoldfastConnection, service: (msg: Msg) => unknown): void {
  nc.subscribe("svc", {
    callback: (_error, msg) => {
      service(msg);
    },
  });
}

for (const noMux of [false, true]) {
  const how = noMux ? "with its own inbox" : "through the shared inbox";

  test(`resolves with the answer, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    respond(nc, (msg) => msg.respond(`${msg.string()}!`, { headers: msg.headers ?? headers() }));
    const asked = headers();
    asked.set("A", "1");
    const answers = await Promise.all(
      [1, 2, 3].map((n) => nc.request("svc", String(n), { timeout: 1000, noMux, headers: asked })),
    );
    assert.deepEqual(
      answers.map((msg) => msg.string()),
      ["1!", "2!", "3!"],
    );
    assert.equal(answers[0]?.headers?.get("A"), "1");
  });

  test(`rejects with RequestError when nobody listens, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    await assert.rejects(nc.request("nobody", "", { timeout: 1000, noMux }), (error) => {
      assert.ok(error instanceof RequestError);
      assert.ok(error.isNoResponders());
      assert.ok(error.cause instanceof NoRespondersError);
      assert.equal(error.message, "no responders: 'nobody'");
      assert.match(error.stack ?? "", /request\.test/);
      return true;
    });
  });

  test(`rejects with TimeoutError, and ignores an answer that comes later, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    let answer = (): unknown => undefined;
    const asked = new Promise<void>((resolve) => {
      nc.subscribe("svc", {
        callback: (_error, msg) => {
          answer = () => msg.respond("late");
          resolve();
        },
      });
    });
    await assert.rejects(nc.request("svc", "", { timeout: 20, noMux }), TimeoutError);
    await asked;
    answer();
    await nc.flush();
  });

  test(`a pending request ends when the connection is closed, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    nc.subscribe("svc", { callback: () => {} });
    const pending = nc.request("svc", "", { timeout: 5000, noMux });
    const outcome = assert.rejects(pending, (error) => {
      assert.ok(error instanceof RequestError);
      assert.equal(error.message, "connection closed");
      return true;
    });
    await nc.flush();
    await nc.close();
    await outcome;
  });

  test(`a request made while the server is away is answered when it is back, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    // On the same connection: its SUB is there again before anything that was held goes out.
    respond(nc, (msg) => msg.respond("yes"));
    const lost = statusOf(nc, "disconnect");
    await bed.server.terminate();
    await lost;
    const pending = nc.request("svc", "", { timeout: 10_000, noMux });
    await bed.server.restart();
    assert.equal((await pending).string(), "yes");
  });

  test(`a request whose deadline passes while the server is away is never sent, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    const got: string[] = [];
    respond(nc, (msg) => got.push(msg.string()));
    const lost = statusOf(nc, "disconnect");
    await bed.server.terminate();
    await lost;
    nc.publish("svc", "before");
    await assert.rejects(nc.request("svc", "stale", { timeout: 20, noMux }), TimeoutError);
    nc.publish("svc", "after");
    assert.equal(nc.outbound.counts().expired, 1);
    await bed.server.restart();
    await nc.flush();
    assert.deepEqual(got, ["before", "after"]);
  });
}

test("noAsyncTraces gives errors without the caller's stack", async (t) => {
  const nc = await bed.connect(t, { noAsyncTraces: true });
  await assert.rejects(nc.request("nobody"), (error) => error instanceof Error && !error.stack?.includes("request.test"));
});

test("a reply subject of one's own needs noMux", async (t) => {
  const nc = await bed.connect(t);
  respond(nc, (msg) => msg.respond(msg.reply ?? ""));
  const answer = await nc.request("svc", "", { timeout: 1000, noMux: true, reply: "my.reply" });
  assert.equal(answer.string(), "my.reply");
  await assert.rejects(nc.request("svc", "", { timeout: 1000, reply: "my.reply" }), /'reply','noMux' are mutually exclusive/);
});

test("bad arguments reject with nats-core's errors, and leave nothing behind", async (t) => {
  const nc = await bed.connect(t);
  await assert.rejects(nc.request("", ""), InvalidSubjectError);
  await assert.rejects(nc.request("a.*", ""), InvalidSubjectError);
  await assert.rejects(nc.request("a", "", { timeout: -1 }), new InvalidArgumentError("'timeout' must be greater than 0"));
  await assert.rejects(nc.request("a", "", { timeout: Number.POSITIVE_INFINITY }), InvalidArgumentError);
  await assert.rejects(nc.request("a", "x".repeat(2 * 1024 * 1024)), InvalidArgumentError);
  const untyped: unknown = { not: "a payload" };
  await assert.rejects(async () => Reflect.apply(nc.request, nc, ["a", untyped]), TypeError);
  assert.equal(nc.outbound.counts().accepted, 0);
});

test("options are never written to", async (t) => {
  const nc = await bed.connect(t);
  respond(nc, (msg) => msg.respond());
  const options = Object.freeze({ timeout: 0, headers: headers() });
  await nc.request("svc", "", options);
  const many = Object.freeze({ maxMessages: 1, strategy: "count" as const });
  for await (const _ of await nc.requestMany("svc", "", many)) assert.ok(true);
});

test("requests after close reject", async (t) => {
  const nc = await bed.connect(t);
  await nc.close();
  await assert.rejects(nc.request("a"), ClosedConnectionError);
  await assert.rejects(nc.requestMany("a"), ClosedConnectionError);
});
