import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { HoldfastConnection } from "holdfast";
import { Clock, withTimes } from "../shared/clock.ts";
import { payloadPool, setNumber, stringPool } from "../shared/payloads.ts";
import type { Answer, PublishTask, RoundTripTask } from "../shared/tasks.ts";
import type { SideClient } from "./connection.ts";

export const SUBJECT = "bench.publish";

export async function publish(client: SideClient, task: PublishTask): Promise<Answer> {
  const send = senderOf(client, task);
  const clock = new Clock();
  for (let sent = 0; sent < task.messages; ) {
    for (const until = Math.min(sent + task.batch, task.messages); sent < until; sent++) send(sent);
    await turn();
  }
  await client.nc.flush();
  return { ...clock.stop(task.messages), ...client.check() };
}

export async function roundTrip(client: SideClient, { messages, bytes }: RoundTripTask): Promise<Answer> {
  const { nc } = client;
  const [payload] = payloadPool(1, bytes);
  const took: number[] = [];
  const clock = new Clock();
  for (let i = 0; i < messages; i++) {
    const start = performance.now();
    nc.publish(SUBJECT, payload);
    client.published++;
    await nc.flush();
    took.push(performance.now() - start);
  }
  return { ...withTimes(clock.stop(messages), took), ...client.check() };
}

function senderOf(client: SideClient, task: PublishTask): (index: number) => void {
  if (task.mode === "string") return sendString(client, task);
  return task.mode === "reference" ? sendReference(client, task) : sendBytes(client, task);
}

/** A function of its own for each mode: one that looks at the mode would cost every message of every mode. */
function sendBytes(client: SideClient, { mode, pool, bytes }: PublishTask): (index: number) => void {
  const payloads = payloadPool(pool, bytes);
  const publishOne = publishBytes(client.nc, mode);
  return (index) => {
    const payload = payloads[index % pool] ?? payloads[0];
    if (payload === undefined) throw new RangeError("no payloads");
    setNumber(payload, client.published++);
    publishOne(payload);
  };
}

function publishBytes(nc: NatsConnection, mode: PublishTask["mode"]): (payload: Uint8Array) => void {
  if (mode === "headers") {
    const block = headers();
    block.set("X-Id", "0123456789");
    block.set("X-Kind", "bench");
    return (payload) => nc.publish(SUBJECT, payload, { headers: block });
  }
  if (mode === "reply") return (payload) => nc.publish(SUBJECT, payload, { reply: "bench.reply" });
  return (payload) => nc.publish(SUBJECT, payload);
}

/** The payloads are not changed while they may be in flight. */
function sendReference(client: SideClient, { pool, bytes }: PublishTask): (index: number) => void {
  const payloads = payloadPool(pool, bytes);
  const nc = client.nc as HoldfastConnection;
  return (index) => {
    client.published++;
    nc.publish(SUBJECT, payloads[index % pool], { copy: false });
  };
}

/** Strings are made before the clock runs, so their numbers are those of their places in the pool. */
function sendString(client: SideClient, { pool, bytes }: PublishTask): (index: number) => void {
  const payloads = stringPool(pool, bytes);
  const { nc } = client;
  return (index) => {
    client.published++;
    nc.publish(SUBJECT, payloads[index % pool]);
  };
}
