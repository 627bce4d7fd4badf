import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError, InvalidSubjectError, NoRespondersError, RequestError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/index.ts";
import { Bed, collect } from "./harness.ts";

const bed = new Bed();

/** Answers every request with these payloads. */
function answering(nc: HoldfastConnection, payloads: readonly string[]): void {
  nc.subscribe("svc", {
    callback: (_error, msg) => {
      for (const payload of payloads) msg.respond(payload);
    },
  });
}

for (const noMux of [false, true]) {
  const how = noMux ? "with its own inbox" : "through the shared inbox";

  test(`timer: all answers until maxWait, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    answering(nc, ["1", "", "3"]);
    const start = performance.now();
    const got = await collect(await nc.requestMany("svc", "", { strategy: "timer", maxWait: 100, noMux }));
    assert.deepEqual(
      got.map((msg) => msg.string()),
      ["1", "", "3"],
    );
    assert.ok(performance.now() - start >= 99);
  });

  test(`count: as many answers as asked for, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    answering(nc, ["1", "2", "3", "4"]);
    const options = { strategy: "count", maxMessages: 3, maxWait: 60_000, noMux } as const;
    assert.equal((await collect(await nc.requestMany("svc", "", options))).length, 3);
  });

  test(`stall: until no answer came for a while, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    answering(nc, ["1", "2"]);
    const options = { strategy: "stall", stall: 30, maxWait: 60_000, noMux } as const;
    assert.equal((await collect(await nc.requestMany("svc", "", options))).length, 2);
  });

  test(`sentinel: until an empty answer, which is delivered too, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    answering(nc, ["1", "2", "", "4"]);
    const options = { strategy: "sentinel", maxWait: 60_000, noMux } as const;
    const got = await collect(await nc.requestMany("svc", "", options));
    assert.deepEqual(
      got.map((msg) => msg.string()),
      ["1", "2", ""],
    );
  });

  test(`throws NoRespondersError when nobody listens, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    const answers = await nc.requestMany("nobody", "", { maxWait: 60_000, noMux });
    await assert.rejects(collect(answers), (error) => {
      assert.ok(error instanceof NoRespondersError);
      assert.match(error.stack ?? "", /request-many\.test/);
      return true;
    });
  });

  test(`leaving the loop ends it, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    answering(nc, ["1", "2"]);
    for await (const msg of await nc.requestMany("svc", "", { maxWait: 60_000, noMux })) {
      assert.equal(msg.string(), "1");
      break;
    }
    // A timer of a minute that were still there would keep this file from ending.
    await nc.flush();
  });

  test(`throws when the connection is closed, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    answering(nc, []);
    const outcome = assert.rejects(collect(await nc.requestMany("svc", "", { maxWait: 60_000, noMux })), RequestError);
    await nc.flush();
    await nc.close();
    await outcome;
  });

  test(`a request that is refused is thrown by the iteration, ${how}`, async (t) => {
    const nc = await bed.connect(t);
    const answers = await nc.requestMany("svc", "x".repeat(2 * 1024 * 1024), { noMux });
    await assert.rejects(collect(answers), InvalidArgumentError);
  });
}

test("rejects for bad arguments", async (t) => {
  const nc = await bed.connect(t);
  await assert.rejects(nc.requestMany(""), InvalidSubjectError);
  await assert.rejects(nc.requestMany("a", "", { maxWait: -1 }), /'timeout' must be greater than 0/);
  const untyped: unknown = { strategy: "forever" };
  await assert.rejects(
    async () => Reflect.apply(nc.requestMany, nc, ["a", "", untyped]),
    /must be one of timer, count, stall, sentinel/,
  );
});
