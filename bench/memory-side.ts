/**
 * A cold process that publishes while it has no connection, for bench/memory.ts. Arguments: messages, bytes of payload. Prints one JSON object.
 */
import { setImmediate as turn } from "node:timers/promises";
import { connect } from "holdfast";
import { freePort } from "holdfast/testing";

const [messages = 0, bytes = 0] = process.argv.slice(2).map(Number);
const payload = new Uint8Array(bytes).fill(46);
const nc = await connect({ port: await freePort(), retryOnFailedConnect: true, reconnectBuffer: Infinity });

const before = process.memoryUsage().rss;
const start = performance.now();
for (let sent = 0; sent < messages; ) {
  for (const until = Math.min(sent + 1000, messages); sent < until; sent++) nc.publish("bench.memory.a", payload);
  await turn();
}
const ms = performance.now() - start;
const after = process.memoryUsage().rss;
const { held } = nc.outbound;
if (held.messages !== messages) throw new Error(`published ${messages}, held ${held.messages}`);
process.stdout.write(`${JSON.stringify({ rssBytes: after - before, wireBytes: held.bytes, ms })}\n`);
process.exit(0);
