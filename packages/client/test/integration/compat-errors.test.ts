import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AuthorizationError,
  errors,
  InvalidArgumentError,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  UserAuthenticationExpiredError,
} from "../../src/index.ts";
import { fakeScripts, startFakeServer } from "../../src/testing/index.ts";
import { Both, type Client, describe, limit, outcome, recordStatuses, texts } from "./compat-both.ts";
import { until } from "./peers-harness.ts";

/** Errors, where nats.js throws them: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both({
  config: {
    authorization: {
      users: [
        {
          user: "some",
          password: "p",
          permissions: { publish: { deny: ["denied.>"] }, subscribe: { deny: ["denied.>", "shared work"] } },
        },
        { user: "inboxless", password: "p", permissions: { subscribe: { deny: ["_INBOX.>"] } } },
        { user: "all", password: "p" },
      ],
    },
  },
});
const some = { user: "some", pass: "p" };
const all = { user: "all", pass: "p" };

/** Everything that a permission violation says. */
function violation(error: unknown): unknown {
  if (!(error instanceof PermissionViolationError)) return error;
  return [error.message, error.operation, error.subject, error.queue];
}

test("as in nats.js: a denied subscription ends with PermissionViolationError, for a reader, a callback and a group", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(some);
      const statuses = recordStatuses(nc);
      const called: unknown[] = [];
      const callback = nc.subscribe("denied.a", { callback: (error) => void called.push(violation(error)) });
      const reader = nc.subscribe("denied.b");
      const member = nc.subscribe("shared", { queue: "work", callback: () => {} });
      const fine = nc.subscribe("shared", { queue: "other", callback: () => {} });
      const thrown = await texts(reader).catch(violation);
      const closed = [await callback.closed, await reader.closed, await member.closed].map(violation);
      await until("all three are told", () => statuses.length === 3);
      const told = statuses.map((status) => (status.type === "error" ? violation(status.error) : status.type));
      return [called, thrown, closed, told, callback.isClosed(), reader.isClosed(), fine.isClosed()];
    },
    [[denied("a")], denied("b"), [denied("a"), denied("b"), group], [denied("a"), denied("b"), group], true, true, false],
  ),
);

test("as in nats.js: a denied publish is told as PermissionViolationError, and ends the request it was", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(some);
      const statuses = recordStatuses(nc);
      nc.publish("denied.x");
      const caught: unknown[] = [];
      for (const noMux of [false, true]) {
        const error: unknown = await nc.request("denied.x", "", { timeout: 20_000, noMux }).catch((thrown: unknown) => thrown);
        caught.push(error instanceof RequestError && [error.message, violation(error.cause)]);
      }
      const many = await texts(await nc.requestMany("denied.x", "", { maxWait: 20_000 })).catch(violation);
      await until("all four are told", () => statuses.length === 4);
      return [caught, many, statuses.map((status) => (status.type === "error" ? violation(status.error) : status.type))];
    },
    [Array.from({ length: 2 }, () => [unpublished[0], unpublished]), unpublished, Array.from({ length: 4 }, () => unpublished)],
  ),
);

test("as in nats.js: requests whose inbox may not be subscribed to reject with that PermissionViolationError", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open({ user: "inboxless", pass: "p" });
      const service = await client.open(all);
      service.subscribe("svc", { callback: () => {} });
      await service.flush();
      const seen: unknown[] = [];
      for (const noMux of [false, true]) {
        const error: unknown = await nc.request("svc", "", { timeout: 20_000, noMux }).catch((thrown: unknown) => thrown);
        const cause = error instanceof RequestError ? error.cause : undefined;
        seen.push(
          cause instanceof PermissionViolationError && [cause.operation, cause.subject.startsWith("_INBOX."), cause.queue],
        );
      }
      return seen;
    },
    [
      ["subscription", true, undefined],
      ["subscription", true, undefined],
    ],
  ),
);

test(
  "as in nats.js: NoRespondersError names the subject, as the cause of a RequestError and in a loop of requestMany()",
  limit,
  () =>
    both.agree(
      async (client) => {
        const nc = await client.open(all);
        const one: unknown = await nc.request("nobody", "", { timeout: 10_000 }).catch((thrown: unknown) => thrown);
        const many: unknown = await texts(await nc.requestMany("nobody", "", { maxWait: 10_000 })).catch(
          (thrown: unknown) => thrown,
        );
        const subjects = [one instanceof RequestError ? one.cause : undefined, many].map(
          (error) => error instanceof NoRespondersError && error.subject,
        );
        return [...subjects, one instanceof RequestError && one.isNoResponders()];
      },
      ["nobody", "nobody", true],
    ),
);

test("as in nats.js: a subject that is empty or has white space is InvalidSubjectError, wherever it is given", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(all);
      return [
        await outcome(() => nc.publish("")),
        await outcome(() => nc.publish("a b")),
        await outcome(() => nc.publish("a", "", { reply: "b c" })),
        await outcome(() => nc.subscribe("a\nb")),
        await outcome(() => nc.request("a b")),
        await outcome(() => nc.requestMany("a b")),
      ];
    },
    ["''", "'a b'", "'b c'", "'a\nb'", "'a b'", "'a b'"].map((subject) => `InvalidSubjectError: illegal subject: ${subject}`),
  ),
);

test("as in nats.js: more than max_payload is InvalidArgumentError, what is no payload is TypeError", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open(all);
      const size = nc.info?.max_payload ?? 0;
      const untyped: unknown = { no: "payload" };
      nc.publish("large", new Uint8Array(size));
      await nc.flush();
      return [
        await outcome(() => nc.publish("large", new Uint8Array(size + 1))),
        await outcome(() => nc.request("large", new Uint8Array(size + 1))),
        await outcome(() => Reflect.apply(nc.publish, nc, ["a", untyped])),
        await outcome(() => Reflect.apply(nc.publish, nc, ["a", null])),
      ];
    },
    [
      ...Array.from({ length: 2 }, () => "InvalidArgumentError: 'payload' max_payload size exceeded"),
      ...Array.from({ length: 2 }, () => "TypeError: payload types can be strings or Uint8Array"),
    ],
  ),
);

test("as in nats.js: an -ERR of no other kind is ProtocolError, told, and why the connection ended", limit, () =>
  both.agree(
    async (client) => {
      const { nc, error } = await refused(client, "Some Other Complaint", { reconnect: false });
      const closed = await nc.closed();
      return [error, closed instanceof Error && describe(closed)];
    },
    ["ProtocolError: Some Other Complaint", "ProtocolError: Some Other Complaint"],
  ),
);

test("as in nats.js: credentials that expire are UserAuthenticationExpiredError, and the client reconnects", limit, () =>
  both.agree(
    async (client) => {
      const { nc, error } = await refused(client, "User Authentication Expired", {});
      await until("it is back", () => nc.info?.client_id === 2);
      await nc.flush().catch(() => nc.flush());
      return [error, nc.isClosed()];
    },
    ["UserAuthenticationExpiredError: User Authentication Expired", false],
  ),
);

test("as in nats.js: connect() rejects with AuthorizationError when the server refuses the credentials", limit, () =>
  both.agree(
    async (client) => {
      const server = await startFakeServer({ script: fakeScripts.refuses("Account Authentication Expired") });
      client.afterwards(() => server.stop());
      return [
        await outcome(() => client.connect({ servers: client.server.url, user: "some", pass: "wrong" })),
        await outcome(() => client.connect({ servers: server.url })),
      ];
    },
    ["AuthorizationError: Authorization Violation", "AuthorizationError: Account Authentication Expired"],
  ),
);

test("as in nats.js: what an authenticator throws is what connect() rejects with", limit, () =>
  both.agree(async (client) => {
    const authenticator = (): never => {
      throw new RangeError("no key today");
    };
    return await outcome(() => client.connect({ servers: client.server.url, authenticator }));
  }, "RangeError: no key today" as unknown),
);

test("the object errors has every class, under its name", () => {
  const names = Object.keys(errors);
  assert.equal(names.length, 13);
  for (const [name, known] of Object.entries(errors)) {
    assert.equal(known.name, name);
    assert.ok(known.prototype instanceof Error);
  }
  // Each by itself: the table has a row for each.
  const { ClosedConnectionError, ConnectionError, DrainingConnectionError, InvalidOperationError, InvalidSubjectError } = errors;
  const { ProtocolError, TimeoutError } = errors;
  const plain = [ClosedConnectionError, ConnectionError, DrainingConnectionError, InvalidOperationError, InvalidSubjectError];
  for (const known of [...plain, ProtocolError, TimeoutError]) assert.ok(names.includes(known.name));
  const named = [errors.AuthorizationError, errors.InvalidArgumentError, errors.NoRespondersError, errors.RequestError];
  assert.deepEqual(named, [AuthorizationError, InvalidArgumentError, NoRespondersError, RequestError]);
  assert.equal(errors.PermissionViolationError, PermissionViolationError);
  assert.equal(errors.UserAuthenticationExpiredError, UserAuthenticationExpiredError);
});

test("the errors that stand for an -ERR can be read from its text", () => {
  const denied = PermissionViolationError.parse('Permissions Violation for Subscription to "a.b" using queue "q"');
  assert.deepEqual([denied?.operation, denied?.subject, denied?.queue], ["subscription", "a.b", "q"]);
  assert.ok(AuthorizationError.parse("Authorization Violation") instanceof AuthorizationError);
  const expired = UserAuthenticationExpiredError.parse("User Authentication Expired");
  assert.ok(expired instanceof UserAuthenticationExpiredError);
  for (const error of [PermissionViolationError, AuthorizationError, UserAuthenticationExpiredError]) {
    assert.equal(error.parse("Something Else"), null);
  }
  assert.equal(InvalidArgumentError.format(["a", "b"], "must differ").message, "'a','b' must differ");
});

/** A connection that a server ends with this `-ERR`, and what was told of it. */
async function refused(client: Client, text: string, options: object): Promise<{ nc: NatsConnection; error: unknown }> {
  const server = await startFakeServer();
  client.afterwards(() => server.stop());
  const nc = await client.open({ servers: server.url, ...options });
  await nc.flush();
  const statuses = recordStatuses(nc);
  const [connection] = server.connections;
  connection?.error(text);
  await until("the complaint is told", () => statuses.some(({ type }) => type === "error"));
  connection?.end();
  const told = statuses.find((status) => status.type === "error");
  return { nc, error: told?.type === "error" && describe(told.error) };
}

function denied(last: string): unknown[] {
  return [`Permissions Violation for Subscription to "denied.${last}"`, "subscription", `denied.${last}`, undefined];
}

const group = ['Permissions Violation for Subscription to "shared" using queue "work"', "subscription", "shared", "work"];
const unpublished = ['Permissions Violation for Publish to "denied.x"', "publish", "denied.x", undefined];
