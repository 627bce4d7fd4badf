import assert from "node:assert/strict";
import { Life } from "../../src/client/life.ts";
import { Publisher, type SentRequest } from "../../src/client/publish.ts";
import { Inboxes } from "../../src/inbound/inboxes.ts";
import { type HoldfastOptions, ReconnectBufferFullError } from "../../src/index.ts";
import { Outbound } from "../../src/outbound/outbound.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import { VirtualClock } from "../../src/testing/index.ts";

/** Without a connection: 1 000 requests a second, each with a second to live, and a publish each second. None of it fails or is left over. */
export function askForMinutes(minutes: number, options: HoldfastOptions): void {
  const total = minutes * 60_000;
  const isBuffered = options.reconnectBuffer !== false;
  const clock = new VirtualClock();
  const ignored = { undelivered: null, undeliveredFailed: () => {}, stalled: () => {}, event: () => {} };
  const outbound = new Outbound(resolveOptions(options).outbound, clock, ignored);
  const publisher = new Publisher(new Life(), outbound, new Inboxes("_INBOX"));
  const waiting: (SentRequest | undefined)[] = Array.from({ length: 1_000 });
  let published = 0;
  for (let ms = 0; ms < total; ms++) {
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
    { accepted: total + kept, expired: total - 1_000, buffered: 1_000 + kept, refused: published - kept },
  );
  for (const request of waiting) request?.expire();
  assert.equal(outbound.held.messages, kept);
}
