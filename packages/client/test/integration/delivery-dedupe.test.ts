/** `msgId: "auto"`: a stream's duplicate window makes the second copy vanish that at-least-once delivery may bring. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { HoldfastPublishOptions } from "../../src/index.ts";
import { type Line, limit, numbers, observe, openLine, openOfficial, until } from "./peers-harness.ts";

const count = 300;

/** A stream of `foo`; every message is stored, no PONG comes back, the link dies, and all goes again. */
async function storedTwiceOrOnce(t: TestContext, options: HoldfastPublishOptions): Promise<{ line: Line; stored: string[] }> {
  const line = await openLine(t, { server: { jetStream: true }, client: { delivery: "at-least-once" } });
  const observer = await openOfficial(t, line.server.url);
  const manager: JetStreamManager = await jetstreamManager(observer);
  await manager.streams.add({ name: "s", subjects: ["foo"], duplicate_window: 60_000_000_000 });
  const seen = await observe(t, line.server, "foo");
  line.proxy.toClient.swallow();
  for (const number of numbers(1, count)) line.nc.publish("foo", number, options);
  await until("the server has them", () => seen.messages.length === count);
  await line.proxy.cut();
  line.proxy.toClient.forward();
  await line.nc.flush();
  // Behind them in the stream's queue.
  await jetstream(observer).publish("foo", "end", { timeout: 10_000 });
  const stored: string[] = [];
  const { state } = await manager.streams.info("s");
  for (let seq = 1; seq < state.last_seq; seq++) stored.push((await manager.streams.getMessage("s", { seq }))?.string() ?? "");
  return { line, stored };
}

test("without msgId a stream stores what was sent again twice", limit, async (t) => {
  const { line, stored } = await storedTwiceOrOnce(t, {});
  assert.deepEqual(stored, [...numbers(1, count), ...numbers(1, count)]);
  assert.equal(line.nc.outbound.counts().resent, count);
});

test('with msgId: "auto" it stores each once', limit, async (t) => {
  const { line, stored } = await storedTwiceOrOnce(t, { msgId: "auto" });
  assert.deepEqual(stored, numbers(1, count));
  const { resent, confirmed } = line.nc.outbound.counts();
  assert.deepEqual({ resent, confirmed }, { resent: count, confirmed: count });
});
