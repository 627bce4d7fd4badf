/**
 * The wire limit: frames that are encoded before the clock runs, written in pieces of 64 KiB, with a PING behind the last: what the server takes from any client. Argument:
 * the set-up as JSON.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { Clock } from "../shared/clock.ts";
import { payloadPool, setNumber } from "../shared/payloads.ts";
import { serve } from "../shared/serve.ts";
import type { Answer, PublishTask, Setup } from "../shared/tasks.ts";
import { SUBJECT } from "./publish.ts";

const PIECE = 64 * 1024;
const { url }: Setup = JSON.parse(process.argv[2] ?? "{}");
const { hostname, port } = new URL(url);
const socket = connect(Number(port), hostname);
let published = 0;
await once(socket, "data");
socket.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
await serve("wire limit", publish, async () => {
  socket.destroy();
});

async function publish(task: PublishTask): Promise<Answer> {
  const frames = encode(task);
  // Whole frames: the answer to a PING of the server may come between two pieces.
  const frame = frames.length / task.messages;
  const piece = Math.max(1, Math.floor(PIECE / frame)) * frame;
  const pong = ponged();
  const clock = new Clock();
  for (let at = 0; at < frames.length; at += piece) {
    if (!socket.write(frames.subarray(at, at + piece))) await once(socket, "drain");
  }
  socket.write("PING\r\n");
  await pong;
  return clock.stop(task.messages);
}

function encode({ messages, bytes }: PublishTask): Buffer {
  const [payload = Buffer.alloc(0)] = payloadPool(1, bytes);
  const one = Buffer.concat([Buffer.from(`PUB ${SUBJECT} ${bytes}\r\n`), payload, Buffer.from("\r\n")]);
  const all = Buffer.alloc(messages * one.length);
  for (let i = 0; i < messages; i++) {
    one.copy(all, i * one.length);
    const from = (i + 1) * one.length - bytes - 2;
    setNumber(all.subarray(from, from + 4), published++);
  }
  return all;
}

/** Resolves at the next PONG; the server's own PINGs are answered. */
function ponged(): Promise<void> {
  return new Promise((resolve) => {
    const listen = (bytes: Buffer): void => {
      if (bytes.includes("PING")) socket.write("PONG\r\n");
      if (!bytes.includes("PONG")) return;
      socket.off("data", listen);
      resolve();
    };
    socket.on("data", listen);
  });
}
