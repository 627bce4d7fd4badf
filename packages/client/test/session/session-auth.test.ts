import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuthorizationError,
  type JwtAuth,
  type NKeyAuth,
  type TokenAuth,
  UserAuthenticationExpiredError,
  type UserPass,
} from "@nats-io/nats-core";
import { type Peer, rejection, World } from "./harness.ts";

/** A server that refuses the credentials of every connection. */
function refuse(text: string): (peer: Peer) => void {
  return (peer) => {
    peer.info({ auth_required: true });
    peer.answer((frame) => {
      if (frame.verb !== "CONNECT") return;
      peer.send(`-ERR '${text}'\r\n`);
      peer.fin();
    });
  };
}

test("refused credentials make connect() reject with nats-core's error, told once as an event", async () => {
  const world = new World({ servers: "a", user: "u", pass: "p" }, { script: refuse("Authorization Violation") });
  const connecting = rejection(world.session.connect());
  await world.pass();
  assert.ok((await connecting) instanceof AuthorizationError);
  assert.deepEqual(world.host.told, ["reconnecting", "error"]);
  world.assertNothingLeft();
});

test("with several servers the second refusal ends connect()", async () => {
  const world = new World({ servers: ["a", "b", "c"] }, { script: refuse("Authorization Violation") });
  const connecting = rejection(world.session.connect());
  await world.pass();
  await connecting;
  assert.equal(world.dials.length, 2);
});

test("the same auth error twice in a row ends the reconnecting", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.script = refuse("Authorization Violation");
  world.peer.fin();
  await world.pass(60_000);
  assert.equal(world.dials.length, 3);
  assert.ok(world.host.closedWith?.error instanceof AuthorizationError);
  world.assertNothingLeft();
});

test("with ignoreAuthErrorAbort it goes on for ever", async () => {
  const world = new World({ servers: "a", ignoreAuthErrorAbort: true });
  await world.connect();
  world.script = refuse("Authorization Violation");
  world.peer.fin();
  await world.pass(60_000);
  assert.equal(world.dials.length, 31);
  world.script = (peer) => peer.serve();
  await world.pass(2000);
  assert.equal(world.session.connected, true);
});

test("credentials that expire on a connection are told as nats.js tells them, and it reconnects", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  await world.pass(5000);
  world.peer.send("-ERR 'User Authentication Expired'\r\n");
  await world.pass();
  assert.deepEqual(world.host.told.slice(1), ["error", "staleConnection", "disconnect", "reconnecting", "reconnect"]);
});

test("credentials that expire again and again, with a connection each time, end nothing", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  for (let i = 0; i < 5; i++) {
    world.peer.send("-ERR 'User Authentication Expired'\r\n");
    await world.pass(2000);
    assert.equal(world.session.connected, true, `after ${i} times`);
  }
});

test("credentials that expired and are then refused twice end the session", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.script = refuse("Authorization Violation");
  world.peer.send("-ERR 'User Authentication Expired'\r\n");
  await world.pass(60_000);
  assert.equal(world.dials.length, 3);
  assert.ok(world.host.closedWith?.error instanceof AuthorizationError);
});

test("without reconnect expired credentials end the session with their error", async () => {
  const world = new World({ reconnect: false });
  await world.connect();
  world.peer.send("-ERR 'User Authentication Expired'\r\n");
  await world.pass();
  assert.ok(world.host.closedWith?.error instanceof UserAuthenticationExpiredError);
});

test("an authenticator is asked anew for each connection, with its nonce", async () => {
  const nonces: unknown[] = [];
  const authenticator = (nonce?: string): { auth_token: string } => {
    nonces.push(nonce);
    return { auth_token: `t${nonces.length}` };
  };
  const world = new World({ authenticator }, { script: (peer) => peer.serve({ nonce: `n-${peer.raw.endpoint.hostname}` }) });
  await world.connect();
  world.peer.fin();
  await world.pass();
  assert.deepEqual(nonces, ["n-a", "n-b"]);
  assert.equal(world.peer.connect.auth_token, "t2");
});

test("CONNECT carries each kind of credentials as an authenticator answers them", async () => {
  const kinds: readonly (TokenAuth | UserPass | NKeyAuth | JwtAuth)[] = [
    { auth_token: "t" },
    { user: "u", pass: "p" },
    { nkey: "U1", sig: "s1" },
    { jwt: "j", nkey: "U2", sig: "s2" },
  ];
  for (const kind of kinds) {
    const world = new World({ authenticator: () => kind });
    await world.connect();
    const { auth_token, user, pass, nkey, sig, jwt } = world.peer.connect;
    const sent = Object.entries({ auth_token, user, pass, nkey, sig, jwt }).filter(([, value]) => value !== undefined);
    assert.deepEqual(Object.fromEntries(sent), kind);
  }
});

test("an authenticator that throws ends connect() with its error, without trying another server or address", async () => {
  const error = new Error("the vault is shut");
  const authenticator = (): never => {
    throw error;
  };
  const world = new World({ authenticator, waitOnFirstConnect: true }, { resolve: () => ["10.0.0.1", "10.0.0.2"] });
  const connecting = rejection(world.session.connect());
  await world.pass();
  assert.equal(await connecting, error);
  assert.deepEqual(world.host.errors, []);
  assert.equal(world.dials.length, 1);
  assert.equal(world.host.closedWith?.error, error);
  world.assertNothingLeft();
});

test("an authenticator that throws on a reconnect ends the session with its error, as in nats.js", async () => {
  let works = true;
  const error = new Error("the vault is shut");
  const authenticator = (): { auth_token: string } => {
    if (!works) throw error;
    return { auth_token: "t" };
  };
  const world = new World({ authenticator });
  await world.connect();
  works = false;
  world.peer.fin();
  await world.pass(60_000);
  assert.equal(world.dials.length, 2);
  assert.equal(world.host.closedWith?.error, error);
  world.assertNothingLeft();
});

test("an authenticator may close the client: no CONNECT is sent", async () => {
  const world: World = new World({
    authenticator: () => {
      void world.session.close();
      return { auth_token: "t" };
    },
  });
  const connecting = rejection(world.session.connect());
  await world.pass();
  await connecting;
  assert.deepEqual(world.peer.received, []);
  world.assertNothingLeft();
});

test("an authenticator whose answer is no JSON ends connect()", async () => {
  const world = new World({ authenticator: () => JSON.parse("{}", () => ({ auth_token: 1n })) });
  const connecting = rejection(world.session.connect());
  await world.pass();
  assert.match((await connecting).message, /BigInt/);
  world.assertNothingLeft();
});

test("credentials appear in no error, event or server list, whatever goes wrong", async () => {
  const secret = "s3cr3t-0123456789";
  const world = new World({
    servers: [`nats://joe:${secret}@a:4222`, `${secret}@b`, `nats://joe:${secret}@a:4222/${secret}@c`],
    user: "joe",
    pass: secret,
    token: secret,
    maxReconnectAttempts: 2,
    pingInterval: 1000,
  });
  await world.connect();
  const scripts: readonly ((peer: Peer) => void)[] = [
    refuse("Authorization Violation"),
    (peer) => peer.send("garbage\r\n"),
    (peer) => peer.fin(),
    (peer) => {
      peer.info();
      peer.reset();
    },
    () => {},
  ];
  let turn = 0;
  world.script = (peer) => scripts[turn++ % scripts.length]?.(peer);
  world.peer.fin();
  await world.pass(300_000);
  assert.ok(world.host.closedWith !== undefined);
  const seen: unknown[] = [
    world.host.statuses,
    world.host.closedWith.error,
    world.session.servers.list(),
    world.session.servers.current(),
  ];
  assert.ok(world.host.errors.length > 3);
  assert.equal(deepText(seen).includes(secret), false);
});

/** All text that is reachable from a value, also what JSON leaves out. */
function deepText(value: unknown, seen: Set<unknown> = new Set()): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (seen.has(value)) return "";
  seen.add(value);
  return Object.getOwnPropertyNames(value)
    .map((name) => `${name}=${deepText(Reflect.get(value, name), seen)}`)
    .join("\n");
}
