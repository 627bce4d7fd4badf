import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
  type KeyPair,
  type UserPermissionsLimits,
} from "@nats-io/jwt";
import { AuthorizationError, credsAuthenticator, nkeyAuthenticator } from "@nats-io/nats-core";
import { startCluster, startNatsServer } from "../../src/testing/index.ts";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";
import { rejection } from "./harness.ts";
import { connectOnce, RealWorld } from "./real-world.ts";

/** An operator with one account; makes users of it. */
class Operator {
  readonly #account: KeyPair;
  readonly config: string;

  private constructor(account: KeyPair, config: string) {
    this.#account = account;
    this.config = config;
  }

  static async make(): Promise<Operator> {
    const operator = createOperator();
    const account = createAccount();
    const operatorJwt = await encodeOperator("O", operator);
    const accountJwt = await encodeAccount(
      "A",
      account,
      { limits: { conn: -1, leaf: -1, subs: -1, data: -1, payload: -1, imports: -1, exports: -1 } },
      { signer: operator },
    );
    const preload = `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`;
    return new Operator(account, `operator: ${operatorJwt}\nresolver: MEMORY\n${preload}\n`);
  }

  /** A creds file. `seconds`: how long it is good for. */
  async creds(limits: Partial<UserPermissionsLimits> = {}, seconds?: number): Promise<Uint8Array> {
    const user = createUser();
    const exp = seconds === undefined ? {} : { exp: Math.floor(Date.now() / 1000) + seconds };
    return fmtCreds(await encodeUser("U", user, this.#account, limits, exp), user);
  }
}

describe("credentials on a real server", () => {
  test("user and password", async () => {
    await using server = await startNatsServer({ config: { authorization: { user: "joe", password: "s3cret" } } });
    await connectOnce({ servers: server.url, user: "joe", pass: "s3cret" });
    const error = await rejection(connectOnce({ servers: server.url, user: "joe", pass: "wr0ng" }));
    assert.ok(error instanceof AuthorizationError);
    assert.ok(!String(error.stack).includes("wr0ng"));
    assert.ok((await rejection(connectOnce({ servers: server.url }))) instanceof AuthorizationError);
  });

  test("token", async () => {
    await using server = await startNatsServer({ config: { authorization: { token: "t0ken" } } });
    await connectOnce({ servers: server.url, token: "t0ken" });
    assert.ok((await rejection(connectOnce({ servers: server.url, token: "t1ken" }))) instanceof AuthorizationError);
  });

  test("nkey", async () => {
    const user = createUser();
    await using server = await startNatsServer({ config: { authorization: { users: [{ nkey: user.getPublicKey() }] } } });
    await connectOnce({ servers: server.url, authenticator: nkeyAuthenticator(user.getSeed()) });
    const stranger = nkeyAuthenticator(createUser().getSeed());
    assert.ok((await rejection(connectOnce({ servers: server.url, authenticator: stranger }))) instanceof AuthorizationError);
  });

  test("JWT and creds", async () => {
    const operator = await Operator.make();
    await using server = await startNatsServer({ config: operator.config });
    await connectOnce({ servers: server.url, authenticator: credsAuthenticator(await operator.creds()) });
    const stranger = credsAuthenticator(await (await Operator.make()).creds());
    assert.ok((await rejection(connectOnce({ servers: server.url, authenticator: stranger }))) instanceof AuthorizationError);
  });

  test("the max_payload of the user's JWT, which comes behind the first PONG, counts before the connection is handed on", async () => {
    const operator = await Operator.make();
    await using server = await startNatsServer({ config: operator.config });
    await using world = new RealWorld({
      servers: server.url,
      authenticator: credsAuthenticator(await operator.creds({ payload: 77 })),
    });
    let atAttach = 0;
    world.host.onAttach = () => {
      atAttach = world.session.info?.max_payload ?? 0;
    };
    await world.connect();
    assert.equal(atAttach, 77);
  });

  test("a user that expires reconnects with what the authenticator has then", async () => {
    const operator = await Operator.make();
    await using server = await startNatsServer({ config: operator.config });
    let creds = await operator.creds({}, 2);
    const fresh = await operator.creds();
    await using world = new RealWorld({ servers: server.url, authenticator: credsAuthenticator(() => creds) });
    await world.connect();
    creds = fresh;
    await world.told("reconnect");
    assert.deepEqual(world.host.told, ["reconnecting", "error", "staleConnection", "disconnect", "reconnecting", "reconnect"]);
    assert.match(world.host.errors[0] ?? "", /^UserAuthenticationExpiredError: /);
  });

  test("a user that expires for good ends the session with the refusal", async () => {
    const operator = await Operator.make();
    await using server = await startNatsServer({ config: operator.config });
    const creds = await operator.creds({}, 2);
    await using world = new RealWorld({ servers: server.url, authenticator: credsAuthenticator(creds) });
    await world.connect();
    await world.over();
    // In the second in which it expires the server still lets it in, and expires it again.
    assert.match(world.host.closedWith?.error?.message ?? "", /^(User Authentication Expired|Authorization Violation)$/);
  });

  test("a refused subscription of the handshake is told and the connection stays", async () => {
    const users = [{ user: "joe", password: "pw", permissions: { subscribe: { deny: "secret" } } }];
    await using server = await startNatsServer({ config: { authorization: { users } } });
    await using world = new RealWorld({ servers: server.url, user: "joe", pass: "pw" });
    world.host.subscriptions = "SUB secret 1\r\nSUB open 2\r\n";
    await world.connect();
    assert.deepEqual(world.host.log.slice(-3), [
      "status error",
      'error Permissions Violation for Subscription to "secret"',
      "attach",
    ]);
  });
});

describe("the life of a connection to a real server", () => {
  test("the server shows who is connected", async () => {
    await using server = await startNatsServer({ monitoring: true });
    await using world = new RealWorld({ servers: server.url, name: "worker 7" });
    await world.connect();
    const text = JSON.stringify(await server.connz());
    assert.match(text, /"lang":"holdfast"/);
    assert.match(text, /"name":"worker 7"/);
  });

  test("after close() the server has no connection left", async () => {
    await using server = await startNatsServer({ monitoring: true });
    await connectOnce({ servers: server.url });
    const { num_connections: count } = await server.connz();
    assert.equal(count, 0);
  });

  test("a server that is killed and comes back is found again", async () => {
    await using server = await startNatsServer();
    await using world = new RealWorld({ servers: server.url });
    await world.connect();
    await server.kill();
    await world.told("disconnect");
    await server.restart();
    await world.told("reconnect");
    assert.equal(world.session.connected, true);
  });

  test("retryOnFailedConnect waits for a server that comes later", async () => {
    await using server = await startNatsServer();
    await server.terminate();
    await using world = new RealWorld({ servers: server.url, retryOnFailedConnect: true });
    await world.connect();
    await world.told("reconnecting", 2);
    await server.restart();
    await world.told("reconnect");
  });

  test("reconnect() makes a new connection to a server that is alive", async () => {
    await using server = await startNatsServer();
    await using world = new RealWorld({ servers: server.url });
    await world.connect();
    const before = world.session.info?.client_id;
    world.session.reconnect();
    await world.told("reconnect");
    assert.notEqual(world.session.info?.client_id, before);
    assert.deepEqual(world.host.told, ["reconnecting", "forceReconnect", "disconnect", "reconnecting", "reconnect"]);
  });

  test("verbose, pedantic and noEcho are understood", async () => {
    await using server = await startNatsServer();
    await connectOnce({ servers: server.url, verbose: true, pedantic: true, noEcho: true });
  });

  test("a cluster names its servers, and the client moves on when its own is killed", async () => {
    await using cluster = await startCluster(3);
    const [first] = cluster.servers;
    assert.ok(first !== undefined);
    await using world = new RealWorld({ servers: first.url });
    await world.connect();
    await world.host.until(() => world.session.servers.list().length === 3);
    await first.kill();
    await world.told("reconnect");
    assert.notEqual(world.session.servers.current(), `127.0.0.1:${first.port}`);
    assert.equal(world.host.told.includes("update"), true);
  });

  test("a lame duck of a cluster is left for another server, by our FIN, while it still serves", async () => {
    // It ends its clients only after the grace period: whoever is gone before has left of its own.
    await using cluster = await startCluster(2, { config: { lame_duck_duration: "60s", lame_duck_grace_period: "30s" } });
    const [lame, other] = cluster.servers;
    assert.ok(lame !== undefined && other !== undefined);
    const soon = { ...nodeRuntime, random: () => 0.05 };
    await using world = new RealWorld({ servers: lame.url }, soon);
    await world.connect();
    await world.host.until(() => world.session.servers.list().length === 2);
    let leftAt = 0;
    const { leave } = world.host;
    world.host.leave = (done) => {
      leftAt = performance.now();
      leave.call(world.host, done);
    };
    const begun = performance.now();
    await lame.lameDuck();
    await world.told("reconnect");
    assert.equal(world.session.servers.current(), `127.0.0.1:${other.port}`);
    assert.ok(leftAt - begun >= 245, `left after ${leftAt - begun} ms`);
    const { num_connections: still } = await lame.connz();
    assert.deepEqual([still, lame.state], [0, "running"]);
    const told = world.host.told.filter((type) => type !== "update");
    assert.deepEqual(told, ["reconnecting", "ldm", "disconnect", "reconnecting", "reconnect"]);
    assert.equal(world.session.connected, true);
    // A lame duck takes its time for a SIGTERM.
    await world.session.close();
    await cluster.stop("SIGKILL");
  });

  test("the only server may be a lame duck: the client stays until it is ended", async () => {
    const config = { lame_duck_duration: "30s", lame_duck_grace_period: "1s" };
    await using server = await startNatsServer({ config });
    await using world = new RealWorld({ servers: server.url }, { ...nodeRuntime, random: () => 0 });
    await world.connect();
    await server.lameDuck();
    await world.told("ldm");
    await world.told("disconnect");
    assert.equal(world.host.log.includes("leave"), false);
  });
});
