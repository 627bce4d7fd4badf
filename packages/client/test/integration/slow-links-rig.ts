/** A real server behind a slow link, and what a client must have made of it: everything arrived, on one connection. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Delivery, HoldfastOptions } from "../../src/index.ts";
import { assertIdentity, numbers, observe, openLine } from "./peers-harness.ts";

/** A link, and what goes through it. */
export interface SlowLink {
  readonly bytesPerSecond: number;
  /** Milliseconds, half of it each way. */
  readonly roundTrip: number;
  /** Bytes of frames that wait when the link comes up. */
  readonly backlog: number;
  /** Bytes of each frame. */
  readonly frame: number;
}

const SUBJECT = "slow";
const FRAMING = `PUB ${SUBJECT} 100\r\n`.length + 2;

/** Publishes a backlog while the link is down; when it comes up, slow, all arrives once and in order, and nothing takes it for dead. */
export async function survives(t: TestContext, link: SlowLink, client: HoldfastOptions & { delivery: Delivery }): Promise<void> {
  const line = await openLine(t, { client });
  const { nc, proxy } = line;
  const seen = await observe(t, line.server, SUBJECT);
  await line.down();
  const texts = numbers(1, Math.ceil(link.backlog / link.frame)).map((text) => text.padEnd(link.frame - FRAMING));
  for (const text of texts) nc.publish(SUBJECT, text);
  assert.ok(nc.outbound.held.bytes >= 0.95 * link.backlog, `${nc.outbound.held.bytes} bytes are held`);
  proxy.toServer.throttle(link.bytesPerSecond);
  proxy.toServer.delay(link.roundTrip / 2);
  proxy.toClient.delay(link.roundTrip / 2);
  const start = performance.now();
  await line.up();
  await nc.flush();
  const seconds = (performance.now() - start) / 1000;
  await seen.settled();
  assert.deepEqual(seen.texts, texts);
  const { confirmed, resent, inDoubt } = nc.outbound.counts();
  assert.deepEqual({ confirmed, resent, inDoubt }, { confirmed: texts.length, resent: 0, inDoubt: 0 });
  assertIdentity(nc);
  assert.equal(proxy.accepted, 2, "connections: the first, and the slow one");
  assert.ok(seconds > (0.8 * link.backlog) / link.bytesPerSecond, `the link was not slow: ${seconds} s`);
  t.diagnostic(`${texts.length} messages in ${seconds.toFixed(1)} s`);
}
