import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError, TimeoutError } from "@nats-io/nats-core";
import { LazySet } from "../../src/bytes/lazy-set.ts";
import { Life } from "../../src/client/life.ts";
import { decodeMessage } from "../../src/client/message.ts";
import { Mux } from "../../src/client/mux.ts";
import { Publisher } from "../../src/client/publish.ts";
import { type Decode, OwnInboxes } from "../../src/client/replies.ts";
import { request } from "../../src/client/request.ts";
import { requestMany } from "../../src/client/request-many.ts";
import { RoundTrips } from "../../src/client/rtt.ts";
import { type HoldfastSubscription, subscribe } from "../../src/client/subscription.ts";
import { RequestTraces } from "../../src/client/trace.ts";
import { SubscriptionTable } from "../../src/inbound/table.ts";
import { Outbound } from "../../src/outbound/outbound.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import { VirtualClock } from "../../src/testing/index.ts";
import { collect } from "./harness.ts";
import { hmsg, msg, rawMessage } from "./raw.ts";

/** The real parts, without a connection: answers are put in as if they came from the wire. */
class Bench {
  readonly clock: VirtualClock = new VirtualClock();
  readonly life: Life = new Life();
  readonly outbound: Outbound = new Outbound(resolveOptions().outbound, this.clock, {
    undelivered: null,
    undeliveredFailed: () => {},
    stalled: () => {},
    event: () => {},
  });
  #sent = "";
  readonly table: SubscriptionTable = new SubscriptionTable((line) => {
    this.#sent += new TextDecoder().decode(line);
  }, 4096);
  readonly publisher: Publisher = new Publisher(this.life, this.outbound, this.table.inboxes);
  readonly decode: Decode = (raw) => decodeMessage(raw, this.publisher);
  readonly mux: Mux = new Mux(this.table, this.decode, "_INBOX");
  readonly inboxes: OwnInboxes = new OwnInboxes(this.table, this.decode, "_INBOX");
  readonly open: LazySet<HoldfastSubscription> = new LazySet();
  readonly requests = { ...this.#common(), mux: this.mux, inboxes: this.inboxes, publisher: this.publisher };
  readonly subscriptions = {
    ...this.#common(),
    table: this.table,
    decode: this.decode,
    roundTrips: new RoundTrips(this.outbound, this.clock),
    report: () => {},
    open: this.open,
  };

  #common() {
    return { life: this.life, runtime: this.clock, noAsyncTraces: false, traces: new RequestTraces(false, this.clock) };
  }

  /** To the request made last, which is the `count`th. */
  answer(count: number, wire: (subject: string, sid: number) => string): void {
    const last = [...this.#sent.matchAll(/^SUB (\S+) (\d+)/gm)].at(-1);
    const [subject = "", sid = ""] = last?.slice(1) ?? [];
    this.table.dispatch(rawMessage(wire(subject.replace("*", `0-${count}`), Number(sid))));
  }

  /** Nothing of any request is left but the subscription of the shared inbox. */
  checkEmpty(): void {
    assert.equal(this.mux.size, 0);
    assert.equal(this.inboxes.pending().length, 0);
    assert.equal(this.table.size, 1);
    assert.deepEqual(this.clock.pending.timers, 0);
  }
}

for (const noMux of [false, true]) {
  const how = noMux ? "with its own inbox" : "through the shared inbox";

  test(`a request leaves nothing behind, however it ends, ${how}`, async () => {
    const bench = new Bench();
    assert.ok(bench.mux.base);
    const ask = () => request(bench.requests, "svc", "", { timeout: 100, noMux });

    const answered = ask();
    bench.answer(1, (subject, sid) => msg(subject, "", "yes", sid));
    assert.equal((await answered).string(), "yes");
    bench.checkEmpty();

    const unheard = ask();
    bench.answer(2, (subject, sid) => hmsg(subject, "", " 503", "", sid));
    await assert.rejects(unheard, RequestError);
    bench.checkEmpty();

    const late = ask();
    bench.clock.advance(100);
    await assert.rejects(late, TimeoutError);
    bench.checkEmpty();

    await assert.rejects(request(bench.requests, "svc", new Uint8Array(100 * 1024 * 1024), { timeout: 100, noMux }));
    bench.checkEmpty();
  });

  test(`a request for many leaves nothing behind, however it ends, ${how}`, async () => {
    const bench = new Bench();
    assert.ok(bench.mux.base);
    const ask = (options: Parameters<typeof requestMany>[3]) =>
      requestMany(bench.requests, "svc", "", { noMux, maxWait: 100, ...options });
    const yes = (subject: string, sid: number): string => msg(subject, "", "yes", sid);

    const counted = await ask({ strategy: "count", maxMessages: 2 });
    bench.answer(1, yes);
    bench.answer(1, yes);
    assert.equal((await collect(counted)).length, 2);
    bench.checkEmpty();

    const left = await ask({});
    bench.answer(2, yes);
    for await (const _ of left) break;
    bench.checkEmpty();

    const stalled = await ask({ strategy: "stall", stall: 10 });
    bench.answer(3, yes);
    bench.clock.advance(10);
    assert.equal((await collect(stalled)).length, 1);
    bench.checkEmpty();

    await ask({});
    bench.clock.advance(100);
    bench.checkEmpty();
  });
}

test("a subscription leaves nothing behind, however it ends", async () => {
  const bench = new Bench();
  assert.ok(bench.mux.base);
  const callback = (): void => {};
  const ended = [
    subscribe(bench.subscriptions, "a", { callback, timeout: 1000 }),
    subscribe(bench.subscriptions, "a", { callback, max: 1, timeout: 1000 }),
    subscribe(bench.subscriptions, "a", { timeout: 50, callback }),
    subscribe(bench.subscriptions, "a"),
    subscribe(bench.subscriptions, "b", { callback }),
    subscribe(bench.subscriptions, "a"),
  ] as const;
  assert.equal(bench.open.size, 6);
  ended[0].unsubscribe();
  bench.table.dispatch(rawMessage(msg("a", "", "", ended[1].getID())));
  bench.clock.advance(50);
  await ended[3].drain();
  bench.table.reject("b", "", new Error("denied"));
  bench.table.dispatch(rawMessage(msg("a", "", "", ended[5].getID())));
  for await (const _ of ended[5]) break;
  await Promise.all(ended.map((subscription) => subscription.closed));
  assert.equal(bench.open.size, 0);
  bench.checkEmpty();
});
