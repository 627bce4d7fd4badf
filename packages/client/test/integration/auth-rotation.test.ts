/** Passwords that change while a client is connected or away, users and accounts that are taken away, on a real server. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AuthorizationError, credsAuthenticator, ProtocolError, type Undelivered } from "../../src/index.ts";
import type { Delivery } from "../../src/options.ts";
import type { ServerConfig } from "../../src/testing/index.ts";
import { openClient, recordErrors, soon } from "./auth-harness.ts";
import { inSeconds, Operator } from "./auth-operator.ts";
import {
  afterwards,
  assertIdentity,
  assertNothingLost,
  countOf,
  limit,
  numbers,
  open,
  openLine,
  recordStatuses,
  startServer,
  statusOf,
  textOf,
  until,
} from "./peers-harness.ts";

/** One user with this password, and one who may watch. */
function passwords(password: string): ServerConfig {
  return {
    authorization: {
      users: [
        { user: "joe", password },
        { user: "watcher", password: "w" },
      ],
    },
  };
}

const watcher = { user: "watcher", pass: "w" } as const;

test(
  "a password rotated during the outage closes the client, all that was held handed back before closed() resolves: at-most-once",
  limit,
  (t) => rotateDuringOutage(t, "at-most-once"),
);

test(
  "a password rotated during the outage closes the client, all that was held handed back before closed() resolves: at-least-once",
  limit,
  (t) => rotateDuringOutage(t, "at-least-once"),
);

test(
  "with ignoreAuthErrorAbort a client with a rotated password comes back when it is right again, nothing lost: at-most-once",
  limit,
  (t) => rotateAndBack(t, "at-most-once"),
);

test(
  "with ignoreAuthErrorAbort a client with a rotated password comes back when it is right again, nothing lost: at-least-once",
  limit,
  (t) => rotateAndBack(t, "at-least-once"),
);

async function rotateDuringOutage(t: TestContext, delivery: Delivery): Promise<void> {
  const line = await openLine(t, {
    server: { config: passwords("one") },
    client: { user: "joe", pass: "one", delivery, reconnectTimeWait: 50 },
  });
  const { nc, server, proxy } = line;
  // The server's answers do not come: what is published now is in flight when the link breaks.
  proxy.toClient.hold();
  nc.publish("data", "in flight");
  await until("it is handed over", () => nc.outbound.counts().inFlight === 1);
  await line.down();
  await server.reload(passwords("two"));
  for (const text of numbers(1, 50)) nc.publish("data", text);
  const errors = recordErrors(nc);
  let backBeforeEnd = -1;
  const ended = nc.closed().then((error) => {
    backBeforeEnd = line.undelivered.length;
    return error;
  });
  proxy.toClient.forward();
  await proxy.accept();
  assert.ok((await soon("closed", ended)) instanceof AuthorizationError);
  assert.equal(backBeforeEnd, 51);
  assert.equal(errors.filter((error) => error instanceof AuthorizationError).length, 2);
  assert.deepEqual(line.undelivered.map(textOf), ["in flight", ...numbers(1, 50)]);
  const states = line.undelivered.map(({ state }) => state);
  assert.deepEqual([states[0], new Set(states.slice(1))], ["inDoubt", new Set(["abandoned"])]);
  const left: string[] = [];
  for await (const message of nc.outbound.undelivered()) left.push(textOf(message));
  // At-most-once settled the first at the disconnect; `undelivered()` gives what giving up left.
  assert.deepEqual(left, delivery === "at-most-once" ? numbers(1, 50) : ["in flight", ...numbers(1, 50)]);
  const { accepted, inDoubt, abandoned, confirmed } = nc.outbound.counts();
  assert.deepEqual({ accepted, inDoubt, abandoned, confirmed }, { accepted: 51, inDoubt: 1, abandoned: 50, confirmed: 0 });
  assertIdentity(nc);
}

async function rotateAndBack(t: TestContext, delivery: Delivery): Promise<void> {
  const server = await startServer(t, { config: passwords("one") });
  const seen: string[] = [];
  const official = await openClient(t, "nats.js", { servers: server.url, ...watcher });
  official.subscribe("data", { callback: (_error, msg) => void seen.push(msg.string()) });
  await official.flush();
  const undelivered: Undelivered[] = [];
  const nc = await open(t, {
    servers: server.url,
    user: "joe",
    pass: "one",
    delivery,
    ignoreAuthErrorAbort: true,
    onUndelivered: (batch) => void undelivered.push(...batch),
  });
  const statuses = recordStatuses(nc);
  for (const text of numbers(1, 100)) nc.publish("data", text);
  // Kicks the client as well.
  await server.reload(passwords("two"));
  await until("three refusals", () => countOf(statuses, "error") >= 4);
  for (const text of numbers(101, 200)) nc.publish("data", text);
  await server.reload(passwords("one"));
  await soon("everything is confirmed", nc.flush()).catch(() => {});
  await official.flush();
  // What was in flight when the server ended the connection is sent again.
  const came = delivery === "at-least-once" ? [...new Set(seen)] : seen;
  assertNothingLost(came, undelivered, numbers(1, 200));
  assert.deepEqual(seen.slice(-100), numbers(101, 200));
  assert.equal(nc.isClosed(), false);
  assertIdentity(nc);
}

test("a password rotated under a living connection ends both clients after as many refusals", limit, async (t) => {
  const server = await startServer(t, { config: passwords("one") });
  const ends: unknown[] = [];
  for (const which of ["holdfast", "nats.js"] as const) {
    await server.reload(passwords("one"));
    const nc = await openClient(t, which, { servers: server.url, user: "joe", pass: "one" });
    const errors = recordErrors(nc);
    const ended = nc.closed();
    await server.reload(passwords("two"));
    const error = await soon(`${which} is closed`, ended);
    const refusals = errors.filter((each) => each instanceof AuthorizationError).map(({ message }) => message);
    ends.push({ closed: error !== undefined, refusals });
    if (which === "holdfast") assert.ok(error instanceof AuthorizationError);
  }
  assert.deepEqual(ends[0], { closed: true, refusals: ["Authorization Violation", "Authorization Violation"] });
  assert.deepEqual(ends[1], ends[0]);
});

test("a password that is right again at the second try keeps the client", limit, async (t) => {
  const server = await startServer(t, { config: passwords("one") });
  let pass = "one";
  let calls = 0;
  const authenticator = (): { user: string; pass: string } => {
    calls++;
    return { user: "joe", pass };
  };
  const nc = await open(t, { servers: server.url, authenticator });
  const back = statusOf(nc, "reconnect");
  pass = "two";
  await server.reload(passwords("two"));
  await soon("reconnect", back);
  nc.publish("data", "1");
  await nc.flush();
  assert.equal(nc.outbound.counts().confirmed, 1);
  assert.ok(calls >= 2);
});

test(
  "a user that is taken out of the configuration is kicked and refused; put back in time, it returns with what was held",
  limit,
  async (t) => {
    const others = { authorization: { users: [{ user: "watcher", password: "w" }] } };
    const server = await startServer(t, { config: passwords("one") });
    const nc = await open(t, { servers: server.url, user: "joe", pass: "one", ignoreAuthErrorAbort: true });
    const statuses = recordStatuses(nc);
    await server.reload(others);
    await until("it is refused", () => countOf(statuses, "error") >= 2);
    const confirmed = nc.outbound.publishAndConfirm("data", "held");
    await server.reload(passwords("one"));
    await soon("confirmed", confirmed);
  },
);

test("permissions that are taken away by a reload hold for what was held meanwhile", limit, async (t) => {
  const config = (deny: string): ServerConfig => ({
    authorization: { users: [{ user: "joe", password: "p", permissions: { publish: { deny: [deny] } } }] },
  });
  const line = await openLine(t, { server: { config: config("none") }, client: { user: "joe", pass: "p" } });
  line.nc.publish("data.1", "confirmed");
  await line.nc.flush();
  await line.down();
  line.nc.publish("data.1", "refused");
  line.nc.publish("else", "confirmed");
  await line.server.reload(config("data.>"));
  await line.up();
  await line.nc.flush();
  await line.handedBack();
  assert.deepEqual(
    line.undelivered.map((message) => `${textOf(message)} ${message.state} ${message.error?.name}`),
    ["refused rejected PermissionViolationError"],
  );
});

test(
  "who brings no credentials is the no_auth_user, with its permissions; wrong ones do not fall back to it",
  limit,
  async (t) => {
    const config = {
      accounts: {
        OPEN: { users: [{ user: "guest", password: "g", permissions: { publish: { allow: ["lobby.>"] } } }] },
        CLOSED: { users: [{ user: "joe", password: "p" }] },
      },
      no_auth_user: "guest",
    };
    const line = await openLine(t, { server: { config } });
    line.nc.publish("lobby.1", "in");
    line.nc.publish("office.1", "out");
    await line.nc.flush();
    await line.handedBack();
    assert.deepEqual(line.undelivered.map(textOf), ["out"]);
    await line.flap();
    await line.nc.flush();
    await assert.rejects(open(t, { servers: line.server.url, user: "joe", pass: "wrong" }), AuthorizationError);
    const joe = await open(t, { servers: line.server.url, user: "joe", pass: "p" });
    joe.publish("office.1", "in");
    await joe.flush();
    assert.equal(joe.outbound.counts().confirmed, 1);
  },
);

test("a user revoked and an account deleted by the operator end both clients with the same errors", limit, async (t) => {
  const operator = new Operator();
  const folder = mkdtempSync(join(tmpdir(), "holdfast-auth-jwt-"));
  afterwards(t, async () => rmSync(folder, { recursive: true, force: true }));
  const server = await startServer(t, { config: await operator.directoryConfig(folder) });
  const ask = await openClient(t, "nats.js", {
    servers: server.url,
    authenticator: credsAuthenticator((await operator.system.user("admin")).creds),
  });
  const claims = async (what: "UPDATE" | "DELETE", jwt: string): Promise<void> => {
    const answer = (await ask.request(`$SYS.REQ.CLAIMS.${what}`, jwt, { timeout: 10_000 })).string();
    assert.match(answer, /"code":200/);
  };
  const ends = [];
  for (const which of ["holdfast", "nats.js"] as const) {
    for (const how of ["revoked", "deleted"] as const) {
      const account = how === "revoked" ? operator.a : operator.b;
      await claims("UPDATE", await account.jwt());
      const user = await account.user("one");
      const nc = await openClient(t, which, { servers: server.url, authenticator: credsAuthenticator(user.creds) });
      const errors = recordErrors(nc);
      const ended = nc.closed();
      if (how === "revoked") await claims("UPDATE", await account.jwt({ revocations: { [user.publicKey]: inSeconds(1_000) } }));
      else await claims("DELETE", await operator.deletionOf(account));
      const error = await soon(`${which} is closed`, ended);
      ends.push({ how, end: error?.name, told: errors.map(({ name, message }) => `${name}: ${message}`) });
    }
  }
  const [ourRevoked, ourDeleted, theirRevoked, theirDeleted] = ends;
  // The first word comes to a quiet connection; a later one may be swallowed by a reset.
  assert.equal(ourRevoked?.told[0], `${new ProtocolError("").name}: User Authentication Revoked`);
  assert.equal(theirRevoked?.told[0], ourRevoked?.told[0]);
  assert.equal(theirDeleted?.told[0], ourDeleted?.told[0]);
  for (const { end, told } of ends) {
    assert.ok(end !== undefined);
    assert.ok(
      told.slice(1).every((words) => words === "AuthorizationError: Authorization Violation"),
      told.join(", "),
    );
  }
  assert.equal(ourRevoked?.end, "AuthorizationError");
  assert.equal(ourDeleted?.end, "AuthorizationError");
});
