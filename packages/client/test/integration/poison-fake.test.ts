/** Frames for which a server ends every connection, and no INFO says why: on a fake server that may even withhold its `-ERR`. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FlushError, type HoldfastConnection, type HoldfastOptions, UndeliveredError } from "../../src/index.ts";
import { type FakeConnection, type FakeServer, startFakeServer, type WireFrame } from "../../src/testing/index.ts";
import { authority, type Certificate, certificate } from "../transport/certificates.ts";
import { afterwards, limit, open, statusOf, until } from "./peers-harness.ts";
import { EXTRA_CONNECTIONS, numberOf, PoisonPublisher, ROOM } from "./poison-rig.ts";

/** The server takes no more, and says so nowhere. */
const SECRET_LIMIT = 10_000;
const PING = "PING\r\n".length;

interface Bench {
  readonly server: FakeServer;
  readonly nc: HoldfastConnection;
  readonly publisher: PoisonPublisher;
  /** What the server took of all connections. */
  arrived(): number[];
}

/**
 * How often the `-ERR` does not arrive: so many times from the first on; or always when more than a PING was sent behind the frame, since a
 * write that meets a closed connection brings a reset, and that takes back what was not read yet.
 */
type Withheld = number | "unless alone";

/** A server that ends the connection for more than `SECRET_LIMIT`. */
async function start(t: TestContext, options: HoldfastOptions, withheld: Withheld, tls?: Certificate): Promise<Bench> {
  const connections: FakeConnection[] = [];
  let ends = 0;
  const server = await startFakeServer({
    ...(tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key } }),
    script: (connection) => {
      connections.push(connection);
      connection.refuseWhen((command) => {
        if (!isPoison(command)) return undefined;
        ends += 1;
        const lost = withheld === "unless alone" ? connection.bytesRead > command.end + PING : ends <= withheld;
        return lost ? null : "Maximum Payload Violation";
      });
      return connection.serve();
    },
  });
  afterwards(t, () => server.stop());
  const publisher = new PoisonPublisher();
  const nc = await open(t, {
    servers: server.url,
    reconnectBuffer: ROOM,
    onUndelivered: (batch) => void publisher.undelivered.push(...batch),
    ...options,
  });
  return { server, nc, publisher, arrived: () => connections.flatMap(({ commands }) => taken(commands)) };
}

/** What stands before the frame that ended the connection. */
function taken(commands: readonly WireFrame[]): number[] {
  const end = commands.findIndex(isPoison);
  return commands
    .slice(0, end < 0 ? commands.length : end)
    .flatMap(({ verb, payload }) => (verb === "PUB" && payload !== null ? [numberOf(payload)] : []));
}

function isPoison({ args }: WireFrame): boolean {
  return Number(args.at(-1)) > SECRET_LIMIT;
}

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  for (const withheld of [0, 1, 2, "unless alone"] as const) {
    test(
      `${delivery}: a publisher that never pauses, a frame beyond a limit nobody told, -ERRs withheld: ${withheld}`,
      limit,
      async (t) => {
        const { server, nc, publisher, arrived } = await start(t, { delivery }, withheld);
        publisher.flow(nc);
        await nc.flush();
        publisher.burst(nc, 2_000);
        publisher.publishPoison(nc, 20_000);
        publisher.burst(nc, 2_000);
        await publisher.settle(nc);
        assert.ok(server.accepted - 1 <= EXTRA_CONNECTIONS, `${server.accepted - 1} more connections`);
        publisher.judge(delivery, arrived());
        if (delivery === "at-least-once") assert.equal(nc.outbound.counts().rejected, 1);
        t.diagnostic(`${server.accepted - 1} more connections, ${JSON.stringify(nc.outbound.counts())}`);
      },
    );
  }

  test(`${delivery}: such a frame in the middle of a backlog, with two -ERRs withheld`, limit, async (t) => {
    const { server, nc, publisher, arrived } = await start(t, { delivery }, 2);
    const down = statusOf(nc, "disconnect");
    server.refuse();
    server.connections[0]?.reset();
    await down;
    publisher.burst(nc, 3_000);
    publisher.publishPoison(nc, 20_000);
    publisher.flow(nc);
    publisher.burst(nc, 3_000);
    await server.accept();
    await publisher.settle(nc);
    assert.ok(server.accepted - 2 <= EXTRA_CONNECTIONS, `${server.accepted - 2} more connections`);
    publisher.judge(delivery, arrived());
    t.diagnostic(`${server.accepted - 2} more connections, ${JSON.stringify(nc.outbound.counts())}`);
  });

  for (const between of [0, 3, 3_000]) {
    test(`${delivery}: two such frames with ${between} messages between them`, limit, async (t) => {
      const { server, nc, publisher, arrived } = await start(t, { delivery }, 0);
      publisher.flow(nc);
      publisher.burst(nc, 500);
      publisher.publishPoison(nc, 20_000);
      publisher.burst(nc, between);
      publisher.publishPoison(nc, 15_000);
      publisher.burst(nc, 500);
      await publisher.settle(nc);
      assert.ok(server.accepted - 1 <= 2 * EXTRA_CONNECTIONS, `${server.accepted - 1} more connections`);
      publisher.judge(delivery, arrived());
      t.diagnostic(`${server.accepted - 1} more connections, ${JSON.stringify(nc.outbound.counts())}`);
    });
  }

  test(`${delivery}: such a frame of 400 kB, larger than the window`, limit, async (t) => {
    const { server, nc, publisher, arrived } = await start(t, { delivery }, 2);
    publisher.burst(nc, 500);
    publisher.publishPoison(nc, 400_000);
    publisher.flow(nc);
    publisher.burst(nc, 500);
    await publisher.settle(nc);
    assert.ok(server.accepted - 1 <= EXTRA_CONNECTIONS, `${server.accepted - 1} more connections`);
    publisher.judge(delivery, arrived());
    t.diagnostic(`${server.accepted - 1} more connections, ${JSON.stringify(nc.outbound.counts())}`);
  });

  test(`${delivery}: requests are such frames too, beside a log with others`, limit, async (t) => {
    const { server, nc, publisher, arrived } = await start(t, { delivery }, 0);
    const down = statusOf(nc, "disconnect");
    server.refuse();
    server.connections[0]?.reset();
    await down;
    for (const kind of ["publish", "request", "publish", "request"] as const) {
      publisher.burst(nc, 100);
      for (let sent = 0; sent < 3; sent++) publisher.request(nc);
      if (kind === "publish") publisher.publishPoison(nc, 20_000);
      else publisher.requestPoison(nc, 20_000);
    }
    publisher.flow(nc);
    await server.accept();
    await publisher.settle(nc);
    assert.ok(server.accepted - 2 <= 4 * EXTRA_CONNECTIONS, `${server.accepted - 2} more connections`);
    publisher.judge(delivery, arrived());
    t.diagnostic(`${server.accepted - 2} more connections, ${JSON.stringify(nc.outbound.counts())}`);
  });

  test(`${delivery}: such a frame's own promise, a flush, and onUndelivered all tell of its end`, limit, async (t) => {
    const { nc, publisher, server } = await start(t, { delivery }, 0);
    const first = nc.outbound.publishAndConfirm("p", "small");
    await first;
    const poison = nc.outbound.publishAndConfirm("p", "x".repeat(20_000)).then(
      () => "confirmed",
      (error) => (error instanceof UndeliveredError ? error.state : String(error)),
    );
    const flushed = nc.flush().then(
      () => "resolved",
      (error) => (error instanceof FlushError ? "FlushError" : String(error)),
    );
    const expected = delivery === "at-least-once" ? ["rejected", "resolved"] : ["inDoubt", "FlushError"];
    assert.deepEqual(await Promise.all([poison, flushed]), expected);
    await until("it is handed back", () => publisher.undelivered.length === 1);
    const [back] = publisher.undelivered;
    assert.deepEqual([back?.state, back?.data.length], [expected[0], 20_000]);
    if (delivery === "at-least-once") assert.match(String(back?.error), /Maximum Payload Violation/);
    await nc.outbound.publishAndConfirm("p", "small");
    assert.ok(server.accepted <= 1 + EXTRA_CONNECTIONS);
  });

  test(`${delivery}: two such frames under TLS`, limit, async (t) => {
    const ca = await authority("holdfast poison");
    const tls = await certificate(ca, ["localhost"], ["127.0.0.1"]);
    const { server, nc, publisher, arrived } = await start(t, { delivery, tls: { ca: ca.cert } }, "unless alone", tls);
    publisher.flow(nc);
    publisher.burst(nc, 3_000);
    publisher.publishPoison(nc, 20_000);
    publisher.burst(nc, 3_000);
    publisher.publishPoison(nc, 400_000);
    await publisher.settle(nc);
    assert.ok(server.accepted - 1 <= 2 * EXTRA_CONNECTIONS, `${server.accepted - 1} more connections`);
    publisher.judge(delivery, arrived());
    t.diagnostic(`${server.accepted - 1} more connections, ${JSON.stringify(nc.outbound.counts())}`);
  });

  test(
    `${delivery}: an account's limit in a second INFO behind the first PONG sets a larger message of the backlog aside`,
    limit,
    async (t) => {
      const { server, nc, publisher, arrived } = await start(t, { delivery }, 0);
      const { script } = server;
      server.script = async (connection) => {
        connection.sendInfo();
        await connection.expectConnect();
        await connection.expect("PING");
        connection.pong();
        connection.sendInfo({ max_payload: 2_000 });
        await script(connection);
      };
      const down = statusOf(nc, "disconnect");
      server.connections[0]?.reset();
      await down;
      publisher.burst(nc, 500);
      publisher.publishPoison(nc, 5_000);
      publisher.burst(nc, 500);
      await publisher.settle(nc);
      assert.equal(server.accepted, 2);
      assert.deepEqual(
        publisher.undelivered.map(({ state }) => state),
        ["undeliverable"],
      );
      publisher.judge(delivery, arrived());
      assert.equal(nc.info?.max_payload, 2_000);
      assert.throws(() => nc.publish("p", "x".repeat(2_001)), /max_payload/);
    },
  );
}
