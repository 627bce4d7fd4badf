import assert from "node:assert/strict";
import { connect as connectTo } from "node:net";
import { test } from "node:test";
import { startFaultProxy } from "../../src/testing/fault-proxy.ts";
import { pattern, proxyHarness } from "./proxy-harness.ts";
import { dial, RawServer, RawSocket } from "./raw-socket.ts";

test("bytes pass both ways unchanged, and are counted per connection and together", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const one = await connect();
  const two = await connect();
  const up = pattern(3_000_000);
  const down = pattern(2_000_000);
  await Promise.all([
    one.client.write(up),
    one.server.write(down),
    two.client.write("hello"),
    one.server.untilLength(up.length),
    one.client.untilLength(down.length),
    two.server.untilLength(5),
  ]);
  assert.ok(one.server.received.equals(up));
  assert.ok(one.client.received.equals(down));
  assert.deepEqual([one.link.toServer.forwarded, one.link.toClient.forwarded], [3_000_000, 2_000_000]);
  assert.deepEqual([two.link.toServer.forwarded, two.link.toClient.forwarded], [5, 0]);
  assert.deepEqual(proxy.bytes, { toServer: 3_000_005, toClient: 2_000_000 });
  assert.deepEqual(
    proxy.connections.map(({ id }) => id),
    [1, 2],
  );
  assert.equal(proxy.accepted, 2);
});

test("a FIN is passed on behind the last byte, each way on its own", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  client.socket.end("bye");
  assert.equal(await server.ended, "fin");
  assert.equal(server.text, "bye");
  await server.write("still here");
  await client.untilText("still here");
  server.socket.end();
  assert.equal(await client.ended, "fin");
  await link.ended;
  assert.equal(proxy.connections.length, 0);
});

test("a RST of the server reaches the client as RST, one of the client the server as FIN behind its bytes", async (context) => {
  const { connect } = await proxyHarness(context);
  const one = await connect();
  one.server.socket.resetAndDestroy();
  assert.equal(await one.client.ended, "rst");
  await one.link.ended;
  const two = await connect();
  await two.client.write("last words");
  await two.server.untilText("last words");
  two.client.socket.resetAndDestroy();
  assert.equal(await two.server.ended, "fin");
  two.server.socket.end();
  await two.link.ended;
});

test("a slow receiver slows the sender down: the proxy does not store what it cannot pass on", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  server.socket.pause();
  const big = pattern(64 * 1024 * 1024);
  const written = client.write(big);
  const state = await Promise.race([written.then(() => "all written"), waitForStandstill(() => link.toServer.forwarded)]);
  assert.equal(state, "standstill");
  assert.ok(client.socket.writableLength > 32 * 1024 * 1024, "the sender still holds most of it");
  server.socket.resume();
  await Promise.all([written, server.untilLength(big.length)]);
  assert.ok(server.received.equals(big));
});

test("refuse() closes the port for new connections only, and accept() opens the same port again", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const { client, server } = await connect();
  const { port } = proxy;
  proxy.refuse();
  proxy.refuse();
  await assert.rejects(dial(port), { code: "ECONNREFUSED" });
  await client.write("open");
  await server.untilText("open");
  await proxy.accept();
  await proxy.accept();
  assert.equal(proxy.port, port);
  const again = await connect();
  await again.client.write("again");
  await again.server.untilText("again");
});

test("onAccept ends new connections by RST or FIN without reaching the server", async (context) => {
  const { proxy, server, connect } = await proxyHarness(context);
  proxy.onAccept = "reset";
  // The RST may come before the client has learned that it is connected.
  const reset = new RawSocket(connectTo({ host: "127.0.0.1", port: proxy.port }));
  assert.equal(await reset.ended, "rst");
  proxy.onAccept = "close";
  const closed = await dial(proxy.port);
  assert.equal(await closed.ended, "fin");
  // More than the kernel keeps: it goes through only because the proxy reads on.
  await closed.write(pattern(32 * 1024 * 1024));
  closed.socket.destroy();
  assert.equal(server.connections.length, 0);
  assert.equal(proxy.accepted, 2);
  proxy.onAccept = "forward";
  const { link } = await connect();
  assert.equal(link.id, 1);
});

test("a client whose server cannot be reached is reset", async (context) => {
  const server = await RawServer.start();
  const proxy = await startFaultProxy({ upstream: { host: "127.0.0.1", port: server.port } });
  context.after(() => proxy.stop());
  await server.stop();
  const client = await dial(proxy.port);
  assert.equal(await client.ended, "rst");
});

test("onConnection can set faults before the first byte", async (context) => {
  const { connect } = await proxyHarness(context, {
    onConnection: (link) => {
      if (link.id === 2) link.toServer.swallow();
    },
  });
  const one = await connect();
  const two = await connect();
  await Promise.all([one.client.write("one"), two.client.write("two")]);
  await one.server.untilText("one");
  await two.client.write("more");
  assert.equal(two.server.length, 0);
});

test("stop() closes the port and all sockets and settles everyone who waits", async () => {
  const server = await RawServer.start();
  const proxy = await startFaultProxy({ upstream: `nats://127.0.0.1:${server.port}` });
  const [link, client] = await Promise.all([proxy.nextConnection(), dial(proxy.port)]);
  const zombie = await dial(proxy.port);
  proxy.toServer.swallow();
  proxy.toClient.hold();
  zombie.socket.destroy();
  const waiting = assert.rejects(proxy.nextConnection(), /the proxy was stopped/);
  await proxy.stop();
  await Promise.all([waiting, link.ended, client.ended]);
  assert.equal(proxy.connections.length, 0);
  await assert.rejects(dial(proxy.port), { code: "ECONNREFUSED" });
  await proxy.stop();
  await server.stop();
});

test("an upstream that is no address is refused with what was passed", async () => {
  await assert.rejects(startFaultProxy({ upstream: "not an address" }), /upstream "not an address": expected host:port/);
});

test("record keeps the first bytes of each direction, as many as asked for", async (context) => {
  const { connect } = await proxyHarness(context, { record: 10 });
  const { client, server, link } = await connect();
  await client.write("0123456789abcdef");
  await server.write("pong");
  await Promise.all([server.untilLength(16), client.untilLength(4)]);
  assert.equal(Buffer.from(link.recorded("toServer")).toString(), "0123456789");
  assert.equal(Buffer.from(link.recorded("toClient")).toString(), "pong");
});

/** Resolves when a figure that is above 0 has not changed for 200 ms. */
function waitForStandstill(figure: () => number): Promise<"standstill"> {
  return new Promise((resolve) => {
    let last = 0;
    const timer = setInterval(() => {
      const now = figure();
      if (now > 0 && now === last) {
        clearInterval(timer);
        resolve("standstill");
      }
      last = now;
    }, 200);
  });
}
