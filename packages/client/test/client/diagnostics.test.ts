import assert from "node:assert/strict";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { type TestContext, test } from "node:test";
import { CHANNELS, type DiagnosticsMessage } from "../../src/client/diagnostics.ts";
import { type HoldfastConnection, ReconnectBufferFullError } from "../../src/index.ts";
import { freePort, startFaultProxy } from "../../src/testing/index.ts";
import { Bed, connected, statusOf } from "./harness.ts";

const bed = new Bed();

/** Subscribes to channels until the test ends; gives what came. */
function listen(t: TestContext, ...names: readonly string[]): DiagnosticsMessage[] {
  const messages: DiagnosticsMessage[] = [];
  for (const name of names) {
    const take = (message: unknown): void => {
      messages.push(message as DiagnosticsMessage);
    };
    subscribe(name, take);
    t.after(() => unsubscribe(name, take));
  }
  return messages;
}

function typesOf(messages: readonly DiagnosticsMessage[], nc: HoldfastConnection): string[] {
  return messages.filter(({ connection }) => connection === nc).map(({ event }) => event.type);
}

/** Until what was deferred has run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a connection's life is told on the channels, in order and with the connection itself", async (t) => {
  const messages = listen(t, "holdfast:connect", "holdfast:disconnect", "holdfast:reconnect", "holdfast:close");
  const proxy = await startFaultProxy({ upstream: bed.server });
  t.after(() => proxy.stop());
  const nc = await connected(t, { servers: proxy.url });
  const other = await bed.connect(t);
  const back = statusOf(nc, "reconnect");
  proxy.cut("rst").catch(() => {});
  await back;
  await nc.close();
  await turn();
  assert.deepEqual(typesOf(messages, nc), ["connect", "disconnect", "reconnect", "close"]);
  assert.deepEqual(typesOf(messages, other), ["connect"]);
  const servers = messages.flatMap(({ event }) => ("server" in event ? [event.server] : []));
  assert.deepEqual(servers.slice(0, 1), [new URL(proxy.url).host]);
});

test("a full buffer and what is handed back are told, also without onUndelivered, and without stopping it", async (t) => {
  const messages = listen(t, ...Object.values(CHANNELS));
  const servers = `127.0.0.1:${await freePort()}`;
  const options = { servers, retryOnFailedConnect: true, reconnectBuffer: { maxMessages: 2 } } as const;
  const handedBack: string[] = [];
  const silent = await connected(t, options);
  const listening = await connected(t, {
    ...options,
    onUndelivered: (batch) => {
      handedBack.push(...batch.map((message) => message.subject));
    },
  });
  for (const nc of [silent, listening]) {
    nc.publish("a");
    nc.publish("b");
    assert.throws(() => nc.publish("c"), ReconnectBufferFullError);
    await nc.close();
  }
  await turn();
  for (const nc of [silent, listening]) {
    assert.deepEqual(typesOf(messages, nc), ["connect", "high", "full", "low", "undelivered", "close"]);
    const told = messages.flatMap(({ connection, event }) =>
      connection === nc && event.type === "undelivered" ? event.messages : [],
    );
    assert.deepEqual(
      told.map(({ subject, state }) => `${subject} ${state}`),
      ["a abandoned", "b abandoned"],
    );
  }
  assert.deepEqual(handedBack, ["a", "b"]);
});

test("a subscriber that comes late is told from then on, and one that left no more", async (t) => {
  const nc = await connected(t, { servers: `127.0.0.1:${await freePort()}`, retryOnFailedConnect: true });
  nc.publish("early");
  nc.outbound.purge();
  await turn();
  const seen: DiagnosticsMessage[] = [];
  const take = (message: unknown): void => {
    seen.push(message as DiagnosticsMessage);
  };
  subscribe("holdfast:undelivered", take);
  nc.publish("on.time");
  nc.outbound.purge();
  await turn();
  await turn();
  unsubscribe("holdfast:undelivered", take);
  nc.publish("late");
  nc.outbound.purge();
  await turn();
  const subjects = seen
    .flatMap(({ event }) => (event.type === "undelivered" ? event.messages : []))
    .map(({ subject }) => subject);
  assert.deepEqual(subjects, ["on.time"]);
});

test("a subscriber runs when the call that caused the event is over, so it may publish and close", async (t) => {
  const nc = await connected(t, {
    servers: `127.0.0.1:${await freePort()}`,
    retryOnFailedConnect: true,
    reconnectBuffer: { maxMessages: 1, whenFull: "drop-oldest" },
  });
  let inCall = false;
  const seen: boolean[] = [];
  const take = (): void => {
    seen.push(inCall);
    if (nc.isClosed()) return;
    nc.publish("again");
    nc.close().catch(() => {});
  };
  subscribe("holdfast:full", take);
  t.after(() => unsubscribe("holdfast:full", take));
  inCall = true;
  nc.publish("a");
  nc.publish("b");
  inCall = false;
  await nc.closed();
  assert.ok(seen.length > 0 && !seen.includes(true));
  const { accepted, dropped, abandoned } = nc.outbound.counts();
  assert.deepEqual({ accepted, dropped, abandoned }, { accepted: 3, dropped: 2, abandoned: 1 });
});

test("the channels have no subscriber of ours, and each its own name", () => {
  const names = Object.values(CHANNELS);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.equal(channel(name).hasSubscribers, false);
});
