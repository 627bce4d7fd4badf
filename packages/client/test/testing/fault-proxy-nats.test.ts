import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startFaultProxy } from "../../src/testing/fault-proxy.ts";
import { startNatsServer } from "../../src/testing/nats-server.ts";
import type { ProxiedFrame } from "../../src/testing/proxied-connection.ts";
import { dial } from "./raw-socket.ts";

test("the server has every message that the proxy forwarded whole, and no other, wherever the cut falls", async (context) => {
  const server = await startNatsServer();
  const frames: ProxiedFrame[] = [];
  const proxy = await startFaultProxy({ upstream: server, onFrame: (frame) => frames.push(frame) });
  const observer = await connect({ servers: server.url });
  context.after(async () => {
    await observer.close();
    await proxy.stop();
    await server.stop();
  });
  const got: string[] = [];
  observer.subscribe("n.>", { callback: (_error, message) => void got.push(message.string()) });
  await observer.flush();

  const hello = 'CONNECT {"verbose":false}\r\n';
  const message = (number: number): string => `PUB n.${number} 40\r\n${String(number).padEnd(40)}\r\n`;
  const stream = hello + Array.from({ length: 20_000 }, (_, number) => message(number)).join("");
  for (const kind of ["rst", "fin"] as const) {
    for (const bytes of [hello.length + 1, 500, 4_097, 65_600, 200_000, 777_777]) {
      frames.length = 0;
      got.length = 0;
      proxy.cutNext({ toServer: bytes, kind });
      const arriving = proxy.nextConnection();
      const client = await dial(proxy.port);
      void client.write(stream);
      const link = await arriving;
      await link.ended;
      assert.equal(link.toServer.forwarded, bytes);
      const forwarded = frames.flatMap(({ verb, payload }) =>
        verb === "PUB" && payload ? [Buffer.from(payload).toString()] : [],
      );
      // The server may still be reading: wait for as many, then make sure that no more come.
      while (got.length < forwarded.length) await observer.flush();
      await observer.flush();
      assert.deepEqual(got, forwarded, `${kind} after ${bytes} bytes`);
      client.socket.destroy();
    }
  }
});

test("the official client reconnects through a reset, a closed port and a frozen server, and PONGs are seen", async (context) => {
  const server = await startNatsServer();
  const pongs: number[] = [];
  const proxy = await startFaultProxy({
    upstream: server,
    onFrame: ({ verb, direction, connection }) => {
      if (verb === "PONG" && direction === "toClient") pongs.push(connection.id);
    },
  });
  const client = await connect({ servers: proxy.url, reconnectTimeWait: 10, maxReconnectAttempts: -1 });
  context.after(async () => {
    await client.close();
    await proxy.stop();
    await server.stop();
  });
  const statuses = client.status()[Symbol.asyncIterator]();
  const until = async (wanted: string): Promise<void> => {
    for (;;) {
      const { value } = await statuses.next();
      if (value?.type === wanted) return;
    }
  };
  await client.flush();
  proxy.refuse();
  await proxy.cut();
  await until("disconnect");
  await proxy.accept();
  await until("reconnect");
  await client.flush();
  await server.freeze();
  await proxy.cut();
  await until("disconnect");
  server.thaw();
  await until("reconnect");
  await client.flush();
  assert.ok(pongs.includes(1) && pongs.includes(2));
});
