import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type HoldfastOptions } from "holdfast";
import { type FaultProxy, freePort } from "holdfast/testing";
import type { Draft } from "../../src/messages/record.ts";
import { CoreOutlet } from "../../src/pub/core-outlet.ts";
import type { WhenFullChoice } from "../../src/pub/options.ts";
import { noServer } from "../cli.ts";
import { startPlace } from "./watch.ts";

const skip = noServer();
const never = new AbortController().signal;
const over = AbortSignal.abort();

interface Opened {
  readonly outlet: CoreOutlet;
  /** State and first byte of each message that came back. */
  readonly ended: (readonly [state: string, data: string])[];
}

async function open(options: HoldfastOptions, whenFull: WhenFullChoice = "wait"): Promise<Opened> {
  const ended: [string, string][] = [];
  let outlet: CoreOutlet | undefined;
  const nc = await connect({ reconnectTimeWait: 50, ...options, onUndelivered: (batch) => outlet?.handedBack(batch) });
  outlet = new CoreOutlet(nc, { whenFull, msgIds: false }, (messages) => {
    for (const [{ data }, state] of messages) ended.push([state, String.fromCharCode(data[0] ?? 0)]);
  });
  return { outlet, ended };
}

function draft(letter: string, bytes: number): Draft {
  return { subject: "a", data: new Uint8Array(bytes).fill(letter.charCodeAt(0)) };
}

/** Cut, and turned away until `proxy.onAccept` is "forward" again. Resolves when the client has noticed. */
async function takeDown(proxy: FaultProxy): Promise<void> {
  proxy.onAccept = "reset";
  await proxy.cut();
  const enough = proxy.accepted + 1;
  while (proxy.accepted < enough) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a message that does not fit waits, and is published when there is room; what never fits is refused at once", {
  skip,
}, async (t) => {
  const { proxy, watcher } = await startPlace(t);
  const limits = { maxBytes: 10_000, maxMessages: Number.POSITIVE_INFINITY };
  const { outlet, ended } = await open({ servers: proxy.url, reconnectBuffer: limits, maxQueued: limits });
  await takeDown(proxy);
  assert.equal(outlet.publish(draft("a", 6_000), never), undefined, "60 % is no reason to wait");
  const waiting = outlet.publish(draft("b", 6_000), never);
  assert.ok(waiting instanceof Promise);
  assert.equal(outlet.publish(draft("c", 20_000), never), undefined);
  assert.deepEqual(ended, [["refused", "c"]]);
  assert.deepEqual([outlet.counts().taken, outlet.counts().held, outlet.counts().refused], [2, 1, 1]);
  proxy.onAccept = "forward";
  await waiting;
  await outlet.finish(never);
  await watcher.whenHeard(2);
  assert.deepEqual(
    watcher.heard.map(({ data }) => String.fromCharCode(data[0] ?? 0)),
    ["a", "b"],
  );
  assert.deepEqual([outlet.counts().confirmed, outlet.counts().held, ended.length], [2, 0, 1]);
});

test("with --no-buffer a message waits for a connection; a signal ends the wait, and the message was not taken", {
  skip,
}, async (t) => {
  const { proxy, watcher } = await startPlace(t);
  const { outlet, ended } = await open({ servers: proxy.url, reconnectBuffer: false, maxQueued: { maxBytes: 10_000 } });
  await takeDown(proxy);
  const stop = new AbortController();
  const stopped = outlet.publish(draft("x", 1), stop.signal);
  const waiting = outlet.publish(draft("a", 1), never);
  stop.abort(new Error("Ctrl-C"));
  await assert.rejects(async () => await stopped, /Ctrl-C/);
  proxy.onAccept = "forward";
  await waiting;
  await outlet.finish(never);
  await watcher.whenHeard(1);
  assert.deepEqual(
    watcher.heard.map((msg) => msg.string()),
    ["a"],
  );
  assert.deepEqual([outlet.counts().taken, ended], [1, []]);
});

test("the end waits until all that was held is handed back, however much that is", async () => {
  const servers = `127.0.0.1:${await freePort()}`;
  // Nothing but our own wait lets the listener finish.
  const { outlet, ended } = await open({
    servers,
    retryOnFailedConnect: true,
    closeTimeout: 0,
    reconnectBuffer: 64 * 1024 * 1024,
  });
  for (let i = 0; i < 60_000; i++) void outlet.publish(draft("a", 10), never);
  await outlet.finish(over);
  assert.equal(ended.length, 60_000);
  assert.ok(ended.every(([state]) => state === "abandoned"));
  assert.deepEqual([outlet.counts().unsent, outlet.counts().held], [60_000, 0]);
});
