import { test } from "node:test";
import { type Msg, syncIterator } from "../../src/index.ts";
import { Both, describe, limit, next, outcome, texts } from "./compat-both.ts";
import { until } from "./peers-harness.ts";

/** Subscriptions, with every option: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both();

test("as in nats.js: SubOpts.queue shares the messages among the members of a group", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const members = [1, 2, 3].map(() => nc.subscribe("work", { queue: "workers", callback: () => {} }));
      const alone = nc.subscribe("work", { callback: () => {} });
      await nc.flush();
      for (let n = 0; n < 30; n++) peer.publish("work");
      await peer.flush();
      await nc.flush();
      return [members.reduce((sum, member) => sum + member.getReceived(), 0), alone.getReceived()];
    },
    [30, 30],
  ),
);

test("as in nats.js: SubOpts.max ends a subscription after so many messages, read or called", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const read = nc.subscribe("max", { max: 2 });
      const called = nc.subscribe("max", { max: 3, callback: () => {} });
      await nc.flush();
      for (let n = 0; n < 5; n++) peer.publish("max", String(n));
      const got = await texts(read);
      await called.closed;
      await peer.flush();
      await nc.flush();
      return [got, called.getReceived(), called.isClosed(), read.isClosed(), await read.closed];
    },
    [["0", "1"], 3, true, true, undefined],
  ),
);

test("as in nats.js: SubOpts.timeout ends the reader's loop with TimeoutError, unless a message came", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const early = nc.subscribe("early", { timeout: 800 });
      await nc.flush();
      peer.publish("early", "came");
      await peer.flush();
      await nc.flush();
      const late = nc.subscribe("late", { timeout: 20 });
      const error = await outcome(() => texts(late));
      const why = await late.closed;
      // Longer than its timeout: it has had its message.
      await new Promise((resolve) => setTimeout(resolve, 900));
      return [await texts(early, 1), error, why instanceof Error && describe(why), late.isClosed()];
    },
    [["came"], "TimeoutError: timeout", "TimeoutError: timeout", true],
  ),
);

test("as in nats.js: SubOpts.callback is called with null and the message", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const calls: unknown[] = [];
      const sub = nc.subscribe("called", { callback: (error, msg) => void calls.push([error, msg.string()]) });
      await nc.flush();
      peer.publish("called", "1");
      peer.publish("called", "2");
      await peer.flush();
      await nc.flush();
      return [calls, await outcome(() => texts(sub))];
    },
    [
      [
        [null, "1"],
        [null, "2"],
      ],
      "InvalidOperationError: iterator cannot be used when a callback is registered",
    ],
  ),
);

test("as in nats.js: SubOpts.slow announces a reader that falls behind, once until it has caught up", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const told: unknown[] = [];
      const sub = nc.subscribe("slow", { slow: 3 });
      const listening = (async () => {
        for await (const status of nc.status()) {
          if (status.type === "slowConsumer") told.push([status.sub === sub, status.pending]);
        }
      })();
      const burst = async (): Promise<void> => {
        for (let n = 0; n < 10; n++) peer.publish("slow");
        await peer.flush();
        await nc.flush();
      };
      await nc.flush();
      await burst();
      await burst();
      const reader = syncIterator(sub);
      for (let n = 0; n < 20; n++) await reader.next();
      await burst();
      await nc.close();
      await listening;
      return told;
    },
    [
      [true, 4],
      [true, 4],
    ],
  ),
);

test("as in nats.js: unsubscribe() ends the loop behind what has arrived, unsubscribe(max) after so many in all", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const [now, later, passed] = [nc.subscribe("u"), nc.subscribe("u"), nc.subscribe("u")];
      await nc.flush();
      for (let n = 0; n < 3; n++) peer.publish("u", String(n));
      await peer.flush();
      await nc.flush();
      now.unsubscribe();
      later.unsubscribe(4);
      passed.unsubscribe(2);
      const max = later.getMax();
      await nc.flush();
      for (let n = 3; n < 6; n++) peer.publish("u", String(n));
      await peer.flush();
      await nc.flush();
      return [await texts(now), await texts(later), await texts(passed), max, now.isClosed()];
    },
    [["0", "1", "2"], ["0", "1", "2", "3"], ["0", "1", "2"], 4, true],
  ),
);

test("as in nats.js: drain() of a subscription delivers what is on its way, then ends it", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("drained", { callback: () => {} });
      const read = nc.subscribe("drained");
      await nc.flush();
      for (let n = 0; n < 200; n++) peer.publish("drained");
      await peer.flush();
      const draining = Promise.all([sub.drain(), read.drain()]);
      const during = [sub.isDraining(), read.isDraining(), sub.isClosed()];
      await draining;
      peer.publish("drained");
      await peer.flush();
      await nc.flush();
      const rest = (await texts(read)).length;
      return [during, sub.getReceived(), rest, sub.isClosed(), sub.isDraining(), await outcome(() => sub.drain())];
    },
    [[true, true, false], 200, 200, true, true, "InvalidOperationError: subscription is already closed"],
  ),
);

test("as in nats.js: a subscription knows its subject, its numbers and how far its reader is", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const read = nc.subscribe("known.*", { max: 9 });
      const called = nc.subscribe("known.>", { callback: () => {} });
      await nc.flush();
      const before = [read.getReceived(), read.getPending(), read.getProcessed(), read.isClosed(), read.isDraining()];
      for (let n = 0; n < 5; n++) peer.publish("known.a");
      await peer.flush();
      await nc.flush();
      const waiting = [read.getReceived(), read.getPending(), read.getProcessed()];
      const reader = syncIterator(read);
      await reader.next();
      await reader.next();
      const reading = [read.getReceived(), read.getPending(), read.getProcessed()];
      return [
        [read.getSubject(), read.getID(), read.getMax()],
        [called.getSubject(), called.getID(), called.getMax()],
        before,
        waiting,
        reading,
        [called.getReceived(), called.getPending(), called.getProcessed()],
      ];
    },
    [
      ["known.*", 1, 9],
      ["known.>", 2, undefined],
      [0, 0, 0, false, false],
      [5, 5, 0],
      [5, 3, 2],
      [5, 0, 5],
    ],
  ),
);

test("as in nats.js: Subscription.callback may be replaced", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const calls: string[] = [];
      const sub = nc.subscribe("replaced", { callback: () => void calls.push("first") });
      await nc.flush();
      peer.publish("replaced");
      await peer.flush();
      await nc.flush();
      const first = sub.callback;
      sub.callback = (error, msg) => {
        calls.push("second");
        return first(error, msg);
      };
      peer.publish("replaced");
      await peer.flush();
      await nc.flush();
      return calls;
    },
    ["first", "second", "first"],
  ),
);

test("as in nats.js: leaving the loop ends the subscription, and a second reader is refused", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("left");
      await nc.flush();
      for (let n = 0; n < 3; n++) peer.publish("left", String(n));
      const got = await texts(sub, 1);
      const why = await sub.closed;
      await until("the subscription is closed", () => sub.isClosed());
      return [got, why, await outcome(() => texts(sub))];
    },
    [["0"], undefined, "InvalidOperationError: iterator is already yielding"],
  ),
);

test("as in nats.js: await using drains the subscription, and means nothing once it is draining or closed", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("disposed", { callback: () => {} });
      await nc.flush();
      for (let n = 0; n < 100; n++) peer.publish("disposed");
      await peer.flush();
      const first = sub[Symbol.asyncDispose]();
      const during = sub.isDraining();
      await Promise.all([first, sub[Symbol.asyncDispose]()]);
      const again: unknown = await sub[Symbol.asyncDispose]();
      return [during, sub.isClosed(), again, sub.getReceived()];
    },
    [true, true, undefined, 100],
  ),
);

test("as in nats.js: subscriptions outlive a reconnect, and count on", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const sub = nc.subscribe("kept", { max: 4 });
      await nc.flush();
      for (const n of [1, 2]) peer.publish("kept", String(n));
      await peer.flush();
      await nc.flush();
      const back = next(nc, "reconnect");
      await nc.reconnect();
      await back;
      await nc.flush();
      for (const n of [3, 4, 5]) peer.publish("kept", String(n));
      return [await texts(sub), sub.getReceived(), sub.getID()];
    },
    [["1", "2", "3", "4"], 4, 1],
  ),
);

test("as in nats.js: what cannot be subscribed to is refused", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const refused: unknown[] = [];
      for (const subject of ["", "a b", "a\tb", "a\r\nb"]) refused.push(await outcome(() => nc.subscribe(subject)));
      return refused;
    },
    ["", "a b", "a\tb", "a\r\nb"].map((subject) => `InvalidSubjectError: illegal subject: '${subject}'`),
  ),
);

test("as in nats.js: the message of a callback stays as it was when the callback has returned", limit, () =>
  both.agree(async (client) => {
    const [nc, peer] = [await client.open(), await client.peer()];
    const kept: Msg[] = [];
    nc.subscribe("kept", { callback: (_error, msg) => void kept.push(msg) });
    await nc.flush();
    for (let n = 0; n < 500; n++) peer.publish("kept", String(n).repeat(50));
    await peer.flush();
    await nc.flush();
    return kept.filter((msg, n) => msg.string() === String(n).repeat(50) && msg.subject === "kept").length;
  }, 500),
);
