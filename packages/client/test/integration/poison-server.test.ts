/** Limits of a real server that no INFO announces in time: one that a reload lowered, the longest control line, an account's. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createAccount, createOperator, createUser, encodeAccount, encodeOperator, encodeUser, fmtCreds } from "@nats-io/jwt";
import { credsAuthenticator } from "@nats-io/nats-core";
import type { Delivery, HoldfastOptions } from "../../src/index.ts";
import { type Line, type LineParts, limit, observe, open, openLine, startServer, until } from "./peers-harness.ts";
import { EXTRA_CONNECTIONS, numberOf, PoisonPublisher, ROOM, ROOT } from "./poison-rig.ts";

const LOWERED = 10_000;
/** As the server has it without a configuration. */
const CONTROL_LINE = 4_096;

interface Bench {
  readonly line: Line;
  readonly publisher: PoisonPublisher;
  /** Waits for the end of everything, and judges it. `outages`: the connections that the test itself ended. */
  finish(delivery: Delivery, outages?: number): Promise<void>;
}

async function start(t: TestContext, client: HoldfastOptions, parts: LineParts = {}): Promise<Bench> {
  const publisher = new PoisonPublisher();
  const onUndelivered: HoldfastOptions["onUndelivered"] = (batch) => void publisher.undelivered.push(...batch);
  const line = await openLine(t, { ...parts, client: { reconnectBuffer: ROOM, ...client, onUndelivered } });
  const seen = await observe(t, line.server, `${ROOT}.>`);
  const wanted = line.proxy.accepted;
  return {
    line,
    publisher,
    async finish(delivery, outages = 0) {
      await publisher.settle(line.nc);
      await seen.settled();
      const extra = line.proxy.accepted - wanted - outages;
      t.diagnostic(`${extra} more connections, ${JSON.stringify(line.nc.outbound.counts())}`);
      publisher.judge(
        delivery,
        seen.messages.map(({ data }) => numberOf(data)),
      );
      assert.ok(extra <= EXTRA_CONNECTIONS * publisher.poison.size, `${extra} more connections`);
    },
  };
}

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(
    `${delivery}: a reload that lowers max_payload below a frame of a backlog, and a publisher that never pauses`,
    limit,
    async (t) => {
      const { line, publisher, finish } = await start(t, { delivery });
      publisher.flow(line.nc);
      await line.nc.flush();
      // What is handed over stays in front of the server until it knows better.
      line.proxy.toServer.hold();
      publisher.burst(line.nc, 200);
      publisher.publishPoison(line.nc, 2 * LOWERED);
      publisher.burst(line.nc, 5_000);
      await line.server.reload({ max_payload: LOWERED });
      line.proxy.toServer.forward();
      await finish(delivery);
    },
  );

  test(`${delivery}: the same while a backlog of 2 MB goes through a slow link`, limit, async (t) => {
    const { line, publisher, finish } = await start(t, { delivery });
    await line.down();
    publisher.flow(line.nc);
    publisher.burst(line.nc, 10_000);
    publisher.publishPoison(line.nc, 300_000);
    publisher.burst(line.nc, 5_000);
    line.proxy.toServer.throttle(2_000_000);
    await line.up();
    await until("a part of the backlog is confirmed", () => line.nc.outbound.counts().confirmed > 2_000);
    await line.server.reload({ max_payload: LOWERED });
    await finish(delivery, 1);
  });

  test(`${delivery}: a subject of 5 000 bytes, longer than the server's control line`, limit, async (t) => {
    const { line, publisher, finish } = await start(t, { delivery, maxControlLine: 2 * CONTROL_LINE });
    publisher.flow(line.nc);
    publisher.burst(line.nc, 1_000);
    publisher.publishPoison(line.nc, 100, `${ROOT}.${"x".repeat(5_000)}`);
    publisher.burst(line.nc, 1_000);
    await finish(delivery);
    if (delivery === "at-least-once") assert.equal(line.nc.outbound.counts().rejected, 1);
  });

  test(`${delivery}: two such subjects, one of them behind a backlog`, limit, async (t) => {
    const { line, publisher, finish } = await start(t, { delivery, maxControlLine: 2 * CONTROL_LINE });
    await line.down();
    publisher.burst(line.nc, 300);
    publisher.publishPoison(line.nc, 100, `${ROOT}.${"x".repeat(5_000)}`);
    publisher.burst(line.nc, 3_000);
    publisher.publishPoison(line.nc, 50_000, `${ROOT}.${"y".repeat(6_000)}`);
    publisher.flow(line.nc);
    await line.up();
    await finish(delivery, 1);
  });

  test(
    `${delivery}: an account's limit below the server's max_payload sets a message aside that was accepted before it was known`,
    limit,
    async (t) => {
      const { config, creds } = await limitedAccount(LOWERED);
      const server = await startServer(t, { config });
      const publisher = new PoisonPublisher();
      const authenticator = credsAuthenticator(creds);
      const [host, port] = [server.host, server.port];
      await server.terminate();
      const nc = await open(t, {
        servers: `${host}:${port}`,
        authenticator,
        delivery,
        retryOnFailedConnect: true,
        onUndelivered: (batch) => void publisher.undelivered.push(...batch),
      });
      publisher.burst(nc, 500);
      publisher.publishPoison(nc, 2 * LOWERED);
      publisher.burst(nc, 500);
      const arrived: number[] = [];
      nc.subscribe(`${ROOT}.>`, { callback: (_error, msg) => void arrived.push(numberOf(msg.data)) });
      await server.restart();
      await publisher.settle(nc);
      await nc.flush();
      assert.deepEqual(
        publisher.undelivered.map(({ state }) => state),
        ["undeliverable"],
      );
      publisher.judge(delivery, arrived);
      assert.equal(nc.info?.max_payload, LOWERED);
      assert.equal(nc.outbound.counts().confirmed, 1_000);
    },
  );
}

/** A server's configuration with one account that may not send more, and a user of it. */
async function limitedAccount(payload: number): Promise<{ config: string; creds: Uint8Array }> {
  const [operator, account, user] = [createOperator(), createAccount(), createUser()];
  const limits = { conn: -1, leaf: -1, subs: -1, data: -1, payload, imports: -1, exports: -1 };
  const accountJwt = await encodeAccount("A", account, { limits }, { signer: operator });
  const preload = `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`;
  const config = `operator: ${await encodeOperator("O", operator)}\nresolver: MEMORY\n${preload}\n`;
  return { config, creds: fmtCreds(await encodeUser("U", user, account, {}), user) };
}
