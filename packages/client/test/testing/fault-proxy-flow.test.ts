import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pattern, proxyHarness } from "./proxy-harness.ts";
import type { RawSocket } from "./raw-socket.ts";

test("hold closes the sender's window and keeps every byte; forward() lets them go on", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  link.toServer.hold();
  const big = pattern(16 * 1024 * 1024);
  const written = client.write(big);
  await sleep(300);
  assert.ok(client.socket.writableLength > 0, "the sender still has bytes that nobody takes");
  assert.equal(server.length, 0);
  // The other direction is not touched.
  await server.write("down");
  await client.untilText("down");
  link.toServer.forward();
  await Promise.all([written, server.untilLength(big.length)]);
  assert.equal(server.received.compare(big), 0);
  assert.equal(link.toServer.discarded, 0);
});

test("swallow lets the sender believe that everything was sent, and none of it arrives", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  proxy.toServer.swallow();
  const big = pattern(16 * 1024 * 1024);
  await client.write(big);
  assert.equal(client.socket.writableLength, 0);
  while (link.toServer.discarded < big.length) await sleep(5);
  assert.equal(server.length, 0);
  proxy.toServer.forward();
  await client.write("after the gap");
  await server.untilText("after the gap");
  assert.equal(server.length, 13);
  assert.deepEqual([link.toServer.forwarded, link.toServer.discarded], [13, big.length]);
});

test("a fault of the proxy is for all connections, open and new; one of a connection only for that", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const one = await connect();
  const two = await connect();
  one.link.toServer.swallow();
  await Promise.all([one.client.write("lost"), two.client.write("kept")]);
  await two.server.untilText("kept");
  proxy.toServer.swallow();
  const three = await connect();
  await Promise.all([two.client.write("lost"), three.client.write("lost")]);
  while (two.link.toServer.discarded + three.link.toServer.discarded < 8) await sleep(5);
  assert.deepEqual([one.server.length, two.server.length, three.server.length], [0, 4, 0]);
});

for (const mode of ["hold", "swallow"] as const) {
  test(`${mode}: neither FIN nor RST of one side reaches the other before forward() or a cut`, async (context) => {
    const { proxy, connect } = await proxyHarness(context);
    const gone = await connect();
    const reset = await connect();
    proxy.toServer[mode]();
    proxy.toClient[mode]();
    gone.client.socket.end("bye");
    reset.client.socket.resetAndDestroy();
    const early = await Promise.race([gone.server.ended, reset.server.ended, sleep(200, "nothing")]);
    assert.equal(early, "nothing");
    assert.equal(proxy.connections.length, 2);
    proxy.toServer.forward();
    assert.equal(await gone.server.ended, "fin");
    assert.equal(gone.server.text, mode === "hold" ? "bye" : "");
    proxy.toServer[mode]();
    await proxy.cut();
    assert.equal(await reset.server.ended, "fin");
    assert.equal(proxy.connections.length, 0);
  });
}

test("hold discards nothing at a cut but what is inside the proxy, and counts it", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  await client.write("before");
  await server.untilText("before");
  link.toServer.hold();
  await client.write(pattern(1_000));
  await sleep(50);
  await link.cut();
  assert.equal(await server.ended, "fin");
  assert.equal(server.text, "before");
  assert.equal(link.toServer.forwarded, 6);
});

test("delay brings every byte, and the FIN, that much later and in order", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.toServer.delay(150);
  const { client, server } = await connect();
  const sent = performance.now();
  await client.write("first ");
  await sleep(20);
  const sentSecond = performance.now();
  await client.write("second");
  await server.untilText("first ");
  assert.ok(performance.now() - sent >= 149);
  await server.untilText("second");
  assert.ok(performance.now() - sentSecond >= 149);
  assert.equal(server.text, "first second");
  const closed = performance.now();
  client.socket.end();
  assert.equal(await server.ended, "fin");
  assert.ok(performance.now() - closed >= 149);
});

test("a delay does not limit the rate: a megabyte is on its way at once", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.toServer.delay(1_000);
  const { client, server } = await connect();
  const big = pattern(1024 * 1024);
  await client.write(big);
  await server.untilLength(1);
  const first = performance.now();
  await server.untilLength(big.length);
  // In pieces that wait for each other it would take a delay for each.
  assert.ok(performance.now() - first < 1_000);
  assert.equal(server.received.compare(big), 0);
});

test("throttle keeps to the rate, in both directions, and loses nothing", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.toServer.throttle(200_000);
  proxy.toClient.throttle(400_000);
  const { client, server } = await connect();
  const bytes = pattern(100_000);
  const began = performance.now();
  const took = async (receiver: RawSocket): Promise<number> => {
    await receiver.untilLength(bytes.length);
    return performance.now() - began;
  };
  const [up, down] = await Promise.all([took(server), took(client), client.write(bytes), server.write(bytes)]);
  assert.equal(server.received.compare(bytes), 0);
  assert.equal(client.received.compare(bytes), 0);
  // 500 and 250 ms at the rate, less the 50 ms that an idle link may save up. Slower is the machine's business.
  assert.ok(up >= 440, `${up} ms`);
  assert.ok(down >= 190, `${down} ms`);
});

test("taking a throttle back lets go at once what waited for it", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, server, link } = await connect();
  link.toServer.throttle(10);
  await client.write(pattern(50_000));
  await server.untilLength(1);
  link.toServer.throttle(Number.POSITIVE_INFINITY);
  await server.untilLength(50_000);
});

test("a slow link closes the sender's window instead of storing", async (context) => {
  const { connect } = await proxyHarness(context);
  const { client, link } = await connect();
  link.toServer.throttle(100);
  void client.write(pattern(32 * 1024 * 1024));
  await sleep(200);
  assert.ok(client.socket.writableLength > 0);
  await link.cut();
  // What was read and not forwarded: two chunks at most.
  assert.ok(link.toServer.discarded <= 256 * 1024, `${link.toServer.discarded} bytes were inside the proxy`);
});

test("a cut position holds under throttle and delay", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  proxy.toServer.throttle(500_000);
  proxy.toServer.delay(30);
  proxy.cutNext({ toServer: 12_345 });
  const { client, server } = await connect();
  const bytes = pattern(50_000);
  void client.write(bytes);
  assert.equal(await server.ended, "fin");
  assert.equal(server.received.compare(bytes.subarray(0, 12_345)), 0);
});

test("a delay or rate that makes no sense is refused, on the proxy and on a connection", async (context) => {
  const { proxy, connect } = await proxyHarness(context);
  const { link } = await connect();
  for (const controls of [proxy.toServer, link.toClient]) {
    assert.throws(() => controls.delay(-1), /delay\(-1\): expected milliseconds/);
    assert.throws(() => controls.delay(Number.NaN), RangeError);
    assert.throws(() => controls.throttle(0), /throttle\(0\): expected bytes a second/);
  }
  const { client, server } = await connect();
  await client.write("unharmed");
  await server.untilText("unharmed");
});
