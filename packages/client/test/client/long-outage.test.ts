/** What a long outage does to those who keep asking. On a virtual clock. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TimeoutError } from "@nats-io/nats-core";
import { open } from "../../src/client/open.ts";
import type { HoldfastConnection, HoldfastOptions } from "../../src/index.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import { VirtualClock } from "../../src/testing/index.ts";
import { memoryTransport } from "../../src/transport/memory.ts";
import { askForMinutes } from "./long-outage-requests.ts";

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

  test(`ten minutes of 1 000 requests of a second each a second, with ${how}: none is refused, none stays behind`, () => {
    askForMinutes(10, options);
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
