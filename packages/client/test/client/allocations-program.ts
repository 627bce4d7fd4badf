/**
 * For allocations.test.ts: how many bytes of the heap one publish, request and received message cost, as JSON on standard output. In a process of
 * its own, whose nursery is so large that nothing is collected between two looks. Argument: URL of the server.
 */
import { setImmediate as turn } from "node:timers/promises";
import { connect, type HoldfastConnection, headers, type SubscriptionOptions } from "../../src/index.ts";

const ROUNDS = 41;
const MESSAGES = 2_000;
const payload = new Uint8Array(16).fill(46);

const inHeaders = headers();
inHeaders.set("Trace", "0123456789");

const nc = await connect({ servers: process.argv[2] ?? "" });
const costs = {
  publish: await published(() => nc.publish("costs.publish", payload)),
  publishString: await published(() => nc.publish("costs.publish", "sixteen letters!")),
  reply: await published(() => nc.publish("costs.publish", payload, { reply: "costs.reply" })),
  headers: await published(() => nc.publish("costs.publish", payload, { headers: inHeaders })),
  request: await requested(),
  callback: await received(await publisher(), "costs.callback", (count) => ({ callback: (_error, msg) => count(msg.data) })),
};
await nc.close();
process.stdout.write(JSON.stringify(costs));

/** Bytes a call, the median of many rounds: one in which the collector ran, or a function was compiled, is only one of them. */
async function published(call: () => void): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < MESSAGES; n++) call();
    rounds.push((process.memoryUsage().heapUsed - before) / MESSAGES);
    await nc.flush();
  }
  return median(rounds);
}

/** The same for a request in flight: with its promise, before its answer. */
async function requested(): Promise<number> {
  nc.subscribe("costs.request", { callback: (_error, message) => void message.respond(payload) });
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const answers: Promise<unknown>[] = [];
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < MESSAGES; n++) answers.push(nc.request("costs.request", payload, { timeout: 60_000 }));
    rounds.push((process.memoryUsage().heapUsed - before) / MESSAGES);
    await Promise.all(answers);
  }
  return median(rounds);
}

/** The same for a message that comes in. */
async function received(
  from: HoldfastConnection,
  subject: string,
  options: (count: (data: Uint8Array) => void) => SubscriptionOptions,
): Promise<number> {
  const rounds: number[] = [];
  let seen = 0;
  let bytes = 0;
  let before = 0;
  nc.subscribe(
    subject,
    options((data) => {
      bytes += data.length;
      seen++;
      if (seen % MESSAGES === 1) before = process.memoryUsage().heapUsed;
      else if (seen % MESSAGES === 0) rounds.push((process.memoryUsage().heapUsed - before) / (MESSAGES - 1));
    }),
  );
  await nc.flush();
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < MESSAGES; n++) from.publish(subject, payload);
    await from.flush();
    while (seen < (round + 1) * MESSAGES) await turn();
  }
  if (bytes !== ROUNDS * MESSAGES * payload.length) throw new Error(`${bytes} bytes came`);
  await from.close();
  return median(rounds);
}

/** Another connection of this process: what it allocates while it publishes lies outside the looks, and what it does in between is little. */
function publisher(): Promise<HoldfastConnection> {
  return connect({ servers: process.argv[2] ?? "" });
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return Math.round(values[values.length >> 1] ?? Number.NaN);
}
