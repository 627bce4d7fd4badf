import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { nkeys } from "holdfast";
import { startNatsServer } from "holdfast/testing";
import { generate } from "selfsigned";
import { openConnection } from "../../src/connection/open.ts";
import { readServerSettings } from "../../src/connection/server-options.ts";
import { noServer, runCli } from "../cli.ts";
import { reportIn, scratch, watch } from "../pub/watch.ts";

const skip = noServer();
const never = new AbortController().signal;

/** Connects with these options, says who the server thinks we are, and closes. */
async function connectWith(t: TestContext, given: Readonly<Record<string, unknown>>): Promise<string> {
  const nc = await openConnection(readServerSettings({ context: false, ...given }, "test"), {}, never);
  t.after(() => nc.close());
  return String(nc.info?.client_id);
}

describe("servers and credentials", { concurrency: 2 }, () => {
  test("user, token and nkey are those of the options; a wrong one is refused in one line that does not show it", {
    skip,
  }, async (t) => {
    const folder = scratch(t);
    const user = nkeys.createUser();
    const seed = join(folder, "user.nk");
    writeFileSync(seed, `# a comment\n${new TextDecoder().decode(user.getSeed())}\n`);
    const server = await startNatsServer({
      config: { authorization: { users: [{ user: "ann", password: "pass-word" }, { nkey: user.getPublicKey() }] } },
    });
    const withToken = await startNatsServer({ config: { authorization: { token: "tok-en" } } });
    t.after(() => Promise.all([server.stop(), withToken.stop()]));
    const to = { server: server.url };
    assert.ok(await connectWith(t, { ...to, user: "ann", password: "pass-word" }));
    assert.ok(await connectWith(t, { ...to, nkey: seed }));
    process.env.HOLDFAST_TEST_FOLDER = folder;
    t.after(() => delete process.env.HOLDFAST_TEST_FOLDER);
    assert.ok(await connectWith(t, { ...to, nkey: "$HOLDFAST_TEST_FOLDER/user.nk" }), "as in a context file");
    assert.ok(await connectWith(t, { server: withToken.url, token: "tok-en" }));
    assert.ok(await connectWith(t, { server: withToken.url, user: "tok-en" }), "a user without a password is a token");
    assert.ok(await connectWith(t, { server: `nats://ann:pass-word@127.0.0.1:${server.port}` }));
    for (const wrong of [{ user: "ann", password: "wrong-word" }, { token: "wrong-word" }, {}]) {
      await assert.rejects(connectWith(t, { ...to, ...wrong }), (error: unknown) => {
        assert.match(
          String(error),
          /^Error: nats:\/\/127\.0\.0\.1:\d+ refused the credentials \(.*\): check --user and --password, --token, --creds/,
        );
        assert.doesNotMatch(String(error), /wrong-word/);
        return true;
      });
    }
  });

  test("TLS: with the authority's certificate it connects, without it one line says what to check", { skip }, async (t) => {
    const folder = scratch(t);
    const pems = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      extensions: [
        {
          name: "subjectAltName",
          altNames: [
            { type: 2, value: "localhost" },
            { type: 7, ip: "127.0.0.1" },
          ],
        },
      ],
    });
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    writeFileSync(cert, pems.cert);
    writeFileSync(key, pems.private);
    const server = await startNatsServer({ config: { tls: { cert_file: cert, key_file: key } } });
    t.after(() => server.stop());
    assert.ok(await connectWith(t, { server: server.url, tlsca: cert }));
    await assert.rejects(connectWith(t, { server: server.url }), /^Error: no secure connection to .*: check --tlsca/);
    const plain = await startNatsServer();
    t.after(() => plain.stop());
    await assert.rejects(
      connectWith(t, { server: `tls://127.0.0.1:${plain.port}`, timeout: 2_000 }),
      "tls:// is never spoken in the clear",
    );
  });

  test("a context, selected or named, and the environment lead a command to its server", { skip }, async (t) => {
    const config = scratch(t);
    mkdirSync(join(config, "nats", "context"), { recursive: true });
    const locked = await startNatsServer({ config: { authorization: { users: [{ user: "ann", password: "pass-word" }] } } });
    const open = await startNatsServer();
    t.after(() => Promise.all([locked.stop(), open.stop()]));
    writeFileSync(
      join(config, "nats", "context", "locked.json"),
      JSON.stringify({ url: locked.url, user: "ann", password: "pass-word" }),
    );
    writeFileSync(join(config, "nats", "context", "open.json"), JSON.stringify({ url: open.url }));
    writeFileSync(join(config, "nats", "context.txt"), "locked");
    const there = await watch(t, open, ">");
    const env = { XDG_CONFIG_HOME: config };
    const [selected, named, wrong] = await Promise.all([
      runCli(t, ["pub", "a", "selected", "--json", "-q"], env),
      runCli(t, ["pub", "a", "named", "--json", "-q"], { ...env, NATS_CONTEXT: "open" }),
      runCli(t, ["pub", "a", "x", "--context", "open"], {
        ...env,
        NATS_URL: locked.url,
        NATS_USER: "ann",
        NATS_PASSWORD: "wrong-word",
      }),
    ]);
    assert.deepEqual([selected.code, named.code, wrong.code], [0, 0, 2], selected.stderr + named.stderr + wrong.stderr);
    for (const { stdout } of [selected, named]) assert.equal(reportIn(stdout).confirmed, 1);
    await there.whenHeard(1);
    assert.deepEqual(
      there.heard.map((msg) => msg.string()),
      ["named"],
    );
    assert.match(wrong.stderr, new RegExp(`^holdfast: ${locked.url} refused the credentials [^\\n]*\\n$`));
    assert.doesNotMatch(wrong.stderr, /pass-word|wrong-word/);
  });
});
