import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ConnectionError, RequestError, TimeoutError } from "@nats-io/nats-core";
import type { HoldfastConnection, HoldfastOptions } from "../../src/index.ts";
import { type FakeConnection, type FakeServer, startFakeServer } from "../../src/testing/index.ts";
import { collect, connected, statusOf } from "./harness.ts";

/** Far more than any test takes: who waits for it has not failed at once. */
const LONG = 60_000;

interface Bench {
  readonly server: FakeServer;
  readonly nc: HoldfastConnection;
}

/** A client of a server that somebody listens at, but nobody answers. */
async function start(t: TestContext, options: HoldfastOptions = {}): Promise<Bench> {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const listener = await connected(t, { servers: server.url });
  listener.subscribe("svc", { callback: () => {} });
  await listener.flush();
  const nc = await connected(t, { servers: server.url, failRequestsOnDisconnect: true, ...options });
  return { server, nc };
}

/** The server's end of the connection of `nc`: the one made last. */
function endOf({ server }: Bench): FakeConnection {
  const connection = server.connections.at(-1);
  assert.ok(connection);
  return connection;
}

/** Breaks the connection of `nc`. */
async function cut(bench: Bench): Promise<void> {
  const lost = statusOf(bench.nc, "disconnect");
  endOf(bench).reset();
  await lost;
}

function isDisconnected(error: unknown): boolean {
  assert.ok(error instanceof RequestError, String(error));
  assert.ok(error.cause instanceof ConnectionError, String(error.cause));
  assert.equal(error.message, "connection disconnected");
  return true;
}

const ways: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  "a request through the shared inbox": ({ nc }) => nc.request("svc", "", { timeout: LONG }),
  "a request with its own inbox": ({ nc }) => nc.request("svc", "", { timeout: LONG, noMux: true }),
  "a request for many through the shared inbox": async ({ nc }) => collect(await nc.requestMany("svc", "", { maxWait: LONG })),
  "a request for many with its own inbox": async ({ nc }) =>
    collect(await nc.requestMany("svc", "", { maxWait: LONG, noMux: true })),
};

for (const [what, ask] of Object.entries(ways)) {
  test(`${what} that was handed over fails when its connection ends`, async (t) => {
    const bench = await start(t);
    const failed = assert.rejects(ask(bench), (error) => {
      assert.match(String(error instanceof Error && error.stack), /fail-requests\.test/);
      return isDisconnected(error);
    });
    await bench.nc.flush();
    await cut(bench);
    await failed;
    assert.equal(bench.nc.outbound.counts().confirmed, 1);
  });

  test(`${what} that is still held waits for the next connection, and fails with that`, async (t) => {
    const bench = await start(t);
    bench.server.refuse();
    await cut(bench);
    let isOver = false;
    const failed = assert.rejects(ask(bench), isDisconnected).finally(() => {
      isOver = true;
    });
    const back = statusOf(bench.nc, "reconnect");
    await bench.server.accept();
    await back;
    await bench.nc.flush();
    assert.equal(isOver, false);
    await cut(bench);
    await failed;
  });
}

test("a request behind a full window is not handed over: it goes with the next connection, and is answered there", async (t) => {
  const bench = await start(t);
  endOf(bench).ignore();
  bench.nc.publish("a", new Uint8Array(512 * 1024));
  const first = bench.nc.request("svc", "held", { timeout: LONG });
  const sent = bench.nc.outbound;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([sent.counts().inFlight, sent.counts().buffered], [1, 1]);
  bench.server.script = async (connection) => {
    await connection.serve();
    const asked = await connection.waitFor((command) => command.verb === "PUB" && command.args[0] === "svc");
    const reply = asked.args[1] ?? "";
    const sub = connection.commands.find(({ verb, args }) => verb === "SUB" && args[0]?.startsWith("_INBOX.") === true);
    connection.message({ sid: sub?.args.at(-1) ?? "", subject: reply, payload: "answer" });
  };
  await cut(bench);
  assert.equal((await first).string(), "answer");
  assert.deepEqual([sent.counts().inDoubt, sent.counts().buffered], [1, 0]);
});

test("an answer that came before the end of the connection is still read", async (t) => {
  const bench = await start(t);
  const answers = await bench.nc.requestMany("svc", "", { maxWait: LONG });
  await bench.nc.flush();
  const asked = endOf(bench).commands.findLast(({ verb }) => verb === "PUB");
  const sub = endOf(bench).commands.findLast(({ verb }) => verb === "SUB");
  endOf(bench).message({ sid: sub?.args.at(-1) ?? "", subject: asked?.args[1] ?? "", payload: "first" });
  await bench.nc.flush();
  await cut(bench);
  const got: string[] = [];
  await assert.rejects(async () => {
    for await (const msg of answers) got.push(msg.string());
  }, isDisconnected);
  assert.deepEqual(got, ["first"]);
});

test("by default they go on waiting: an answer over the next connection counts, and none is a timeout", async (t) => {
  const bench = await start(t, { failRequestsOnDisconnect: false });
  const answered = bench.nc.request("svc", "1", { timeout: LONG });
  const unanswered = assert.rejects(bench.nc.request("svc", "2", { timeout: 300 }), TimeoutError);
  await bench.nc.flush();
  const reply = endOf(bench).commands.find(({ verb }) => verb === "PUB")?.args[1] ?? "";
  const back = statusOf(bench.nc, "reconnect");
  await cut(bench);
  await back;
  const sub = endOf(bench).commands.find(({ verb }) => verb === "SUB");
  endOf(bench).message({ sid: sub?.args.at(-1) ?? "", subject: reply, payload: "late, but there" });
  assert.equal((await answered).string(), "late, but there");
  await unanswered;
});
