/** User and password, token, nkey: what a real server accepts and refuses, from Holdfast and from the official client alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createUser } from "@nats-io/jwt";
import { type Authenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } from "../../src/index.ts";
import { assertBothAccepted, assertBothRefused, soon, tryHoldfast, tryOfficial } from "./auth-harness.ts";
import { limit, openLine, startServer, statusOf, textOf } from "./peers-harness.ts";

/** bcrypt of "s3cr3t-bcrypt", with the smallest cost there is. */
const BCRYPT = "$2a$04$abcdefghijklmnopqrstuuVCBXHHrUT343LijgO78P7iXRt4cI2TC";
const refused = { name: "AuthorizationError", message: "Authorization Violation" };

test("user and password are accepted, and wrong ones refused in the words of nats.js", limit, async (t) => {
  const { url: servers } = await startServer(t, { config: { authorization: { user: "joe", password: "right" } } });
  await assertBothAccepted({ servers, user: "joe", pass: "right" });
  await assertBothAccepted({ servers, authenticator: usernamePasswordAuthenticator("joe", () => "right") });
  for (const wrong of [{}, { user: "joe" }, { user: "joe", pass: "wrong" }, { user: "jim", pass: "right" }, { token: "right" }]) {
    assert.deepEqual(await assertBothRefused({ servers, ...wrong }), refused);
  }
});

test("a password and a token that the server keeps as bcrypt are accepted", limit, async (t) => {
  const byUser = await startServer(t, { config: { authorization: { users: [{ user: "joe", password: BCRYPT }] } } });
  await assertBothAccepted({ servers: byUser.url, user: "joe", pass: "s3cr3t-bcrypt" });
  assert.deepEqual(await assertBothRefused({ servers: byUser.url, user: "joe", pass: BCRYPT }), refused);
  const byToken = await startServer(t, { config: { authorization: { token: BCRYPT } } });
  await assertBothAccepted({ servers: byToken.url, token: "s3cr3t-bcrypt" });
  assert.deepEqual(await assertBothRefused({ servers: byToken.url, token: BCRYPT }), refused);
});

test("a token is accepted as an option, as a function and from an authenticator", limit, async (t) => {
  const { url: servers } = await startServer(t, { config: { authorization: { token: "t0ken" } } });
  const options = { servers, token: "t0ken" };
  await assertBothAccepted(options);
  // The type says string; nats.js takes a function too.
  Reflect.set(options, "token", () => "t0ken");
  await assertBothAccepted(options);
  await assertBothAccepted({ servers, authenticator: tokenAuthenticator(() => "t0ken") });
  for (const wrong of [{}, { token: "t1ken" }, { user: "t0ken" }]) {
    assert.deepEqual(await assertBothRefused({ servers, ...wrong }), refused);
  }
});

test("user and password in the URL of a server are used, which nats.js ignores", limit, async (t) => {
  const config = { authorization: { users: [{ user: "joe", password: "p@ss:w/rd%" }] } };
  const { port, url } = await startServer(t, { config });
  const encoded = `nats://joe:${encodeURIComponent("p@ss:w/rd%")}@127.0.0.1:${port}`;
  for (const servers of [encoded, [encoded], `nats://joe:p@ss:w/rd%@127.0.0.1:${port}`]) {
    assert.equal(await tryHoldfast({ servers }), null);
  }
  assert.deepEqual(await tryOfficial({ servers: encoded }), refused);
  assert.deepEqual(await tryHoldfast({ servers: `nats://joe:wrong@127.0.0.1:${port}` }), refused);
  // As in nats.js options count, whatever the URL says.
  await assertBothAccepted({ servers: url.replace("//", "//joe:wrong@"), user: "joe", pass: "p@ss:w/rd%" });
  await assertBothRefused({ servers: encoded, user: "joe", pass: "wrong" });
});

test("a token in the URL of a server is used, which nats.js ignores", limit, async (t) => {
  const { port } = await startServer(t, { config: { authorization: { token: "t0ken" } } });
  const servers = `nats://t0ken@127.0.0.1:${port}`;
  assert.equal(await tryHoldfast({ servers }), null);
  assert.deepEqual(await tryOfficial({ servers }), refused);
  assert.deepEqual(await tryHoldfast({ servers: `nats://t1ken@127.0.0.1:${port}` }), refused);
});

test("each server of the list gets the credentials of its own URL, at a reconnect too", limit, async (t) => {
  const first = await startServer(t, { config: { authorization: { user: "ann", password: "one" } } });
  const second = await startServer(t, { config: { authorization: { user: "bob", password: "two" } } });
  const servers = [`nats://ann:one@127.0.0.1:${first.port}`, `nats://bob:two@127.0.0.1:${second.port}`];
  const { nc } = await openLine(t, { client: { servers, noRandomize: true } });
  for (const next of [second, first]) {
    const moved = statusOf(nc, "reconnect");
    await nc.reconnect();
    await moved;
    assert.equal(nc.getServer(), `127.0.0.1:${next.port}`);
  }
});

test("a server without any authentication takes a client whatever credentials it brings", limit, async (t) => {
  const { url: servers } = await startServer(t);
  await assertBothAccepted({ servers, user: "joe", pass: "p" });
  await assertBothAccepted({ servers, token: "t" });
  await assertBothAccepted({ servers, authenticator: nkeyAuthenticator(createUser().getSeed()) });
  await assertBothAccepted({ servers: servers.replace("//", "//joe:p@") });
});

test("an nkey signs the nonce of the server; another one is refused", limit, async (t) => {
  const key = createUser();
  const { url: servers } = await startServer(t, { config: { authorization: { users: [{ nkey: key.getPublicKey() }] } } });
  await assertBothAccepted({ servers, authenticator: nkeyAuthenticator(key.getSeed()) });
  await assertBothAccepted({ servers, authenticator: nkeyAuthenticator(() => key.getSeed()) });
  for (const authenticator of [nkeyAuthenticator(createUser().getSeed()), (): void => {}]) {
    assert.deepEqual(await assertBothRefused({ servers, authenticator }), refused);
  }
  const unsigned: Authenticator = () => ({ nkey: key.getPublicKey(), sig: "" });
  assert.deepEqual(await assertBothRefused({ servers, authenticator: unsigned }), refused);
});

test("of several authenticators a later one overwrites what an earlier one says, and options come last", limit, async (t) => {
  const { url: servers } = await startServer(t, { config: { authorization: { user: "joe", password: "right" } } });
  const right = usernamePasswordAuthenticator("joe", "right");
  const wrong = usernamePasswordAuthenticator("joe", "wrong");
  const silent: Authenticator = () => undefined;
  await assertBothAccepted({ servers, authenticator: [wrong, right] });
  await assertBothAccepted({ servers, authenticator: [silent, right, silent] });
  await assertBothAccepted({ servers, authenticator: [wrong, tokenAuthenticator("t")], user: "joe", pass: "right" });
  assert.deepEqual(await assertBothRefused({ servers, authenticator: [right, wrong] }), refused);
  assert.deepEqual(await assertBothRefused({ servers, authenticator: right, user: "joe", pass: "wrong" }), refused);
});

test("authenticators in a list serve servers that want different ones", limit, async (t) => {
  const key = createUser();
  const byKey = await startServer(t, { config: { authorization: { users: [{ nkey: key.getPublicKey() }] } } });
  const byToken = await startServer(t, { config: { authorization: { token: "t0ken" } } });
  const byUser = await startServer(t, { config: { authorization: { user: "joe", password: "p" } } });
  const authenticator = [
    nkeyAuthenticator(key.getSeed()),
    tokenAuthenticator("t0ken"),
    usernamePasswordAuthenticator("joe", "p"),
  ];
  for (const { url: servers } of [byKey, byToken, byUser]) await assertBothAccepted({ servers, authenticator });
});

test("an authenticator is called at every dial of a real server, each time with its new nonce", limit, async (t) => {
  const key = createUser();
  const nonces: (string | undefined)[] = [];
  const sign = nkeyAuthenticator(key.getSeed());
  const authenticator: Authenticator = (nonce) => {
    nonces.push(nonce);
    return sign(nonce);
  };
  const config = { authorization: { users: [{ nkey: key.getPublicKey() }] } };
  const line = await openLine(t, { server: { config }, client: { authenticator } });
  for (let flaps = 1; flaps <= 3; flaps++) {
    await line.flap();
    assert.equal(nonces.length, flaps + 1);
  }
  assert.equal(new Set(nonces).size, 4, "a nonce came twice");
  assert.ok(nonces.every((nonce) => typeof nonce === "string" && nonce.length >= 8));
});

test("user and password functions are called at every dial, so that a new password is used at the next", limit, async (t) => {
  const config = (password: string) => ({ authorization: { users: [{ user: "joe", password }] } });
  let pass = "one";
  const line = await openLine(t, {
    server: { config: config("one") },
    client: {
      authenticator: usernamePasswordAuthenticator(
        () => "joe",
        () => pass,
      ),
    },
  });
  await line.down();
  await line.server.reload(config("two"));
  pass = "two";
  await line.up();
  await line.nc.flush();
});

test("an authenticator that throws makes connect() reject with its error at once, as in nats.js", limit, async (t) => {
  const { url: servers } = await startServer(t, { config: { authorization: { user: "joe", password: "p" } } });
  const authenticator = (): never => {
    throw new TypeError("the vault is shut");
  };
  for (const more of [{}, { waitOnFirstConnect: true }, { maxReconnectAttempts: -1 }]) {
    const told = await soon("connect() rejects", tryHoldfast({ servers, authenticator, ...more }));
    assert.deepEqual(told, { name: "TypeError", message: "the vault is shut" });
  }
  assert.deepEqual(await tryOfficial({ servers, authenticator }), { name: "TypeError", message: "the vault is shut" });
});

test(
  "an authenticator that throws at a reconnect closes the client with its error, and everything held is handed back first",
  limit,
  async (t) => {
    let shut: Error | undefined;
    const authenticator: Authenticator = () => {
      if (shut !== undefined) throw shut;
      return { user: "joe", pass: "p" };
    };
    const line = await openLine(t, {
      server: { config: { authorization: { user: "joe", password: "p" } } },
      client: { authenticator },
    });
    await line.down();
    shut = new Error("the vault is shut");
    line.nc.publish("held", "1");
    line.nc.publish("held", "2");
    await line.proxy.accept();
    assert.equal(await soon("closed", line.nc.closed()), shut);
    assert.deepEqual(line.undelivered.map(textOf), ["1", "2"]);
    assert.deepEqual(
      line.undelivered.map(({ state }) => state),
      ["abandoned", "abandoned"],
    );
  },
);

test(
  "connect() tries each of several servers that refuse the credentials, up to the second refusal, as nats.js does",
  limit,
  async (t) => {
    const config = { authorization: { user: "joe", password: "right" } };
    const good = await startServer(t, { config });
    const bad = await startServer(t, { config: { authorization: { user: "joe", password: "other" } } });
    const worse = await startServer(t, { config: { authorization: { user: "joe", password: "other" } } });
    const options = { user: "joe", pass: "right", noRandomize: true };
    await assertBothAccepted({ servers: [bad.url, good.url], ...options });
    assert.deepEqual(await assertBothRefused({ servers: [bad.url, worse.url, good.url], ...options }), refused);
    await assertBothAccepted({ servers: [bad.url, worse.url, good.url], ...options, ignoreAuthErrorAbort: true });
  },
);
