import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxiedFrame } from "../../src/testing/proxied-connection.ts";
import { proxyHarness } from "./proxy-harness.ts";

function summary({ direction, verb, args, payload, start, end }: ProxiedFrame): unknown[] {
  return [direction, verb, args[0], payload === null ? null : Buffer.from(payload).toString(), start, end];
}

test("frames of both directions are reported with their place, in order", async (context) => {
  const frames: ProxiedFrame[] = [];
  const { connect } = await proxyHarness(context, { onFrame: (frame) => frames.push(frame) });
  const { client, server, link } = await connect();
  await server.write("INFO {}\r\n");
  await client.untilText("INFO");
  await client.write("PUB a.b 5\r\nhello\r\nPING\r\n");
  await server.untilText("PING\r\n");
  await server.write("PONG\r\n-ERR 'x'\r\nMSG a.b 1 2\r\nhi\r\n");
  await client.untilText("hi\r\n");
  assert.deepEqual(frames.map(summary), [
    ["toClient", "INFO", undefined, null, 0, 9],
    ["toServer", "PUB", "a.b", "hello", 0, 18],
    ["toServer", "PING", undefined, null, 18, 24],
    ["toClient", "PONG", undefined, null, 9, 15],
    ["toClient", "-ERR", undefined, null, 15, 25],
    ["toClient", "MSG", "a.b", "hi", 25, 42],
  ]);
  assert.ok(frames.every(({ connection }) => connection === link));
});

test("only messages forwarded whole are reported, wherever the cut falls", async (context) => {
  const frames: ProxiedFrame[] = [];
  const { proxy, connect } = await proxyHarness(context, { onFrame: (frame) => frames.push(frame) });
  const message = "PUB a 4\r\nabcd\r\n";
  for (let cut = 1; cut <= 3 * message.length; cut++) {
    frames.length = 0;
    proxy.cutNext({ toServer: cut });
    const { client, server, link } = await connect();
    void client.write(message.repeat(3));
    await server.ended;
    server.socket.destroy();
    await link.ended;
    assert.equal(frames.length, Math.floor(cut / message.length), `cut after ${cut}`);
    assert.ok(frames.every(({ end }) => end <= link.toServer.forwarded));
  }
});

test("after a gap and under bytes that are no protocol, reports end with the reason", async (context) => {
  const frames: ProxiedFrame[] = [];
  const { connect } = await proxyHarness(context, { onFrame: (frame) => frames.push(frame) });
  const { client, server, link } = await connect();
  await client.write("PING\r\nPUB a 10\r\nabc");
  await server.untilText("abc");
  link.toServer.swallow();
  await client.write("defghij\r\n");
  while (link.toServer.discarded < 9) await new Promise((resolve) => setTimeout(resolve, 5));
  link.toServer.forward();
  await client.write("PING\r\nPING\r\n");
  await server.untilText("PING\r\nPING\r\n");
  await server.write("\x16\x03\x01\n");
  await client.untilLength(4);
  assert.deepEqual(
    frames.map(({ verb }) => verb),
    ["PING"],
  );
  assert.match(link.frameError("toServer")?.message ?? "", /bytes were swallowed before these/);
  assert.match(link.frameError("toClient")?.message ?? "", /not the NATS protocol/);
});
