import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect as connectOfficial, type NodeConnectionOptions } from "@nats-io/transport-node";
import { connect, type HoldfastOptions } from "../../src/index.ts";
import { afterwards } from "./peers-harness.ts";

/** How a `connect()` ended: null when there is a connection, otherwise what its error says. */
export interface Refusal {
  readonly name: string;
  readonly message: string;
}

/** What both clients take. */
type Options = HoldfastOptions & NodeConnectionOptions;

const quick = { reconnectTimeWait: 20, reconnectJitter: 0, reconnectJitterTLS: 0, timeout: 10_000 } as const;

/** Connects with Holdfast, closes again, and says how it went. */
export function tryHoldfast(options: Options): Promise<Refusal | null> {
  return outcome(connect({ ...quick, ...options }));
}

/** The same with the official client, which gets a copy: it writes to its options. */
export function tryOfficial(options: Options): Promise<Refusal | null> {
  return outcome(connectOfficial({ ...quick, ...options }));
}

async function outcome(connecting: Promise<NatsConnection>): Promise<Refusal | null> {
  let nc: NatsConnection;
  try {
    nc = await connecting;
  } catch (error) {
    assert.ok(error instanceof Error, `rejected with no error: ${String(error)}`);
    return { name: error.name, message: error.message };
  }
  try {
    // A connection that the server refuses a moment later is none.
    await nc.flush();
  } finally {
    await nc.close();
  }
  return null;
}

/** Both clients get a connection. */
export async function assertBothAccepted(options: Options): Promise<void> {
  assert.equal(await tryHoldfast(options), null, "Holdfast was refused");
  assert.equal(await tryOfficial(options), null, "the official client was refused");
}

/** Both clients are refused with the same error, which is returned. */
export async function assertBothRefused(options: Options): Promise<Refusal> {
  const ours = await tryHoldfast(options);
  assert.ok(ours !== null, "Holdfast got a connection");
  // The official client sends its PING apart from CONNECT: a reset that answers the one may swallow the server's word on the other.
  let theirs = await tryOfficial(options);
  for (let more = 3; more > 0 && theirs?.message !== ours.message; more--) theirs = await tryOfficial(options);
  assert.deepEqual(ours, theirs, "the official client says something else");
  return ours;
}

/** Either client, open for one test; both reconnect at once. */
export async function openClient(t: TestContext, which: "holdfast" | "nats.js", options: Options): Promise<NatsConnection> {
  const settings: Options = { ...quick, maxReconnectAttempts: -1, ...options };
  const nc = await (which === "holdfast" ? connect(settings) : connectOfficial(settings));
  afterwards(t, () => nc.close());
  return nc;
}

/** What a promise settles with, or an error after 40 s that says what did not happen. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within 40 s: ${what}`)), 40_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The errors that `nc.status()` tells from now on. */
export function recordErrors(nc: NatsConnection): Error[] {
  const errors: Error[] = [];
  const reading = (async () => {
    for await (const status of nc.status()) if (status.type === "error") errors.push(status.error);
  })();
  reading.catch(() => {});
  return errors;
}
