/** Certificates that change during an outage: files are read again at every dial, and what was published meanwhile arrives. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Delivery } from "../../src/options.ts";
import { authority, certificate } from "../transport/certificates.ts";
import { recordErrors } from "./auth-harness.ts";
import { assertIdentity, assertNothingLost, type Line, limit, numbers, openLine, pause, until } from "./peers-harness.ts";
import { openTlsObserver, TlsFolder } from "./tls-harness.ts";

/** A server that asks for client certificates and passwords, and a client that has both, with files. */
async function openSecureLine(t: TestContext, delivery: Delivery): Promise<{ folder: TlsFolder; line: Line; seen: string[] }> {
  const folder = await TlsFolder.make(t);
  folder.put("client", await certificate(folder.ca, ["client.example"]));
  const tls = { ...folder.server(), ca_file: folder.path("ca.pem"), verify: true };
  const authorization = { users: [{ user: "joe", password: "p" }] };
  const line = await openLine(t, {
    server: { config: { tls, authorization } },
    client: { tls: folder.client("client"), user: "joe", pass: "p", delivery },
  });
  return { folder, line, seen: await openTlsObserver(t, line.server, folder) };
}

test("under TLS with client certificates and a password nothing is lost over resets: at-most-once", limit, (t) =>
  resetAgainAndAgain(t, "at-most-once"),
);

test("under TLS with client certificates and a password nothing is lost over resets: at-least-once", limit, (t) =>
  resetAgainAndAgain(t, "at-least-once"),
);

async function resetAgainAndAgain(t: TestContext, delivery: Delivery): Promise<void> {
  const { line, seen } = await openSecureLine(t, delivery);
  const { nc } = line;
  const sent = numbers(1, 600);
  for (const [index, text] of sent.entries()) {
    nc.publish("data", text);
    if (index % 50 === 0) await pause(1);
    if (index % 200 === 100) await line.flap();
  }
  await nc.flush().catch(() => {});
  await line.handedBack();
  await until("everything has come", () => seen.includes("600"));
  const unique = [...new Set(seen)];
  if (delivery === "at-least-once") {
    assert.deepEqual(line.undelivered, []);
    assert.deepEqual(unique, sent);
  } else {
    assertNothingLost(seen, line.undelivered, sent);
  }
  assertIdentity(nc);
}

test("certificate, key and authority files that were replaced during an outage are used at the next dial", limit, async (t) => {
  const { folder, line, seen } = await openSecureLine(t, "at-least-once");
  const { nc, server } = line;
  nc.publish("data", "before");
  await nc.flush();
  await line.down();
  // A new authority, a new certificate of the server and of the client: nothing of the old ones would do.
  const next = await authority("The next authority");
  folder.write("ca.pem", next.cert);
  folder.put("server", await certificate(next, ["localhost"], ["127.0.0.1"]));
  folder.put("client", await certificate(next, ["client.example"]));
  nc.publish("data", "meanwhile");
  await server.restart();
  const later = await openTlsObserver(t, server, folder);
  await line.up();
  nc.publish("data", "after");
  await nc.flush();
  assert.deepEqual(seen, ["before"]);
  await until("they have come", () => later.length === 2);
  assert.deepEqual(later, ["meanwhile", "after"]);
  assert.deepEqual(line.undelivered, []);
});

test(
  "while the files are still the old ones, or missing, each dial says so, and the client goes on until they are right",
  limit,
  async (t) => {
    const { folder, line } = await openSecureLine(t, "at-least-once");
    const { nc, server } = line;
    await line.down();
    const errors = recordErrors(nc);
    const next = await authority("The next authority");
    folder.put("server", await certificate(next, ["localhost"], ["127.0.0.1"]));
    await server.restart();
    nc.publish("data", "held");
    await line.proxy.accept();
    await until("the old authority does not know the new certificate", () =>
      errors.some(({ message }) => /unable to verify/.test(message)),
    );
    rmSync(folder.path("client.key"));
    await until("the missing key is told", () => errors.some(({ message }) => /^tls\.keyFile: cannot read/.test(message)));
    folder.write("client.key", "half of a k");
    await until("the broken key is told", () => errors.some(({ message }) => /tls\.keyFile ".*" cannot be used/.test(message)));
    assert.equal(nc.outbound.counts().buffered, 1);
    // The server still takes clients of the first authority: it read `ca.pem` when it started.
    const client = await certificate(folder.ca, ["client.example"]);
    folder.put("client", client);
    folder.write("ca.pem", next.cert);
    await nc.flush();
    assert.equal(nc.outbound.counts().confirmed, 1);
    assertIdentity(nc);
  },
);

test(
  "a server whose certificate was renewed by a reload is believed at the next dial, without a restart of the client",
  limit,
  async (t) => {
    const { folder, line } = await openSecureLine(t, "at-most-once");
    folder.put("server", await certificate(folder.ca, ["localhost"], ["127.0.0.1"]));
    await line.server.reload({
      tls: { ...folder.server(), ca_file: folder.path("ca.pem"), verify: true },
      authorization: { users: [{ user: "joe", password: "p" }] },
    });
    await line.flap();
    await line.nc.outbound.publishAndConfirm("data", "1");
  },
);
