import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { contextNames, readContext } from "../../src/connection/context-file.ts";
import { readServerSettings } from "../../src/connection/server-options.ts";
import { scratch } from "../pub/watch.ts";

/** An environment whose contexts are these; `selected` is what context.txt says. */
function contexts(t: TestContext, files: Readonly<Record<string, unknown>>, selected?: string): NodeJS.ProcessEnv {
  const config = scratch(t);
  mkdirSync(join(config, "nats", "context"), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(
      join(config, "nats", "context", `${name}.json`),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  }
  if (selected !== undefined) writeFileSync(join(config, "nats", "context.txt"), `${selected}\n`);
  return { XDG_CONFIG_HOME: config };
}

test("a context is found by its name, or because it is selected; empty fields are absent", (t) => {
  const env = contexts(
    t,
    { one: { description: "x", url: "nats://a,nats://b", user: "", tls_first: true }, two: { inbox_prefix: "_X" } },
    "two",
  );
  assert.deepEqual(readContext("one", env), { name: "one", url: "nats://a,nats://b", tlsFirst: true });
  assert.deepEqual(readContext(undefined, env), { name: "two", inboxPrefix: "_X", tlsFirst: false });
  assert.deepEqual(contextNames(env), ["one", "two"]);
});

test("without XDG_CONFIG_HOME they are in ~/.config; where there is none, none is selected", (t) => {
  const home = scratch(t);
  mkdirSync(join(home, ".config", "nats", "context"), { recursive: true });
  writeFileSync(join(home, ".config", "nats", "context", "c.json"), '{"url":"h:1"}');
  assert.equal(readContext("c", { HOME: home })?.url, "h:1");
  assert.equal(readContext(undefined, { HOME: home }), null);
  assert.equal(readContext(undefined, { HOME: join(home, "none") }), null);
  assert.deepEqual(contextNames({ HOME: join(home, "none") }), []);
});

test("what is wrong with a context is told with its file, and never with what stands in it", (t) => {
  const env = contexts(
    t,
    {
      bad: '{"password": "secret-word',
      list: "[]",
      number: { token: 12345 },
      nsc: { nsc: "nsc://o/a/u" },
      proxy: { socks_proxy: "p" },
    },
    "gone",
  );
  const error = (name: string | undefined): string => {
    try {
      readContext(name, env);
    } catch (thrown) {
      return String(thrown);
    }
    return assert.fail("it must throw");
  };
  assert.match(error("bad"), /bad\.json is not JSON$/);
  assert.match(error("list"), /list\.json is not a JSON object$/);
  assert.match(error("number"), /number\.json: "token" must be a string$/);
  assert.match(error("nsc"), /holdfast does not know "nsc": give the credentials file that `nsc generate creds` makes/);
  assert.match(error("proxy"), /holdfast does not know "socks_proxy"/);
  assert.match(
    error("none"),
    /--context: there is no context "none" \(.*none\.json\); there are: bad, list, nsc, number, proxy$/,
  );
  assert.match(error(undefined), /the selected context \(in .*context\.txt\): there is no context "gone"/);
  assert.match(error("../bad"), /"\.\.\/bad" is no name of a context/);
  assert.doesNotMatch(["bad", "number"].map(error).join(), /secret-word|12345/);
});

test("options go before the environment's context; its credentials count only when no others are given", (t) => {
  const before = process.env.XDG_CONFIG_HOME;
  const content = {
    url: "nats://ctx:1, nats://ctx:2",
    user: "u",
    password: "p",
    creds: "c",
    ca: "ca.pem",
    cert: "c.pem",
    key: "k.pem",
    jetstream_domain: "d",
    jetstream_api_prefix: "p",
  };
  process.env.XDG_CONFIG_HOME = contexts(
    t,
    { c: content, jwt: { user_jwt: "j", nkey: "n" }, token: { token: "t" }, nkey: { nkey: "n" }, creds: { creds: "c" } },
    "c",
  ).XDG_CONFIG_HOME;
  t.after(() => {
    if (before === undefined) delete process.env.XDG_CONFIG_HOME;
    else process.env.XDG_CONFIG_HOME = before;
  });
  const selected = readServerSettings({}, "name");
  assert.deepEqual(selected, {
    servers: ["nats://ctx:1", "nats://ctx:2"],
    credentials: { kind: "user", user: "u", password: "p" },
    certFile: "c.pem",
    keyFile: "k.pem",
    caFile: "ca.pem",
    tlsFirst: false,
    timeoutMs: 5_000,
    name: "name",
    jetStreamDomain: "d",
    jetStreamApiPrefix: "p",
  });
  const over = readServerSettings(
    { server: "own:1", token: "own", connectionName: "own", timeout: 7, tlsfirst: true, inboxPrefix: "_I" },
    "name",
  );
  assert.deepEqual(
    [over.servers, over.credentials, over.caFile, over.name, over.timeoutMs, over.tlsFirst, over.inboxPrefix],
    [["own:1"], { kind: "token", token: "own" }, "ca.pem", "own", 7, true, "_I"],
  );
  const kinds = ["jwt", "token", "nkey", "creds"].map((context) => readServerSettings({ context }, "").credentials);
  assert.deepEqual(kinds, [
    { kind: "jwt", jwt: "j", nkeyFile: "n" },
    { kind: "token", token: "t" },
    { kind: "nkey", file: "n" },
    { kind: "creds", file: "c" },
  ]);
  assert.deepEqual(readServerSettings({ context: false }, "").servers, ["127.0.0.1:4222"]);
  assert.deepEqual(readServerSettings({ user: "alone" }, "").credentials, { kind: "token", token: "alone" });
});
