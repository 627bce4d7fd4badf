/**
 * Deno and Bun, as far as Node can play them: sockets are read by `data` events, in the clear and when TLS takes over, and nothing is claimed of a
 * chunk that was half written. What they really do is tried by test/package/other-runtimes.soak.test.ts.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { authority, certificate } from "./certificates.ts";

Object.defineProperty(process, "versions", { value: { ...process.versions, bun: "1.4.5" } });
const { isNode } = await import("../../src/transport/platform.ts");
const { connect } = await import("../../src/index.ts");
const { startNatsServer } = await import("../../src/testing/index.ts");

for (const tls of [false, true]) {
  test(`${tls ? "TLS" : "TCP"}, by data events: requests of any size are answered, also after a reconnect`, async (t) => {
    assert.equal(isNode, false);
    const folder = mkdtempSync(join(tmpdir(), "holdfast-data-events-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const ca = await authority("data events");
    const own = await certificate(ca, ["localhost"], ["127.0.0.1"]);
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    writeFileSync(cert, own.cert);
    writeFileSync(key, own.key);
    await using server = await startNatsServer({ config: tls ? { tls: { cert_file: cert, key_file: key } } : {} });
    await using nc = await connect({ servers: server.url, reconnectTimeWait: 0, ...(tls ? { tls: { ca: ca.cert } } : {}) });
    nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
    for (const size of [0, 10, 900_000]) {
      const answer = await nc.request("echo", new Uint8Array(size).fill(7), { timeout: 10_000 });
      assert.deepEqual([answer.data.length, answer.data.every((byte) => byte === 7)], [size, true]);
      await nc.reconnect();
    }
    assert.equal(nc.outbound.counts().inDoubt, 0);
  });
}
