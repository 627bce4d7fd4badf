/** Servers with TLS that the cluster tells of: by IP address, with a certificate for a name. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { NatsConnection } from "@nats-io/nats-core";
import { type NatsCluster, type NatsServer, startCluster } from "../../src/testing/index.ts";
import { certificate } from "../transport/certificates.ts";
import { openClient, recordErrors, soon } from "./auth-harness.ts";
import { afterwards, assertIdentity, limit, numbers, open, statusOf, until } from "./peers-harness.ts";
import { byName, isEncrypted, TlsFolder } from "./tls-harness.ts";

/** A cluster whose servers each have the certificate called so; what all of them trust is `folder.ca`. */
async function startTlsCluster(t: TestContext, folder: TlsFolder, names: readonly string[]): Promise<NatsCluster> {
  const cluster = await startCluster(names.length, {
    config: (index) => ({
      tls: folder.server(names[index] ?? "server"),
      authorization: { users: [{ user: "joe", password: "p" }] },
    }),
  });
  afterwards(t, () => cluster.stop("SIGKILL"));
  return cluster;
}

/** The first server tells of the others as soon as it knows them itself, which may be after the connection. */
function toldOf(nc: NatsConnection, server: NatsServer): Promise<void> {
  return until(`${server.port} is told of`, () => nc.getServers().some(({ listen }) => listen === `127.0.0.1:${server.port}`));
}

/** Certificates for the name localhost, and for no IP address. */
async function namedFolder(t: TestContext): Promise<TlsFolder> {
  const folder = await TlsFolder.make(t);
  folder.put("server", await certificate(folder.ca, ["localhost"]));
  return folder;
}

test(
  "a server told of by its IP address is checked against the name of the one it was reached by, as in nats.js",
  limit,
  async (t) => {
    const folder = await namedFolder(t);
    const cluster = await startTlsCluster(t, folder, ["server", "server", "server"]);
    const [first, second, third] = cluster.servers;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const options = { servers: byName(first), tls: { ca: folder.ca.cert }, user: "joe", pass: "p", reconnectTimeWait: 20 };
    const nc = await open(t, { ...options, delivery: "at-least-once" });
    const official = await openClient(t, "nats.js", options);
    for (const client of [nc, official]) for (const server of cluster.servers) await toldOf(client, server);
    const told = nc.getServers().filter(({ gossiped }) => gossiped);
    // The first one calls itself by its IP address as well.
    assert.deepEqual(
      told.map(({ hostname, tlsName }) => `${hostname} ${tlsName}`),
      Array(3).fill("127.0.0.1 localhost"),
    );

    const moves = [statusOf(nc, "reconnect"), nextReconnect(official)];
    const lost = statusOf(nc, "disconnect");
    await first.kill();
    await soon("the server is missed", lost);
    for (const text of numbers(1, 100)) nc.publish("data", text);
    await soon("both are on another server", Promise.all(moves));
    for (const client of [nc, official]) {
      const server: NatsServer | undefined = [second, third].find(({ port }) => client.getServer() === `127.0.0.1:${port}`);
      assert.ok(server !== undefined, client.getServer());
      assert.equal(await isEncrypted(server, client), true);
    }
    await nc.flush();
    assert.equal(nc.outbound.counts().confirmed, 100);
    assertIdentity(nc);
  },
);

test("a server told of whose certificate carries another name is never taken, and said so", limit, async (t) => {
  const folder = await namedFolder(t);
  folder.put("other", await certificate(folder.ca, ["other.example"], ["127.0.0.1"]));
  const cluster = await startTlsCluster(t, folder, ["server", "other"]);
  const [first, second] = cluster.servers;
  assert.ok(first !== undefined && second !== undefined);
  const nc = await open(t, {
    servers: byName(first),
    tls: { ca: folder.ca.cert },
    user: "joe",
    pass: "p",
  });
  const errors = recordErrors(nc);
  await toldOf(nc, second);
  await first.kill();
  // Also its IP address, which is in the certificate, does not do: it was told by somebody, not by the user.
  await until("the second is refused", () =>
    errors.some(({ message }) => /Host: localhost\. is not in the cert's altnames/.test(message)),
  );
  nc.publish("data", "held");
  await first.restart();
  await nc.flush();
  assert.match(nc.getServer(), new RegExp(`:${first.port}$`));
  assert.equal(nc.outbound.counts().confirmed, 1);
});

test("credentials in the URL of one server are brought to those it tells of, under TLS", limit, async (t) => {
  const folder = await namedFolder(t);
  const cluster = await startTlsCluster(t, folder, ["server", "server"]);
  const [first, second] = cluster.servers;
  assert.ok(first !== undefined && second !== undefined);
  const nc = await open(t, { servers: `tls://joe:p@${byName(first)}`, tls: { ca: folder.ca.cert } });
  const back = statusOf(nc, "reconnect");
  await toldOf(nc, second);
  await first.kill();
  await soon("reconnect", back);
  assert.equal(nc.getServer(), `127.0.0.1:${second.port}`);
  await nc.flush();
});

async function nextReconnect(nc: NatsConnection): Promise<void> {
  for await (const { type } of nc.status()) if (type === "reconnect") return;
}
