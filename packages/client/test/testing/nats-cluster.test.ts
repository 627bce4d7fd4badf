import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startCluster } from "../../src/testing/nats-cluster.ts";

test("messages cross a cluster of three, and clients learn of all its servers", async (context) => {
  const cluster = await startCluster(3);
  context.after(() => cluster.stop("SIGKILL"));
  const [first, , third] = cluster.urls;
  const [one, three] = await Promise.all([connect({ servers: first ?? "" }), connect({ servers: third ?? "" })]);
  const got = new Promise<string>((resolve) => {
    three.subscribe("a", { max: 1, callback: (_error, message) => resolve(message.string()) });
  });
  await three.flush();
  assert.equal(one.info?.connect_urls?.length, 3);
  // Interest travels to the other server a moment after the flush: publish until it has.
  const timer = setInterval(() => one.publish("a", "across"), 10);
  assert.equal(await got, "across");
  clearInterval(timer);
  await Promise.all([one.close(), three.close()]);
});

test("a cluster with JetStream survives the death of its leader, and is whole again after its restart", async (context) => {
  const cluster = await startCluster(3, { jetStream: true, config: (index) => ({ server_tags: [`tag${index}`] }) });
  context.after(() => cluster.stop("SIGKILL"));
  const leader = await cluster.leader();
  assert.ok(leader);
  await leader.kill();
  await cluster.whenReady();
  const successor = await cluster.leader();
  assert.ok(successor);
  assert.notEqual(successor.name, leader.name);
  await leader.restart();
  await cluster.whenReady();
  const connection = await connect({ servers: cluster.urls });
  const manager = await jetstreamManager(connection, { timeout: 10_000 });
  await manager.streams.add({ name: "S", subjects: ["s"], num_replicas: 3 });
  assert.equal((await jetstream(connection).publish("s", "x")).seq, 1);
  await connection.close();
});

test("a size or configuration that makes no cluster is refused, leaving nothing", async () => {
  await assert.rejects(startCluster(0), /a cluster of 0 servers: expected 1 to 9/);
  await assert.rejects(startCluster(2, { config: { max_payload: "x" } }), /its last log lines/);
});
