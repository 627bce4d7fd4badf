import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ProxiedFrame, startFaultProxy, startNatsServer } from "holdfast/testing";
import { PayloadFormat } from "../../src/demo/payload.ts";
import { eachNumber } from "../../src/demo/ranges.ts";
import { Receipts, type SeenConnection } from "../../src/demo/receipts.ts";
import { noServer } from "../cli.ts";

const format = new PayloadFormat("holdfast", 16);

function connection(id: number, error: Error | null = null): SeenConnection {
  return { id, frameError: (direction) => (direction === "toServer" ? error : null) };
}

/** What was seen on one connection, in order: a message by its number, `">"` a PING to the server, `"<"` a PONG to the client. */
function see(receipts: Receipts, on: SeenConnection, ...seen: readonly (number | ">" | "<")[]): void {
  for (const what of seen) {
    if (what === "<") receipts.take({ connection: on, direction: "toClient", verb: "PONG", payload: null });
    else if (what === ">") receipts.take({ connection: on, direction: "toServer", verb: "PING", payload: null });
    else receipts.take({ connection: on, direction: "toServer", verb: "PUB", payload: format.write(what) });
  }
}

function numbers(receipts: Receipts): number[] {
  return [...eachNumber(receipts.numbers())];
}

test("what went to the server before a PING is confirmed by its PONG, and nothing else is", () => {
  const receipts = new Receipts(format);
  see(receipts, connection(1), ">", "<", 0, 1, ">", 2, ">", "<", 3);
  assert.deepEqual(numbers(receipts), [0, 1]);
  assert.equal(receipts.gap(), null);
});

test("each PONG answers the oldest PING", () => {
  const receipts = new Receipts(format);
  see(receipts, connection(1), 0, ">", 1, ">", 2, ">", "<", "<");
  assert.deepEqual(numbers(receipts), [0, 1]);
});

test("connections do not confirm for each other; a message sent again is confirmed where it was", () => {
  const receipts = new Receipts(format);
  const first = connection(1);
  see(receipts, first, 0, 1, ">");
  see(receipts, connection(2), ">", "<", 1, ">", "<");
  assert.deepEqual(numbers(receipts), [1]);
  see(receipts, first, "<");
  assert.deepEqual(numbers(receipts), [1, 0, 1]);
});

test("a PONG whose PING was never seen confirms nothing, and is a gap in the record", () => {
  const receipts = new Receipts(format);
  see(receipts, connection(1), 0, "<");
  assert.deepEqual(numbers(receipts), []);
  assert.match(String(receipts.gap()), /more PONGs than PINGs on connection 1/);
});

test("a PING that is seen late settles the PONG that came early", () => {
  const receipts = new Receipts(format);
  const link = connection(1);
  see(receipts, link, 0, "<", ">", 1);
  assert.deepEqual(numbers(receipts), [0]);
  assert.equal(receipts.gap(), null);
});

test("a connection that could not be read is a gap in the record", () => {
  const receipts = new Receipts(format);
  see(receipts, connection(3, new Error("not the NATS protocol")), 0);
  assert.equal(receipts.gap(), "the proxy could not read connection 3: not the NATS protocol");
});

test("the PINGs of the server and the PONGs of the client confirm nothing", () => {
  const receipts = new Receipts(format);
  const link = connection(1);
  see(receipts, link, 0);
  receipts.take({ connection: link, direction: "toClient", verb: "PING", payload: null });
  receipts.take({ connection: link, direction: "toServer", verb: "PONG", payload: null });
  assert.deepEqual(numbers(receipts), []);
  assert.equal(receipts.gap(), null);
});

test("through a real proxy and server, a PONG that is held back confirms nothing until it comes", {
  skip: noServer(),
}, async (t) => {
  await using server = await startNatsServer();
  const receipts = new Receipts(format);
  let heard: (frame: ProxiedFrame) => void = () => {};
  const next = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      heard = ({ verb }) => {
        if (verb === wanted) resolve();
      };
    });
  await using proxy = await startFaultProxy({
    upstream: server,
    onFrame: (frame) => {
      receipts.take(frame);
      heard(frame);
    },
  });
  const socket = connect(proxy.port, proxy.host);
  t.after(() => void socket.destroy());
  await once(socket, "data");
  const message = (number: number): string => `PUB a 16\r\n${Buffer.from(format.write(number)).toString("latin1")}\r\n`;
  const first = next("PONG");
  socket.write(`CONNECT {"verbose":false}\r\n${message(0)}PING\r\n${message(1)}`);
  await first;
  assert.deepEqual(numbers(receipts), [0]);
  proxy.toClient.hold();
  const asked = next("PING");
  socket.write(`PING\r\n${message(2)}`);
  await asked;
  // Time for the answer that must not count.
  await sleep(50);
  assert.deepEqual(numbers(receipts), [0]);
  const answered = next("PONG");
  proxy.toClient.forward();
  await answered;
  assert.deepEqual(numbers(receipts), [0, 1]);
});
