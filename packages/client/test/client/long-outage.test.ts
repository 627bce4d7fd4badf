/** What a long outage does to those who keep asking. On a virtual clock. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TimeoutError } from "@nats-io/nats-core";
import { Life } from "../../src/client/life.ts";
import { open } from "../../src/client/open.ts";
import { Publisher, type SentRequest } from "../../src/client/publish.ts";
import { Inboxes } from "../../src/inbound/inboxes.ts";
import { type HoldfastConnection, type HoldfastOptions, ReconnectBufferFullError } from "../../src/index.ts";
import { Outbound } from "../../src/outbound/outbound.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import { VirtualClock } from "../../src/testing/index.ts";
import { memoryTransport } from "../../src/transport/memory.ts";

const MINUTE = 60_000;

/** A client that has never had a connection. */
async function down(t: TestContext, options: HoldfastOptions): Promise<{ nc: HoldfastConnection; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const transport = memoryTransport({ runtime: clock, accept: () => {}, answer: () => ({ kind: "refuse" }) });
  const resolved = resolveOptions({ retryOnFailedConnect: true, noAsyncTraces: true, ...options });
  const nc = await open(resolved, { transport, runtime: clock, log: () => {} });
  t.after(async () => {
    const closing = nc.close();
    await clock.runAllAsync();
    await closing;
    assert.deepEqual(clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
  });
  return { nc, clock };
}

for (const options of [{}, { reconnectBuffer: false }] as const) {
  const isBuffered = !("reconnectBuffer" in options);
  const how = isBuffered ? "the default limits" : "reconnectBuffer: false";

  test(`an hour of 1 000 requests of a second each a second, with ${how}: none is refused, none stays behind`, () => {
    const clock = new VirtualClock();
    const ignored = { undelivered: null, undeliveredFailed: () => {}, stalled: () => {}, event: () => {} };
    const outbound = new Outbound(resolveOptions(options).outbound, clock, ignored);
    const publisher = new Publisher(new Life(), outbound, new Inboxes("_INBOX"));
    const waiting: (SentRequest | undefined)[] = Array.from({ length: 1_000 });
    let published = 0;
    for (let ms = 0; ms < 60 * MINUTE; ms++) {
      clock.advance(1);
      waiting[ms % 1_000]?.expire();
      waiting[ms % 1_000] = publisher.request("svc", `_INBOX.mux.${ms}`, "what a request asks");
      if (ms % 1_000 !== 0) continue;
      if (isBuffered) assert.equal(publisher.publish("orders", "x"), true, `at ${ms} ms`);
      else assert.throws(() => publisher.publish("orders", "x"), ReconnectBufferFullError);
      published++;
    }
    const { accepted, expired, buffered, refused } = outbound.counts();
    const kept = isBuffered ? published : 0;
    assert.deepEqual(
      { accepted, expired, buffered, refused },
      { accepted: 60 * MINUTE + kept, expired: 60 * MINUTE - 1_000, buffered: 1_000 + kept, refused: published - kept },
    );
    for (const request of waiting) request?.expire();
    assert.equal(outbound.held.messages, kept);
  });

  for (const noMux of [false, true]) {
    const inbox = noMux ? "an inbox each" : "the shared inbox";

    test(`each of them fails at its own deadline, with ${how} and ${inbox}`, async (t) => {
      const { nc, clock } = await down(t, options);
      const total = 20_000;
      const ends: { after: number; error: unknown }[] = [];
      for (let ms = 0; ms < total; ms++) {
        const asked = clock.now();
        const ended = (error: unknown): unknown => ends.push({ after: clock.now() - asked, error });
        nc.request("svc", "what a request asks", { timeout: 1_000, noMux }).then(ended, ended);
        await clock.advanceAsync(1);
      }
      assert.equal(nc.outbound.held.messages, 999);
      await clock.advanceAsync(1_000);
      assert.equal(ends.length, total);
      for (const { after, error } of ends) {
        assert.ok(error instanceof TimeoutError, String(error));
        assert.equal(after, 1_000);
      }
      const { accepted, expired } = nc.outbound.counts();
      assert.deepEqual([accepted, expired, nc.outbound.held.messages], [total, total, 0]);
    });
  }
}
