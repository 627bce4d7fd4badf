import assert from "node:assert/strict";
import { test } from "node:test";
import { pattern, proxyHarness } from "./proxy-harness.ts";

const sent = pattern(300_000);

for (const kind of ["rst", "fin"] as const) {
  test(`cutAfter(n, "${kind}"): the server can read exactly the first n bytes, then FIN`, async (context) => {
    const { proxy, connect } = await proxyHarness(context);
    for (const bytes of [1, 2, 3, 7, 100, 4_095, 4_096, 65_535, 65_536, 65_537, 200_000, 299_999, 300_000]) {
      proxy.cutNext({ toServer: bytes, kind });
      const { client, server, link } = await connect();
      void client.write(sent);
      assert.equal(await server.ended, "fin");
      assert.equal(await client.ended, kind);
      assert.equal(link.toServer.forwarded, bytes);
      assert.ok(server.received.equals(sent.subarray(0, bytes)), `${server.length} bytes arrived instead of ${bytes}`);
      server.socket.destroy();
      client.socket.destroy();
      await link.ended;
    }
    assert.equal(proxy.connections.length, 0);
  });
}

test("cutAfter() is exact for every n, also when the client sends byte by byte", async (context) => {
  const { connect } = await proxyHarness(context);
  for (let bytes = 1; bytes <= 40; bytes++) {
    const { client, server, link } = await connect();
    link.toServer.cutAfter(bytes);
    for (const byte of sent.subarray(0, 60)) void client.write(Buffer.of(byte));
    assert.equal(await server.ended, "fin");
    assert.ok(server.received.equals(sent.subarray(0, bytes)));
    server.socket.destroy();
  }
});

test("a server that reads late still gets all that was forwarded before the RST to the client", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.cutNext({ toServer: 200_000 });
  const { client, server, link } = await connect();
  server.socket.pause();
  void client.write(sent);
  assert.equal(await client.ended, "rst");
  assert.equal(link.toServer.forwarded, 200_000);
  server.socket.resume();
  assert.equal(await server.ended, "fin");
  assert.ok(server.received.equals(sent.subarray(0, 200_000)));
});

test("a server that still sends does not turn the FIN behind the forwarded bytes into a RST", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.cutNext({ toServer: 100_000 });
  const { client, server } = await connect();
  server.socket.pause();
  void client.write(sent);
  await client.ended;
  await server.write(pattern(500_000));
  server.socket.resume();
  assert.equal(await server.ended, "fin");
  assert.equal(server.length, 100_000);
});

for (const [kind, places] of [
  // A RST takes back what does not fit the client's socket buffer: see CutKind.
  ["rst", [1, 17, 4_096, 40_000]],
  ["fin", [1, 17, 4_096, 65_537, 200_000]],
] as const) {
  test(`cutAfter(n, "${kind}") towards the client: it can read exactly n bytes`, async (context) => {
    const { proxy, connect } = await proxyHarness(context);
    for (const bytes of places) {
      proxy.cutNext({ toClient: bytes, kind });
      const { client, server, link } = await connect();
      void server.write(sent);
      // A Node client that reads data and its RST in one go reports an end of stream: see CutKind.
      const end = await client.ended;
      assert.ok(end === kind || end === "fin", end);
      assert.equal(await server.ended, "fin");
      assert.equal(link.toClient.forwarded, bytes);
      assert.equal(client.received.compare(sent.subarray(0, bytes)), 0, `${client.length} bytes arrived instead of ${bytes}`);
      server.socket.destroy();
      client.socket.destroy();
    }
  });
}

test("cutAfter(0) and a position already passed cut at once", async (context) => {
  const { connect } = await proxyHarness(context);
  const one = await connect();
  one.link.toServer.cutAfter(0);
  assert.equal(await one.client.ended, "rst");
  const two = await connect();
  await two.client.write("12345");
  await two.server.untilLength(5);
  two.link.toServer.cutAfter(3, "fin");
  assert.equal(await two.client.ended, "fin");
  assert.equal(two.link.toServer.forwarded, 5);
});

test("cutNext() is for one connection, cutEach() for all, and null takes them back", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.cutNext({ toServer: 1 });
  proxy.cutEach({ toServer: 5 });
  for (const bytes of [1, 5, 5]) {
    const { client, server } = await connect();
    void client.write("0123456789");
    await server.ended;
    assert.equal(server.length, bytes);
  }
  proxy.cutNext({ toServer: 2 });
  proxy.cutNext(null);
  proxy.cutEach(null);
  const { client, server } = await connect();
  await client.write("0123456789");
  await server.untilLength(10);
});

test("cut() ends all open connections at once and leaves later ones alone", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const pairs = [await connect(), await connect()];
  const cutting = proxy.cut();
  assert.equal(proxy.connections.length, 0);
  for (const { client, server } of pairs) {
    assert.equal(await client.ended, "rst");
    assert.equal(await server.ended, "fin");
  }
  await cutting;
  const later = await connect();
  await later.client.write("fine");
  await later.server.untilText("fine");
});

test("a cut by FIN reads and discards what the client still sends, and does not reset it", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  await link.cut("fin");
  assert.equal(await client.ended, "fin");
  await client.write(sent);
  await client.write(sent);
  assert.equal(await server.ended, "fin");
  assert.equal(server.length, 0);
  assert.equal(link.toServer.forwarded, 0);
});

test("a cut by FIN of a connection that was held lets the client get rid of its bytes too", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, link } = await connect();
  link.toServer.hold();
  const written = client.write(pattern(32 * 1024 * 1024));
  await link.cut("fin");
  await written;
  assert.equal(await client.ended, "fin");
  assert.equal(link.toServer.forwarded, 0);
});

test('"rst-both" resets the server too', async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  await link.cut("rst-both");
  assert.equal(await client.ended, "rst");
  assert.equal(await server.ended, "rst");
});

test("while the server takes nothing, ended waits and the count is final only then", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  server.socket.pause();
  const big = pattern(32 * 1024 * 1024);
  void client.write(big);
  let before = -1;
  while (before !== link.toServer.forwarded || before === 0) {
    before = link.toServer.forwarded;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  let ended = false;
  const end = link.cut().then(() => {
    ended = true;
  });
  assert.equal(await client.ended, "rst");
  assert.equal(ended, false);
  server.socket.resume();
  await end;
  assert.equal(await server.ended, "fin");
  assert.equal(server.length, link.toServer.forwarded);
  assert.ok(server.received.equals(big.subarray(0, server.length)));
});

test("a RST after a FIN that could not go out yet still ends the connection", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  client.socket.pause();
  const big = pattern(32 * 1024 * 1024);
  server.socket.end(big);
  let before = -1;
  while (before !== link.toClient.forwarded || before === 0) {
    before = link.toClient.forwarded;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await link.cut();
  client.socket.resume();
  await client.ended;
  assert.ok(client.length < big.length, "the RST took what had not gone out");
  assert.equal(proxy.connections.length, 0);
});

test("a position that is no whole number is refused", async (context) => {
  const { connect } = await proxyHarness(context);
  const { link } = await connect();
  assert.throws(() => link.toServer.cutAfter(-1), /cutAfter\(-1\): expected a whole number/);
  assert.throws(() => link.toServer.cutAfter(1.5), RangeError);
});
