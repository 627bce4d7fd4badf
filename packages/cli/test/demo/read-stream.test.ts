import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startNatsServer } from "holdfast/testing";
import { PayloadFormat, unreadable } from "../../src/demo/payload.ts";
import { createStream, readStream, whenQuiet } from "../../src/demo/read-stream.ts";
import { noServer } from "../cli.ts";

const format = new PayloadFormat("holdfast", 16);

test("the stream is read whole, in its order, with copies and with what nobody wrote", { skip: noServer() }, async () => {
  await using server = await startNatsServer({ jetStream: true });
  const nc = await connect({ servers: server.url, reconnect: false });
  await createStream(nc, "s", "s.x", "memory");
  const numbers = [...Array.from({ length: 25_000 }, (_, number) => number), 5, 3];
  for (const number of numbers) nc.publish("s.x", format.write(number));
  nc.publish("s.x", "who wrote this?");
  await nc.flush();
  await whenQuiet(nc, ["s"]);
  assert.deepEqual(await readStream(nc, "s", format), [...numbers, unreadable]);
  await nc.close();
});

test("an empty stream is read at once", { skip: noServer() }, async () => {
  await using server = await startNatsServer({ jetStream: true });
  const nc = await connect({ servers: server.url, reconnect: false });
  await createStream(nc, "s", "s.x", "memory");
  assert.deepEqual(await readStream(nc, "s", format), []);
  await nc.close();
});

test("a stream is quiet only a second after its last message", { skip: noServer() }, async () => {
  await using server = await startNatsServer({ jetStream: true });
  const nc = await connect({ servers: server.url, reconnect: false });
  await createStream(nc, "s", "s.x", "memory");
  let lastAt = 0;
  let left = 4;
  const publishing = setInterval(() => {
    nc.publish("s.x", format.write(left));
    lastAt = performance.now();
    left -= 1;
    if (left === 0) clearInterval(publishing);
  }, 300);
  await whenQuiet(nc, ["s"]);
  assert.equal(left, 0);
  // The poll may see the message some milliseconds before we noted its time.
  assert.ok(performance.now() - lastAt > 990);
  await nc.close();
});
