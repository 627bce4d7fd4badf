/** Cost of parsing a message, read in chunks of 64 KiB. Run: `node --conditions=source --import tsx bench/micro/parse.ts` */
import { bench, do_not_optimize, run } from "mitata";
import type { RawMessage, ServerEvents } from "../../packages/client/src/protocol/events.ts";
import { Parser } from "../../packages/client/src/protocol/parse.ts";

const chunkBytes = 64 * 1024;
const streamBytes = 1024 * 1024;

let seen = 0;
const events: ServerEvents = {
  info: () => {},
  message: (message: RawMessage) => {
    seen += message.sid + message.payloadEnd - message.payloadStart;
  },
  ping: () => {},
  pong: () => {},
  ok: () => {},
  error: () => {},
};

const headers = "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n";
const cases: readonly (readonly [name: string, frame: string])[] = [
  ["MSG 16 B", `MSG orders.created 7 16\r\n${"x".repeat(16)}\r\n`],
  ["MSG 16 B, reply", `MSG orders.created 7 _INBOX.ABCDEFGHIJKLMNOPQRSTUV.17 16\r\n${"x".repeat(16)}\r\n`],
  ["MSG 128 B", `MSG orders.created 7 128\r\n${"x".repeat(128)}\r\n`],
  ["HMSG 128 B", `HMSG orders.created 7 ${headers.length} ${headers.length + 128}\r\n${headers}${"x".repeat(128)}\r\n`],
  ["MSG 1 KiB", `MSG orders.created 7 1024\r\n${"x".repeat(1024)}\r\n`],
  ["MSG 256 KiB (spans chunks)", `MSG orders.created 7 262144\r\n${"x".repeat(262144)}\r\n`],
  ["PING", "PING\r\n"],
];

const messagesOf = new Map<string, number>();
for (const [name, frame] of cases) {
  const count = Math.floor(streamBytes / frame.length);
  const stream = Buffer.from(frame.repeat(count));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += chunkBytes) chunks.push(stream.subarray(at, at + chunkBytes));
  messagesOf.set(name, count);
  const parser = new Parser(events);
  bench(name, () => {
    for (const chunk of chunks) parser.parse(chunk);
    return do_not_optimize(seen);
  });
}

const result = await run({ format: "quiet" });
console.log("ns per frame (median of all runs)");
for (const { alias, runs } of result.benchmarks) {
  const median = runs[0]?.stats?.p50 ?? Number.NaN;
  console.log(`${alias.padEnd(30)} ${(median / (messagesOf.get(alias) ?? 1)).toFixed(1)}`);
}
