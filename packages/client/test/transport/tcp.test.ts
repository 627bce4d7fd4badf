import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, isIP, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { listenOnFreePort } from "../../src/testing/ports.ts";
import { transportContract } from "../../src/testing/transport-contract.ts";
import { LinkRecorder } from "../../src/testing/transport-recorder.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import type { Link } from "../../src/transport/transport.ts";
import { socketHarness } from "./socket-harness.ts";

transportContract("tcp", () => socketHarness("tcp"));

const { signal } = new AbortController();

test("tcp: a host name gives addresses, each once", async () => {
  const addresses = await tcpTransport().resolve("localhost");
  assert.ok(addresses.length >= 1);
  assert.ok(addresses.every((address) => isIP(address) !== 0));
  assert.equal(new Set(addresses).size, addresses.length);
});

test("tcp: a name that cannot be resolved is named in the error", async () => {
  await assert.rejects(tcpTransport().resolve("no..name"), {
    name: "ConnectionError",
    message: /^cannot resolve the host name "no..name": getaddrinfo /,
  });
  await assert.rejects(tcpTransport().resolve(""), {
    name: "ConnectionError",
    message: /host name "": the resolver knows no address/,
  });
});

test("tcp: a dial that fails for another reason than a refusal says where it was to go", async () => {
  const dialled = tcpTransport().dial({ hostname: "no..name", port: 4222, tlsName: "" }, new LinkRecorder(), { signal });
  await assert.rejects(dialled, { name: "ConnectionError", message: /^cannot connect to no..name:4222: getaddrinfo / });
});

test("tcp: a port that is none rejects, it does not throw past the promise", async () => {
  const dialled = tcpTransport().dial({ hostname: "::1", port: 65_536, tlsName: "" }, new LinkRecorder(), { signal });
  await assert.rejects(dialled, { name: "ConnectionError", message: /^cannot connect to \[::1\]:65536: .*65536/ });
});

test("tcp: a link over IPv6", async (t) => {
  const server = createServer((socket) => socket.end("six"));
  t.after(() => server.close());
  const port = await listenOnFreePort(server, "::1").catch(() => null);
  if (port === null) {
    t.skip("this machine has no IPv6 loopback");
    return;
  }
  const recorder = new LinkRecorder();
  await tcpTransport().dial({ hostname: "::1", port, tlsName: "" }, recorder, { signal });
  await recorder.until(() => recorder.ends.length > 0);
  assert.equal(recorder.inbound.length, 3);
});

test("tcp: a reset by the peer is a ConnectionError that says which connection and keeps Node's error as its cause", async (t) => {
  const { server, recorder } = await open(t);
  server.resetAndDestroy();
  await recorder.until(() => recorder.ends.length > 0);
  const [error] = recorder.ends;
  assert.equal(error?.name, "ConnectionError");
  assert.match(error?.message ?? "", /^connection to 127\.0\.0\.1:\d+ lost: read ECONNRESET$/);
  assert.ok(error?.cause instanceof Error);
});

test("tcp: a write that fails at once is not taken, and its end is known not to have left", async (t) => {
  const { server, link, recorder } = await open(t);
  server.resetAndDestroy();
  // In this very turn the reset is in the kernel, and Node knows nothing of it.
  assert.equal(recorder.write(link, 1000), false);
  let unfinished = "";
  recorder.onClosed = () => {
    unfinished = link.unfinished;
  };
  await recorder.until(() => recorder.ends.length > 0);
  assert.equal(recorder.takenBytes, 0);
  assert.equal(unfinished, process.platform === "win32" ? "nothing" : "last-item");
  assert.deepEqual(recorder.violations, []);
});

for (const [when, expected] of [
  ["in the turn of the write", "nothing"],
  ["a turn later", "last-item"],
] as const) {
  test(`tcp: of a chunk whose link is destroyed ${when}, ${expected} is known`, {
    skip: process.platform === "win32",
  }, async (t) => {
    const { link, recorder } = await open(t);
    while (recorder.write(link, link.chunkBytes)); // the peer holds
    if (when === "a turn later") await nextTurn();
    assert.ok(recorder.waits);
    let unfinished = "";
    recorder.onClosed = () => {
      unfinished = link.unfinished;
    };
    link.destroy();
    await recorder.until(() => recorder.ends.length > 0);
    assert.equal(unfinished, expected);
  });
}

test("tcp: an error after the link has closed ends nothing and tells nobody", async (t) => {
  const { server, link, recorder } = await open(t);
  while (recorder.write(link, link.chunkBytes));
  server.destroy();
  link.destroy();
  link.reset();
  link.end();
  await recorder.until(() => recorder.ends.length > 0);
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.equal(recorder.ends.length, 1);
  assert.deepEqual(recorder.violations, []);
});

/** A link to a server that holds, with the server's socket. */
async function open(t: TestContext): Promise<{ server: Socket; link: Link; recorder: LinkRecorder }> {
  const listener: Server = createServer({ pauseOnConnect: true });
  const port = await listenOnFreePort(listener);
  const recorder = new LinkRecorder();
  const [[server], link] = await Promise.all([
    once(listener, "connection"),
    tcpTransport().dial({ hostname: "127.0.0.1", port, tlsName: "" }, recorder, { signal }),
  ]);
  server.on("error", () => {});
  t.after(() => {
    server.destroy();
    link.destroy();
    listener.close();
  });
  return { server, link, recorder };
}
