/** The official JetStream manager on a Holdfast connection, through outages; domains and other API prefixes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { atEachLevel, type JsLine, type JsOutage, openJs } from "./modules-js-harness.ts";
import { assertIdentity, limit, numbers, until } from "./peers-harness.ts";

test("JetStream manager calls made while the link is cut go in order after the reconnect, and are answered", limit, (t) =>
  atEachLevel(t, (js) => managedThrough(js, "rst")),
);

test("JetStream manager calls made while the server is restarted go in order afterwards, and are answered", limit, (t) =>
  atEachLevel(t, (js) => managedThrough(js, "restart")),
);

async function managedThrough(js: JsLine, outage: JsOutage): Promise<void> {
  const manager = await jetstreamManager(js.nc, { timeout: 20_000 });
  await js.store(1, 10);
  let asked: Promise<unknown>[] = [];
  await js.through(outage, () => {
    asked = [
      manager.streams.add({ name: "OTHERS", subjects: ["others"] }).then(({ config }) => config.name),
      manager.consumers.add("EVENTS", { durable_name: "mine", ack_policy: "explicit" }).then(({ name }) => name),
      manager.streams.getMessage("EVENTS", { seq: 3 }).then((message) => message?.string()),
      manager.streams.deleteMessage("EVENTS", 7),
      namesOf(manager).then((names) => names.includes("EVENTS")),
      manager.streams.info("EVENTS").then(({ config }) => config.name),
      manager.getAccountInfo().then(({ streams }) => streams > 0),
    ];
  });
  assert.deepEqual(await Promise.all(asked), ["OTHERS", "mine", "3", true, true, "EVENTS", true]);
  // The server itself works at several of them at a time.
  assert.deepEqual(
    js.wire.sent("$JS.API.").map(({ subject }) => subject.slice("$JS.API.".length)),
    [
      "INFO",
      "STREAM.CREATE.OTHERS",
      "CONSUMER.CREATE.EVENTS.mine",
      "STREAM.MSG.GET.EVENTS",
      "STREAM.MSG.DELETE.EVENTS",
      "STREAM.LIST",
      "STREAM.INFO.EVENTS",
      "INFO",
    ],
  );
  assertIdentity(js.nc);
}

async function namesOf(manager: JetStreamManager): Promise<string[]> {
  const names: string[] = [];
  for await (const { config } of manager.streams.list()) names.push(config.name);
  return names;
}

test("a JetStream manager call in flight at the cut rejects at its timeout, and is not sent again", limit, (t) =>
  atEachLevel(t, async (js) => {
    await js.store(1, 10);
    const manager = await jetstreamManager(js.nc, { timeout: 1_000 });
    js.line.proxy.toClient.hold();
    const rejected = assert.rejects(manager.streams.deleteMessage("EVENTS", 1), /timeout/i);
    while ((await js.manager.streams.info("EVENTS")).state.messages === 10);
    await js.line.down();
    js.line.proxy.toClient.forward();
    await js.line.up();
    await rejected;
    await js.nc.flush();
    assert.equal(js.wire.sent("STREAM.MSG.DELETE").length, 1);
  }),
);

const direct = { needs: "2.11.0", stream: { allow_direct: true } } as const;

test("a direct get of many messages, asked while the link is cut, is answered after the reconnect", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      await js.store(1, 20);
      const manager = await jetstreamManager(js.nc);
      let asked: Promise<string[]> | undefined;
      await js.through("rst", () => {
        asked = textsOf(manager);
      });
      assert.deepEqual(await asked, numbers(1, 10));
      assert.equal(js.wire.sent(".DIRECT.GET.").length, 1);
    },
    direct,
  ),
);

async function textsOf(manager: JetStreamManager): Promise<string[]> {
  const texts: string[] = [];
  for await (const message of await manager.direct.getBatch("EVENTS", { seq: 1, batch: 10 })) texts.push(message.string());
  return texts;
}

test("a direct get of many messages in flight at the cut is not sent again, at either level", limit, (t) =>
  atEachLevel(
    t,
    async (js) => {
      await js.store(1, 20);
      const manager = await jetstreamManager(js.nc);
      await js.nc.flush();
      js.line.proxy.toServer.hold();
      // It ends after the five seconds that the module waits.
      textsOf(manager).catch(() => {});
      await until("it is handed over", () => js.nc.outbound.counts().inFlight === 1 && js.nc.outbound.counts().buffered === 0);
      await js.line.down();
      js.line.proxy.toServer.forward();
      await js.line.up();
      await js.nc.flush();
      assert.equal(js.nc.outbound.counts().inDoubt, 1);
      assert.deepEqual(js.wire.sent(".DIRECT.GET."), []);
    },
    direct,
  ),
);

test("a consumer deleted during the outage is told by consume(), which goes on when it is there again", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  const { messages, taken } = await js.take(0, { expires: 1_000 });
  const told: string[] = [];
  const reading = (async () => {
    for await (const { type } of messages.status()) told.push(type);
  })();
  await js.through("rst", () => js.manager.consumers.delete("EVENTS", "worker"));
  await until("it is told", () => told.includes("consumer_not_found"));
  await js.addWorker();
  await js.store(1, 5);
  await until("what was stored afterwards", () => taken.length === 5);
  await messages.close();
  await reading;
});

test("with abort_on_missing_resource a consumer deleted during the outage ends consume() with that error", limit, async (t) => {
  const js = await openJs(t);
  if (js === undefined) return;
  await js.addWorker();
  const consumer = await js.js.consumers.get("EVENTS", "worker");
  const messages = await consumer.consume({ expires: 1_000, abort_on_missing_resource: true });
  const reading = (async () => {
    for await (const message of messages) message.ack();
  })();
  const rejected = assert.rejects(reading, /consumer not found/);
  await js.through("rst", () => js.manager.consumers.delete("EVENTS", "worker"));
  await rejected;
});

test("consume() behind a domain: pulls made while down are not held, acknowledgements are", limit, (t) =>
  atEachLevel(t, (js) => prefixed(js, { domain: "hub" }), { server: { jetStream: { domain: "hub" } } }),
);

/** Acknowledgements then go to `$JS.ACK.<domain>.<account>.…`, and flow control to `$JS.FC.<domain>.<account>.…`: the default of 2.16. */
const newSubjects = { feature_flags: { js_ack_fc_v2: true } } as const;

test(
  "consume() behind a domain whose acknowledgements name it: pulls made while down are not held, acknowledgements are",
  limit,
  (t) =>
    atEachLevel(
      t,
      async (js) => {
        await prefixed(js, { domain: "hub" });
        const [ack] = js.wire.sent("$JS.ACK.hub.");
        assert.equal(ack?.subject.split(".").length, 11);
      },
      { needs: "2.14.0", server: { jetStream: { domain: "hub" }, config: newSubjects } },
    ),
);

/** What another account offers, under a prefix of ours: `acme.js.API` for `$JS.API`. Its acknowledgements are offered as they are. */
const accounts = {
  accounts: {
    STORE: {
      jetstream: "enabled",
      users: [{ user: "store", password: "store" }],
      exports: [{ service: "$JS.API.>", response_type: "stream" }, { service: "$JS.ACK.>" }, { stream: "deliver.>" }],
    },
    SHOP: {
      users: [{ user: "shop", password: "shop" }],
      imports: [
        { service: { account: "STORE", subject: "$JS.API.>" }, to: "acme.js.API.>" },
        { service: { account: "STORE", subject: "$JS.ACK.>" } },
      ],
    },
  },
} as const;

test("consume() behind another account's API prefix: pulls made while down are not held, acknowledgements are", limit, (t) =>
  atEachLevel(t, (js) => prefixed(js, { apiPrefix: "acme.js.API" }), {
    server: { config: accounts },
    client: { user: "shop", pass: "shop" },
    second: { user: "store", pass: "store" },
  }),
);

/** Reads and acknowledges while down, so that the module pulls then; see modules-js-pull.test.ts. */
async function prefixed(js: JsLine, options: { domain: string } | { apiPrefix: string }): Promise<void> {
  await js.addWorker();
  const consumer = await jetstream(js.nc, { ...options }).consumers.get("EVENTS", "worker");
  const messages = await consumer.consume({ max_messages: 10, expires: 5_000 });
  const seen: number[] = [];
  let isDown = false;
  const reading = (async () => {
    for await (const message of messages) {
      await until("the outage", () => isDown);
      seen.push(message.seq);
      message.ack();
    }
  })();
  await js.store(1, 10);
  await until("what came before the outage", () => messages.getReceived() === 10);
  await js.nc.flush();
  const before = js.wire.last;
  const { expired } = js.nc.outbound.counts();
  await js.through("rst", async () => {
    isDown = true;
    await until("all of that is read", () => seen.length === 10);
  });
  await js.workerWhen("the acknowledgements of the time while down", (info) => info.num_ack_pending === 0);
  await js.store(11, 60);
  await until("all of it", () => seen.length >= 60);
  await js.workerWhen("all acknowledged", (info) => info.ack_floor.stream_seq === 60);
  await messages.close();
  await reading;

  assert.deepEqual(seen, numbers(1, 60).map(Number));
  assert.ok(js.nc.outbound.counts().expired - expired >= 2);
  const [anew] = js.wire.sent(".CONSUMER.MSG.NEXT.").filter(({ connection }) => connection > before);
  assert.equal(JSON.parse(anew?.text ?? "{}").batch, 10);
  assert.equal(js.wire.mostOutstanding(), 10);
  assertIdentity(js.nc);
}
