/**
 * One measurement of bench/scaling.ts with one client, in a cold process: memory is read behind the collector. Argument: a `ScalingTask` as JSON. Prints a
 * `ScalingAnswer` as JSON.
 */
import { setImmediate as turn } from "node:timers/promises";
import { connect as connectOfficial, type NatsConnection } from "@nats-io/transport-node";
import type { HoldfastPublishOptions } from "holdfast";
import { Clock } from "../shared/clock.ts";
import { publishCounted, type ScalingAnswer, type ScalingTask, SUBJECT_OF_ALL } from "../shared/scaling-task.ts";

const task: ScalingTask = JSON.parse(process.argv[2] ?? "{}");
const connect: typeof connectOfficial = task.library === undefined ? connectOfficial : (await import(task.library)).connect;
process.stdout.write(JSON.stringify(await act()));

function act(): Promise<ScalingAnswer> {
  switch (task.kind) {
    case "subscriptions":
      return subscriptions(task.count, task.messages);
    case "subjects":
      return subjects(task.count, task.messages, task.fresh);
    case "payload":
      return payloads(task.bytes, task.messages, task.reference);
    case "connections":
      return connections(task.count, task.messages);
    case "kept":
      return kept(task.count, task.messages, task.by);
  }
}

/** Subscriptions to a subject each; then messages to all of them in turn. */
async function subscriptions(count: number, messages: number): Promise<ScalingAnswer> {
  const nc = await connect({ servers: task.url });
  const before = memory();
  let seen = 0;
  const callback = (): void => {
    seen++;
  };
  for (let i = 0; i < count; i++) {
    nc.subscribe(`scale.${i}`, { callback });
    // The official client keeps every SUB of a turn in a buffer of its own.
    if (i % 1000 === 999) await nc.flush();
  }
  await nc.flush();
  const bytes = memory() - before;
  const clock = new Clock();
  nc.publish(SUBJECT_OF_ALL, JSON.stringify({ messages, subjects: count }));
  while (seen < messages) await turn();
  const answer = clock.stop(messages);
  await nc.close();
  return { ...rate(answer, messages), bytesEach: bytes / count };
}

/** Publishes to many subjects in turn; `fresh`: the string of each is made for the message, as by a template. */
async function subjects(count: number, messages: number, fresh: boolean): Promise<ScalingAnswer> {
  const nc = await connect({ servers: task.url });
  const payload = new Uint8Array(16);
  const list = Array.from({ length: count }, (_, i) => `orders.${i}`);
  await warmUp(nc, payload);
  return await publishCounted(nc, messages, () => {
    let next = 0;
    return () => {
      const i = next++ % count;
      nc.publish(fresh ? `orders.${i}` : (list[i] ?? ""), payload);
    };
  });
}

async function payloads(bytes: number, messages: number, reference: boolean): Promise<ScalingAnswer> {
  const options: HoldfastPublishOptions | undefined = reference ? { copy: false } : undefined;
  const nc = await connect({ servers: task.url });
  const payload = new Uint8Array(bytes).fill(46);
  const aTurn = Math.max(1, Math.ceil(262_144 / (bytes + 40)));
  // Code that V8 has not compiled yet, and memory that is touched for the first time, cost many times the copy.
  for (let n = 0; n < messages * 1.5; n++) {
    nc.publish("scale.warm", payload, options);
    if (n % aTurn === 0) await turn();
  }
  await nc.flush();
  return await publishCounted(nc, messages, () => () => nc.publish("scale.payload", payload, options), aTurn);
}

/** Idle connections: what one more costs; then all publish in turn. */
async function connections(count: number, messages: number): Promise<ScalingAnswer> {
  // The first one pays for what all share.
  const first = await connect({ servers: task.url });
  const before = memory();
  const all: NatsConnection[] = [];
  while (all.length < count) {
    all.push(
      ...(await Promise.all(Array.from({ length: Math.min(50, count - all.length) }, () => connect({ servers: task.url })))),
    );
  }
  const fresh = (memory() - before) / count;
  const payload = new Uint8Array(16);
  const clock = new Clock();
  for (let sent = 0; sent < messages; ) {
    for (const nc of all) for (let n = 0; n < 10; n++, sent++) nc.publish("scale.connections", payload);
    await turn();
  }
  await Promise.all(all.map((nc) => nc.flush()));
  const answer = clock.stop(messages);
  // Memory that an idle connection does not need is let go of within a few seconds.
  await new Promise((done) => setTimeout(done, 7000));
  const bytesEach = (memory() - before) / count;
  await Promise.all([first, ...all].map((nc) => nc.close()));
  return { ...rate(answer, messages), bytesEach, bytesFresh: fresh };
}

/**
 * Of many messages to many subjects one of each is kept: the last one, so that those kept came one behind the other, or one of every so many, so that all of them
 * shared their memory with others.
 */
async function kept(count: number, messages: number, by: "last" | "spread"): Promise<ScalingAnswer> {
  const nc = await connect({ servers: task.url });
  const last = new Map<string, unknown>();
  const before = memory();
  const apart = messages / count;
  let seen = 0;
  nc.subscribe("scale.*", {
    callback: (_error, message) => {
      seen++;
      if (by === "last" || seen % apart === 0) last.set(by === "last" ? message.subject : String(seen), message);
    },
  });
  await nc.flush();
  const clock = new Clock();
  nc.publish(SUBJECT_OF_ALL, JSON.stringify({ messages, subjects: count }));
  while (seen < messages) await turn();
  const answer = clock.stop(messages);
  const bytes = memory() - before;
  if (last.size !== count) throw new Error(`kept ${last.size} of ${count}`);
  await nc.close();
  return { ...rate(answer, messages), bytesEach: bytes / count };
}

async function warmUp(nc: NatsConnection, payload: Uint8Array): Promise<void> {
  for (let i = 0; i < 50_000; i++) {
    nc.publish("scale.warm", payload);
    if (i % 1000 === 999) await turn();
  }
  await nc.flush();
}

function rate({ ms, cpuNs }: { ms: number; cpuNs: number }, messages: number): { perSecond: number; cpuNs: number } {
  return { perSecond: (messages / ms) * 1000, cpuNs };
}

/** What JavaScript holds, and what lies outside of its heap for it. */
function memory(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
