import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { findNatsServer, serverVersionAtLeast, startNatsServer } from "holdfast/testing";
import { isDrop, roomFor, startDemoServer, versionOf } from "../../src/demo/demo-server.ts";
import { totalMessages } from "../../src/demo/options.ts";
import { createStream } from "../../src/demo/read-stream.ts";
import { noServer } from "../cli.ts";
import { defaultOptions as options } from "./results.ts";

test("the ingest limits are raised above all that the run can send, where the version knows them", () => {
  const room = roomFor(options, "2.11.0");
  assert.ok(Number(room.max_buffered_msgs) > totalMessages(options));
  assert.ok(Number(room.max_buffered_size) > totalMessages(options) * options.size);
  assert.deepEqual(Object.keys(roomFor(options, "2.10.29")), ["max_memory_store"]);
});

test("streams that must outlive the server get room in files", () => {
  const { max_memory_store, max_file_store } = roomFor({ ...options, fault: "kill" }, "2.11.0");
  assert.equal(max_memory_store, undefined);
  assert.ok(Number(max_file_store) > totalMessages(options) * options.size);
});

for (const fault of ["rst", "kill"] as const) {
  test(`this server takes the configuration of the demo for ${fault}`, { skip: noServer() }, async () => {
    const { server, drops } = await startDemoServer({ ...options, fault });
    await using _ = server;
    assert.match(server.version, /^\d+\.\d+\.\d+/);
    assert.deepEqual(drops(), []);
  });
}

test("what a real server logs when it drops for ingest rate is recognised", { skip: noServer() }, async (t) => {
  const version = await versionOf(findNatsServer());
  if (!serverVersionAtLeast(version, "2.11.0")) return t.skip(`needs 2.11, this is ${version}`);
  await using server = await startNatsServer({ jetStream: { max_mem: 100_000_000, max_buffered_msgs: 1 } });
  const nc = await connect({ servers: server.url, reconnect: false });
  await createStream(nc, "s", "s.x", "memory");
  const dropped = server.waitForLog(/Dropping messages/, { timeoutMs: 30_000 });
  for (let turn = 0; turn < 200 && !server.logs().includes("Dropping"); turn++) {
    for (let n = 0; n < 1_000; n++) nc.publish("s.x", "0123456789abcdef");
    await nc.flush();
  }
  assert.ok(isDrop(await dropped));
  await nc.close();
});

test("what a server logs when its memory for streams is used up is recognised", { skip: noServer() }, async () => {
  await using server = await startNatsServer({ jetStream: { max_mem: 10_000 } });
  const nc = await connect({ servers: server.url, reconnect: false });
  await createStream(nc, "s", "s.x", "memory");
  const full = server.waitForLog(/limits exceeded/, { timeoutMs: 30_000 });
  for (let n = 0; n < 200; n++) nc.publish("s.x", new Uint8Array(1_000));
  await nc.flush();
  assert.ok(isDrop(await full));
  await nc.close();
});

test("an ordinary line is no drop", () => {
  assert.equal(isDrop("[1] 2026/11/23 05:00:00.000000 [INF] Server is ready"), false);
});
