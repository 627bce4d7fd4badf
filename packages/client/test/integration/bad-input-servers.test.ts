/**
 * Servers that are none, on real sockets and through `connect()`: the error names the cause, the next server is tried and reached, and
 * nothing that was held is lost. `test/session/session-bad-server.test.ts` has more of them, on the virtual clock.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type Undelivered } from "../../src/index.ts";
import { type FakeConnection, type FakeScript, fakeScripts, type NatsServer, startFakeServer } from "../../src/testing/index.ts";
import {
  afterwards,
  assertIdentity,
  limit,
  numbers,
  observe,
  open,
  recordStatuses,
  startServer,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

/** What each is called, what it does, and what has to be said of it: `name: message`, then the cause if there is one. */
const strangers: readonly [what: string, script: FakeScript, expected: RegExp][] = [
  ["speaks garbage", fakeScripts.speaksGarbage, /^ProtocolError: unknown operation from the server: "\\x00\\xff\\xfeHTTP/],
  ["speaks HTTP", (peer) => peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"), /^ProtocolError: .*"HTTP/],
  ["sends a line that never ends", (peer) => peer.send("x".repeat(3_000_000)), /^ProtocolError: .*"xxx/],
  ["sends an INFO of 10 MB", fakeScripts.sendsHugeInfo(), /^ProtocolError: INFO line of .* at most 1048576 are accepted/],
  ["sends an INFO that is no JSON", (peer) => peer.send('INFO {"a":\r\n'), /^ProtocolError: INFO from the server is not JSON/],
  ["begins with a MSG", (peer) => peer.send("MSG a 1 1\r\nx\r\n"), /^ProtocolError: expected INFO from the server, got MSG$/],
  [
    "closes after INFO",
    fakeScripts.closesAfterInfo,
    /^ConnectionError: 127.0.0.1:\d+: the server closed the connection: no PONG after CONNECT/,
  ],
  ["resets after INFO", fakeScripts.resetsAfterInfo, /^ConnectionError: .*no PONG after CONNECT; .*ECONNRESET/],
  [
    "never sends INFO",
    fakeScripts.neverSendsInfo,
    /^TimeoutError: timeout; ConnectionError: 127.0.0.1:\d+: no INFO within 600 ms$/,
  ],
  [
    "never answers the second PING",
    fakeScripts.swallowsAfterHandshake,
    /^TimeoutError: .*no PONG after the subscriptions within 600 ms$/,
  ],
  ["wants somebody else", fakeScripts.refuses("Authorization Violation"), /^AuthorizationError: Authorization Violation$/],
  ["is full", fakeScripts.refuses("maximum connections exceeded"), /^ProtocolError: maximum connections exceeded$/],
];
const timeout = 600;

for (const [what, script, expected] of strangers) {
  test(`a server that ${what}: connect() says so, tries the next one, and what was held is sent to that`, limit, async (t) => {
    const bad = await startFakeServer({ script });
    afterwards(t, () => bad.stop());
    const real = await startServer(t);
    await assert.rejects(connect({ servers: bad.url, timeout, reconnect: false }), (error) => {
      assert.match(describe(error), expected);
      return true;
    });
    const nc = await open(t, { servers: [bad.url, real.url], noRandomize: true, timeout });
    assert.equal(nc.getServer(), `127.0.0.1:${real.port}`);
    assert.equal(bad.accepted, 2);
    await nc.close();
    await moveTo(t, real, [bad.url], expected);
  });
}

/** Connected to a server that goes away, with 200 messages held: the pool leads by way of `bad` to the real one. */
async function moveTo(t: Parameters<typeof open>[0], real: NatsServer, bad: readonly string[], expected: RegExp): Promise<void> {
  const seen = await observe(t, real, "held");
  const first = await startFakeServer();
  const nc = await open(t, { servers: [first.url, ...bad, real.url], noRandomize: true, timeout });
  const statuses = recordStatuses(nc);
  const down = statusOf(nc, "disconnect");
  await first.stop();
  await down;
  assert.equal(nc.outbound.usable, false);
  for (const number of numbers(1, 200)) nc.publish("held", number);
  await nc.flush();
  await seen.settled();

  assert.deepEqual(seen.texts, numbers(1, 200));
  assert.equal(nc.getServer(), `127.0.0.1:${real.port}`);
  const errors = statuses.flatMap((status) => (status.type === "error" ? [describe(status.error)] : []));
  assert.ok(
    errors.some((error) => expected.test(error)),
    `no such error among: ${errors.join(" | ")}`,
  );
  assert.equal(nc.outbound.counts().confirmed, 200);
  assertIdentity(nc);
  await nc.close();
}

/** What a server does on a connection that was good, once it has a subscription. */
const traitors: readonly [what: string, deed: (peer: FakeConnection, sid: string) => void, told: RegExp][] = [
  ["sends garbage", (peer) => peer.send("WHAT\r\n"), /^ProtocolError: unknown operation from the server: "WHAT/],
  ["sends half a MSG and then nothing", (peer, sid) => peer.send(`MSG a ${sid} 100\r\nonly half`), /^staleConnection$/],
  ["sends half a control line and then nothing", (peer) => peer.send("MSG a"), /^staleConnection$/],
  ["sends a MSG without an end", (peer, sid) => peer.send(`MSG a ${sid} 2\r\nhello\r\n`), /^ProtocolError: /],
  ["sends a MSG of 10 GB", (peer, sid) => peer.send(`MSG a ${sid} 10737418240\r\n`), /^ProtocolError: .*10737418240/],
  ["sends an INFO that is no JSON", (peer) => peer.send("INFO nonsense\r\n"), /^ProtocolError: INFO from the server is not JSON/],
  ["answers nothing any more", () => {}, /^staleConnection$/],
];

for (const [what, deed, told] of traitors) {
  test(`a server that ${what} on a good connection is told of and left, and no message is lost silently`, limit, async (t) => {
    const real = await startServer(t);
    const seen = await observe(t, real, "held");
    const traitor = await startFakeServer();
    afterwards(t, () => traitor.stop());
    const undelivered: Undelivered[] = [];
    const nc = await open(t, {
      servers: [traitor.url, real.url],
      noRandomize: true,
      timeout,
      pingInterval: 250,
      maxPingOut: 2,
      onUndelivered: (batch) => void undelivered.push(...batch),
    });
    const statuses = recordStatuses(nc);
    const got: string[] = [];
    nc.subscribe("a", { callback: (_, message) => void got.push(message.string()) });
    await nc.flush();
    const [peer] = traitor.connections;
    const sid = peer?.commands.find(({ verb }) => verb === "SUB")?.args.at(-1);
    assert.ok(peer !== undefined && sid !== undefined);
    // Reads on, answers nothing: a PONG could be the missing half.
    peer.ignore();
    // More than a window: a part of it is in flight when the connection ends, the rest is still here.
    const padding = " ".repeat(1_000);
    for (const number of numbers(1, 300)) nc.publish("held", `${number}${padding}`);
    deed(peer, sid);
    await until("the real server is reached", () => nc.getServer() === `127.0.0.1:${real.port}` && nc.outbound.usable);
    await nc.flush();
    await seen.settled();
    await nc.close();

    const said = statuses.map((status) => (status.type === "error" ? describe(status.error) : status.type));
    assert.ok(
      said.some((line) => told.test(line)),
      `no such status among: ${said.join(" | ")}`,
    );
    const inDoubt = undelivered.map(textOf);
    assert.ok(undelivered.every(({ state }) => state === "inDoubt"));
    assert.ok(inDoubt.length > 0 && inDoubt.length <= 64, `${inDoubt.length} in doubt, which is more than 64 KiB`);
    assert.deepEqual(
      [...inDoubt, ...seen.texts],
      numbers(1, 300).map((number) => `${number}${padding}`),
    );
    assert.deepEqual(got, [], "half a message was delivered");
    assertIdentity(nc);
  });
}

test("a MSG for an unknown sid, PONGs that nobody asked for and 50 000 PINGs at once hurt nobody", limit, async (t) => {
  const fake = await startFakeServer({ script: fakeScripts.sendsUnknownSid });
  afterwards(t, () => fake.stop());
  const nc = await open(t, { servers: fake.url });
  const statuses = recordStatuses(nc);
  const got: string[] = [];
  nc.subscribe("a", { callback: (_, message) => void got.push(message.string()) });
  await nc.flush();
  const [peer] = fake.connections;
  assert.ok(peer !== undefined);
  const before = peer.commandsSeen;
  peer.send("PONG\r\n".repeat(1_000) + "PING\r\n".repeat(50_000));
  for (const number of numbers(1, 100)) nc.publish("a", number);
  await nc.flush();
  await until("every PING is answered", () => peer.commandsSeen >= before + 50_000 + 100);

  assert.deepEqual(got, numbers(1, 100));
  assert.equal(nc.outbound.counts().confirmed, 100);
  assert.deepEqual(statuses, []);
  assert.equal(peer.protocolError, null);
});

test("a pool of strangers is never given up: the real server among them is reached, and gets everything", limit, async (t) => {
  const scripts = strangers.filter(([what]) => !what.startsWith("wants")).map(([, script]) => script);
  const bad = await Promise.all(scripts.map((script) => startFakeServer({ script })));
  afterwards(t, () => Promise.all(bad.map((server) => server.stop())));
  const real = await startServer(t);
  await moveTo(
    t,
    real,
    bad.map(({ url }) => url),
    /./,
  );
  assert.ok(
    bad.every(({ accepted }) => accepted === 1),
    `${bad.map(({ accepted }) => accepted).join()} dials`,
  );
});

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const line = `${error.name}: ${error.message}`;
  return cause instanceof Error ? `${line}; ${cause.name}: ${cause.message}` : line;
}
