/**
 * Sends pre-encoded messages as fast as they are taken, so that the one who receives is the limit. A publish to `bench.start` with "<messages> <bytes> <batch>" makes it send
 * so many to `bench.receive`, with numbers that start again after each batch. Arguments: none for a server of its own, whose one subscription gets them (its
 * answer to the first task is `{ "url": … }`), or the port of a real server on loopback to publish them to.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { payloadPool } from "../shared/payloads.ts";
import { serve } from "../shared/serve.ts";

const SUBJECT = "bench.receive";
const INFO =
  'INFO {"server_id":"bench","server_name":"bench","version":"2.12.0","proto":1,"headers":true,"max_payload":1048576}\r\n';
const [port] = process.argv.slice(2);

if (port === undefined) {
  const server = createServer((socket) => {
    socket.write(INFO);
    let sid = "";
    follow(socket, (line) => {
      if (line.startsWith("SUB ")) sid = line.split(" ").at(-1) ?? "";
      return `MSG ${SUBJECT} ${sid}`;
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  await answerWith({ url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}` });
} else {
  const socket = connect(Number(port), "127.0.0.1");
  follow(socket, () => `PUB ${SUBJECT}`);
  socket.write('CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\nSUB bench.start 1\r\nPING\r\n');
  await once(socket, "data");
  await once(socket, "data");
  await answerWith({});
}

function answerWith(result: object): Promise<void> {
  return serve(
    "source",
    () => result,
    async () => process.exit(0),
  );
}

/** Answers PINGs, and each `bench.start` with its messages; `header` sees every line and says how a message begins. */
function follow(socket: Socket, header: (line: string) => string): void {
  let rest = "";
  let wanted = false;
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    const lines = (rest + bytes.toString("latin1")).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const start = header(line);
      if (wanted) void blast(socket, start, line);
      wanted = line.startsWith("PUB bench.start ") || line.startsWith("MSG bench.start ");
      if (line === "PING") socket.write("PONG\r\n");
    }
  });
}

async function blast(socket: Socket, start: string, order: string): Promise<void> {
  const [messages = 0, bytes = 0, batch = 0] = order.split(" ").map(Number);
  const frames = payloadPool(batch, bytes).map((payload) =>
    Buffer.concat([Buffer.from(`${start} ${bytes}\r\n`), payload, Buffer.from("\r\n")]),
  );
  const all = Buffer.concat(frames);
  const frame = all.length / batch;
  for (let left = messages; left > 0; left -= batch) {
    const part = left < batch ? all.subarray(0, left * frame) : all;
    if (!socket.write(part)) await once(socket, "drain");
  }
}
