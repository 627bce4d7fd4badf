import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { Clock } from "../shared/clock.ts";
import { payloadPool, setNumber } from "../shared/payloads.ts";
import type { Answer, DownTask } from "../shared/tasks.ts";
import { addUp, outboundOf, type SideClient } from "./connection.ts";
import { SUBJECT } from "./publish.ts";

/** Does nothing while the server is away but hold what is published, up to any amount. */
const PATIENT = {
  reconnectBuffer: Infinity,
  retryOnFailedConnect: true,
  reconnectTimeWait: 60_000,
  reconnectJitter: 0,
  closeTimeout: 0,
};

export async function append(client: SideClient, task: DownTask): Promise<Answer> {
  const { warmUp = 0 } = task;
  if (warmUp > 0) await append(client, { ...task, messages: warmUp, warmUp: 0 });
  const nc = client.library === undefined ? await officialDown(client) : await client.connect(PATIENT);
  const rssBefore = process.memoryUsage.rss();
  const clock = new Clock();
  await publishAll(nc, task, 0);
  const answer = clock.stop(task.messages);
  const rssBytes = process.memoryUsage.rss() - rssBefore;
  const outbound = outboundOf(nc);
  const wireBytes = outbound?.held.bytes;
  const held = outbound?.held.messages ?? nc.stats().outMsgs;
  if (held !== task.messages) throw new Error(`published ${task.messages}, held ${held}`);
  // The official client's close() would wait for its next dial.
  const closed = nc.close();
  if (outbound === undefined) closed.catch(() => {});
  else {
    await closed;
    addUp(outbound.counts());
  }
  return { ...answer, rssBytes, ...(wireBytes === undefined ? {} : { wireBytes }) };
}

export async function hold(client: SideClient, task: DownTask): Promise<Answer> {
  const outbound = outboundOf(client.nc);
  while (outbound?.usable === true) await pause(1);
  const clock = new Clock();
  await publishAll(client.nc, task, client.published);
  client.published += task.messages;
  const held = outbound?.held.messages;
  if (held !== task.messages) throw new Error(`published ${task.messages}, held ${held}`);
  return clock.stop(task.messages);
}

export async function drain(client: SideClient, task: DownTask): Promise<Answer> {
  for await (const { type } of client.nc.status()) if (type === "reconnect") break;
  const clock = new Clock();
  await client.nc.flush();
  return { ...clock.stop(task.messages), ...client.check() };
}

async function publishAll(nc: NatsConnection, { messages, bytes, batch }: DownTask, first: number): Promise<void> {
  const payloads = payloadPool(batch, bytes);
  for (let sent = 0; sent < messages; ) {
    for (const payload of payloads.slice(0, messages - sent)) {
      setNumber(payload, first + sent++);
      nc.publish(SUBJECT, payload);
    }
    await turn();
  }
}

/** The official client holds messages only on a connection that it had once: a server of our own that takes it and goes away. */
async function officialDown(client: SideClient): Promise<NatsConnection> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (bytes.includes("PING")) socket.write("PONG\r\n");
    });
    socket.write('INFO {"server_id":"bench","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576}\r\n');
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const nc = await client.connect(
    { maxReconnectAttempts: -1, reconnectTimeWait: 60_000, reconnectJitter: 0 },
    `127.0.0.1:${port}`,
  );
  const statuses = nc.status();
  server.close();
  for (const socket of sockets) socket.destroy();
  for await (const { type } of statuses) if (type === "disconnect") break;
  // Its next dial would empty the queue; that is a minute away.
  return nc;
}
