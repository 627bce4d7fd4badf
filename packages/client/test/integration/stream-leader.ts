/** `publishToStream()` into a stream of three replicas while the server that leads it is killed and comes back. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectOfficial } from "@nats-io/transport-node";
import { type HoldfastConnection, type PubAck, type Publishing, publishToStream } from "../../src/index.ts";
import { type NatsCluster, type NatsServer, startCluster } from "../../src/testing/index.ts";
import { afterwards, assertIdentity, open, pause } from "./peers-harness.ts";

/** What is done to the leader: killed by SIGKILL, and started again after two seconds; or told to leave the lead to another. */
export type LeaderFault = "kill" | "stepdown";

export interface LeaderRun {
  /** How many messages; the fault comes at a third of them. */
  readonly count: number;
  readonly mode: "each" | "fast";
  readonly fault: LeaderFault;
  /** Whether the client is connected to the stream's leader or to another server. */
  readonly where: "leader" | "other";
}

/** What a run came to. */
export interface LeaderReport {
  readonly stored: number;
  /** Acknowledged as duplicates: sent again, and the stream had a copy. */
  readonly duplicates: number;
  /** Messages that are stored behind one that was published after them. */
  readonly displaced: number;
  readonly seconds: number;
}

/** Publishes numbered messages. Fails unless each is stored once, and where its acknowledgement says. */
export async function throughLeader(t: TestContext, run: LeaderRun): Promise<LeaderReport> {
  const { count, mode } = run;
  const cluster = await startCluster(3, { jetStream: true });
  afterwards(t, () => cluster.stop("SIGKILL"));
  const admin = await connectOfficial({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  afterwards(t, () => admin.close());
  const manager = await jetstreamManager(admin);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders"], num_replicas: 3, allow_batched: true });
  const { cluster: group } = await manager.streams.info("ORDERS");
  const leader = cluster.servers.find((server) => server.name === group?.leader) ?? assert.fail("no leader");
  const nc = await openAt(t, cluster, leader, run.where);

  const startedAt = performance.now();
  // In mode "fast" the promises have no acknowledgement to give.
  await using orders: Publishing<unknown> = publishToStream(nc, { mode, dedupe: true } as { mode: "each" });
  const acks = new Map<number, unknown>();
  const failures: unknown[] = [];
  let fault: Promise<unknown> | undefined;
  for (let number = 0; number < count; number++) {
    if (number === Math.floor(count / 3)) {
      fault = run.fault === "kill" ? killAndRestart(cluster, leader) : admin.request("$JS.API.STREAM.LEADER.STEPDOWN.ORDERS");
    }
    await orders.ready();
    orders.publish("orders", String(number)).then(
      (ack) => acks.set(number, ack),
      (error: unknown) => failures.push(error),
    );
  }
  await orders.flush();
  const seconds = (performance.now() - startedAt) / 1_000;
  await fault;
  assert.deepEqual(failures, []);
  assert.equal(acks.size, count);
  assertIdentity(nc);
  const stored = await readAll(manager);
  assert.equal(stored.length, count, "as many are stored as were published");
  assert.equal(new Set(stored).size, count, "each once");
  const given = [...acks].filter((entry): entry is [number, PubAck] => entry[1] !== undefined);
  assert.equal(given.length, mode === "each" ? count : 0);
  for (const [number, { seq }] of given) assert.equal(stored[seq - 1], number, `${number} is where its acknowledgement says`);
  const duplicates = given.filter(([, { duplicate }]) => duplicate).length;
  return { stored: stored.length, duplicates, displaced: displacedIn(stored), seconds: Math.round(seconds * 10) / 10 };
}

async function openAt(
  t: TestContext,
  cluster: NatsCluster,
  leader: NatsServer,
  where: "leader" | "other",
): Promise<HoldfastConnection> {
  const others = cluster.servers.filter((server) => server !== leader).map((server) => server.url);
  const servers = where === "leader" ? [leader.url, ...others] : others;
  return await open(t, { servers, noRandomize: true, ignoreClusterUpdates: true });
}

async function killAndRestart(cluster: NatsCluster, leader: NatsServer): Promise<void> {
  await leader.kill();
  await pause(2_000);
  await leader.restart();
  await cluster.whenReady(60_000);
}

/** The numbers in the stream, in order; asked of its leader, because a follower may be behind. */
async function readAll(manager: JetStreamManager): Promise<number[]> {
  const { state } = await manager.streams.info("ORDERS");
  const stored: number[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += AT_A_TIME) {
    const seqs = Array.from({ length: Math.min(AT_A_TIME, state.last_seq - seq + 1) }, (_, index) => seq + index);
    const messages = await Promise.all(seqs.map((each) => manager.streams.getMessage("ORDERS", { seq: each })));
    stored.push(...messages.map((message) => Number(message?.string() ?? "NaN")));
  }
  return stored;
}

const AT_A_TIME = 250;

function displacedIn(stored: readonly number[]): number {
  let highest = -1;
  let displaced = 0;
  for (const number of stored) {
    if (number < highest) displaced++;
    highest = Math.max(highest, number);
  }
  return displaced;
}
