/** Decentralized authentication: an operator's accounts and users, on a real server that trusts the operator alone. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { createUser } from "@nats-io/jwt";
import { connect as connectOfficial, type NatsConnection } from "@nats-io/transport-node";
import {
  AuthorizationError,
  credsAuthenticator,
  jwtAuthenticator,
  type Undelivered,
  UserAuthenticationExpiredError,
} from "../../src/index.ts";
import type { Delivery } from "../../src/options.ts";
import { type NatsServer, startNatsServer } from "../../src/testing/index.ts";
import { assertBothAccepted, assertBothRefused, openClient, recordErrors, soon } from "./auth-harness.ts";
import { inSeconds, type MadeUser, Operator } from "./auth-operator.ts";
import { afterwards, assertIdentity, limit, numbers, open, startServer, statusOf, textOf, until } from "./peers-harness.ts";

const refused = { name: "AuthorizationError", message: "Authorization Violation" };

/** A server that trusts an operator whose accounts stand in its configuration. */
async function startTrusting(t: TestContext): Promise<{ operator: Operator; server: NatsServer }> {
  const operator = new Operator();
  return { operator, server: await startServer(t, { config: await operator.memoryConfig() }) };
}

/** What the official client sees at a subject of the user's account. */
async function watch(
  t: TestContext,
  server: NatsServer,
  user: MadeUser,
  subject: string,
): Promise<{ texts: string[]; nc: NatsConnection }> {
  const nc = await openClient(t, "nats.js", { servers: server.url, authenticator: credsAuthenticator(user.creds) });
  const texts: string[] = [];
  nc.subscribe(subject, { callback: (_error, msg) => void texts.push(msg.string()) });
  await nc.flush();
  return { texts, nc };
}

test("a creds file lets a user into its account, and into no other", limit, async (t) => {
  const { operator, server } = await startTrusting(t);
  const folder = mkdtempSync(join(tmpdir(), "holdfast-auth-"));
  afterwards(t, async () => rmSync(folder, { recursive: true }));
  const file = join(folder, "user.creds");
  writeFileSync(file, (await operator.a.user("one")).creds);
  await assertBothAccepted({ servers: server.url, authenticator: credsAuthenticator(readFileSync(file)) });

  const inA = await watch(t, server, await operator.a.user("watcher"), ">");
  const inB = await watch(t, server, await operator.b.user("watcher"), ">");
  const nc = await open(t, { servers: server.url, authenticator: credsAuthenticator(() => readFileSync(file)) });
  nc.publish("hello", "from a");
  await nc.flush();
  await Promise.all([inA.nc.flush(), inB.nc.flush()]);
  assert.deepEqual([inA.texts, inB.texts], [["from a"], []]);
});

test("a JWT and its seed are accepted, as values and as functions, and a bearer JWT without a seed", limit, async (t) => {
  const { operator, server } = await startTrusting(t);
  const { jwt, seed } = await operator.a.user("one");
  const bearer = await operator.a.user("bearer", { bearer_token: true });
  const servers = server.url;
  await assertBothAccepted({ servers, authenticator: jwtAuthenticator(jwt, seed) });
  await assertBothAccepted({
    servers,
    authenticator: jwtAuthenticator(
      () => jwt,
      () => seed,
    ),
  });
  await assertBothAccepted({ servers, authenticator: jwtAuthenticator(bearer.jwt) });
  assert.deepEqual(await assertBothRefused({ servers, authenticator: jwtAuthenticator(jwt) }), refused);
});

test("a JWT of another key, of an unknown account, of another operator, or none at all is refused", limit, async (t) => {
  const { operator, server } = await startTrusting(t);
  const servers = server.url;
  const { jwt } = await operator.a.user("one");
  const stranger = await new Operator().a.user("one");
  const attempts = [
    jwtAuthenticator(jwt, createUser().getSeed()),
    credsAuthenticator(stranger.creds),
    jwtAuthenticator("not.a.jwt", createUser().getSeed()),
    (): void => {},
  ];
  for (const authenticator of attempts) assert.deepEqual(await assertBothRefused({ servers, authenticator }), refused);
});

test("a creds file that is none makes connect() reject with the words of nats.js, at once", limit, async (t) => {
  const { server } = await startTrusting(t);
  const authenticator = credsAuthenticator(new TextEncoder().encode("this is no creds file"));
  const told = await soon("both reject", assertBothRefused({ servers: server.url, authenticator }));
  assert.deepEqual(told, { name: "Error", message: "unable to parse credentials" });
});

test("a JWT that has expired already is refused", limit, async (t) => {
  const { operator, server } = await startTrusting(t);
  const old = await operator.a.user("one", {}, inSeconds(-10_000));
  const told = await assertBothRefused({ servers: server.url, authenticator: credsAuthenticator(old.creds) });
  assert.match(told.message, /^(Authorization Violation|User Authentication Expired)$/);
});

test("permissions of a JWT end in the same errors as those of the configuration", limit, async (t) => {
  const { operator, server } = await startTrusting(t);
  const narrow = await operator.a.user("narrow", { pub: { allow: ["yes.>"] }, sub: { deny: ["no.>"] } });
  const undelivered: string[] = [];
  const nc = await open(t, {
    servers: server.url,
    authenticator: credsAuthenticator(narrow.creds),
    onUndelivered: (batch) => void undelivered.push(...batch.map(({ subject, state }) => `${subject} ${state}`)),
  });
  const sub = nc.subscribe("no.1");
  await assert.rejects(async () => {
    for await (const _ of sub);
  }, /Permissions Violation for Subscription to "no.1"/);
  nc.publish("yes.1", "");
  nc.publish("no.1", "");
  await nc.flush();
  await until("the refused message is handed back", () => undelivered.length > 0);
  assert.deepEqual(undelivered, ["no.1 rejected"]);
});

// Side by side, for all of them wait.
describe("a JWT that expires", { concurrency: true }, () => {
  const operator = new Operator();
  let server: NatsServer;
  let observer: NatsConnection;
  let users: MadeUser[];

  before(async () => {
    server = await startNatsServer({ config: await operator.memoryConfig() });
    const watcher = await operator.a.user("watcher");
    observer = await connectOfficial({ servers: server.url, authenticator: credsAuthenticator(watcher.creds) });
    users = await Promise.all(numbers(1, 5).map((name) => operator.a.user(name)));
  });

  after(async () => {
    await observer.close();
    await server.stop();
  });

  /** A user with a JWT that does not expire, and what comes to the subject of the same number. */
  async function prepare(number: number): Promise<{ fresh: MadeUser; subject: string; seen: string[] }> {
    const fresh = users[number - 1];
    assert.ok(fresh !== undefined);
    const [subject, seen] = [`data.${number}`, [] as string[]];
    observer.subscribe(subject, { callback: (_error, msg) => void seen.push(msg.string()) });
    await observer.flush();
    return { fresh, subject, seen };
  }

  /** Signing takes this process so long that two at a time would both be late. */
  let turn: Promise<unknown> = Promise.resolve();

  /** A connection whose JWT expires a little later. */
  function openExpiring<C extends NatsConnection>(user: MadeUser, openWith: (old: MadeUser) => Promise<C>): Promise<C> {
    const opened = turn.then(() => openInTime(user, openWith));
    turn = opened.catch(() => {});
    return opened;
  }

  /** With a longer life where the machine is too busy to connect in time. */
  async function openInTime<C extends NatsConnection>(user: MadeUser, openWith: (old: MadeUser) => Promise<C>): Promise<C> {
    for (let lifetime = 2_000; ; lifetime *= 2) {
      const expiresAt = inSeconds(lifetime);
      try {
        const nc = await openWith(await operator.a.user("one", {}, expiresAt, user));
        if (expiresAt * 1_000 - Date.now() > lifetime / 5) return nc;
        await nc.close();
      } catch (error) {
        if (!isAuthError(error)) throw error;
      }
      assert.ok(lifetime < 20_000, "no connection before the JWT expired");
    }
  }

  async function renew(t: TestContext, number: number, delivery: Delivery): Promise<void> {
    const { fresh, subject, seen } = await prepare(number);
    let current = fresh;
    const undelivered: string[] = [];
    const nc = await openExpiring(fresh, (old) => {
      current = old;
      return open(t, {
        servers: server.url,
        delivery,
        authenticator: jwtAuthenticator(
          () => current.jwt,
          () => current.seed,
        ),
        reconnectTimeWait: 100,
        onUndelivered: (batch) => void undelivered.push(...batch.map(textOf)),
      });
    });
    const errors = recordErrors(nc);
    const back = statusOf(nc, "reconnect");
    const lost = statusOf(nc, "disconnect");
    current = fresh;
    nc.publish(subject, "before");
    await nc.flush();
    await soon("the JWT expires", lost);
    for (const text of numbers(1, 100)) nc.publish(subject, text);
    await soon("reconnect", back);
    nc.publish(subject, "after");
    await nc.flush();
    await observer.flush();
    assert.deepEqual(seen, ["before", ...numbers(1, 100), "after"]);
    assert.deepEqual(undelivered, []);
    assert.equal(errors.length, 1);
    assert.ok(errors[0] instanceof UserAuthenticationExpiredError);
    assertIdentity(nc);
  }

  test("when a JWT expires, the client comes back with a fresh one and loses nothing: at-most-once", limit, (t) =>
    renew(t, 1, "at-most-once"),
  );

  test("when a JWT expires, the client comes back with a fresh one and loses nothing: at-least-once", limit, (t) =>
    renew(t, 2, "at-least-once"),
  );

  test(
    "without a fresh JWT the client is closed as the official one is, and what is held is handed back first",
    limit,
    async (t) => {
      const { fresh } = await prepare(3);
      const handedBack: Undelivered[] = [];
      const onUndelivered = (batch: readonly Undelivered[]): void => void handedBack.push(...batch);
      const nc = await openExpiring(fresh, ({ creds }) =>
        open(t, { servers: server.url, authenticator: credsAuthenticator(creds), onUndelivered }),
      );
      const [ourErrors, ourEnd] = [recordErrors(nc), nc.closed()];
      await soon("the JWT expires", statusOf(nc, "disconnect"));
      nc.publish("held", "");
      const end = await soon("Holdfast is closed", ourEnd);
      assert.deepEqual(
        handedBack.map(({ subject, state }) => `${subject} ${state}`),
        ["held abandoned"],
      );
      // The server calls it expired within the second of its expiry, and a violation later. nats.js counts both as one and gives up at
      // the second; Holdfast gives up when one of them comes twice. A reset may swallow one: then there is another dial.
      const refusals = ourErrors.filter(isAuthError);
      assert.ok(refusals[0] instanceof UserAuthenticationExpiredError);
      assert.equal(refusals.at(-1), end);
      assert.equal(refusals.at(-2)?.name, end?.name);
      const official = await openExpiring(fresh, ({ creds }) =>
        openClient(t, "nats.js", { servers: server.url, authenticator: credsAuthenticator(creds) }),
      );
      const theirErrors = recordErrors(official);
      await soon("the official client is closed", official.closed());
      assert.ok(theirErrors.filter(isAuthError).length >= 2);
    },
  );

  test("with ignoreAuthErrorAbort an expired client goes on asking until there is a fresh JWT", limit, async (t) => {
    const { fresh, subject, seen } = await prepare(4);
    let current = fresh;
    const nc = await openExpiring(fresh, (old) => {
      current = old;
      return open(t, {
        servers: server.url,
        ignoreAuthErrorAbort: true,
        authenticator: jwtAuthenticator(
          () => current.jwt,
          () => current.seed,
        ),
      });
    });
    const errors = recordErrors(nc);
    await soon("the JWT expires", statusOf(nc, "disconnect"));
    nc.publish(subject, "held");
    await until("three refusals", () => errors.filter(isAuthError).length >= 4);
    current = fresh;
    await nc.flush();
    await observer.flush();
    assert.deepEqual(seen, ["held"]);
    assert.equal(nc.isClosed(), false);
  });

  test("an authenticator whose fresh JWT cannot be had closes the client with the callback's error", limit, async (t) => {
    const { fresh } = await prepare(5);
    let calls = 0;
    const nc = await openExpiring(fresh, (old) => {
      calls = 0;
      const jwt = (): string => {
        if (calls++ > 0) throw new Error("the issuer is away");
        return old.jwt;
      };
      return open(t, { servers: server.url, authenticator: jwtAuthenticator(jwt, old.seed) });
    });
    const error = await soon("closed", nc.closed());
    assert.equal(error?.message, "the issuer is away");
    assert.equal(calls, 2);
  });
});

function isAuthError(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}
