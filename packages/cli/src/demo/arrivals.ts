/** Asks a stream what it has while it is written to. What is judged at the end is read anew (read-stream.ts). */
import { setTimeout as sleep } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { CleanUp } from "./clean-up.ts";
import type { PublisherStats } from "./messages.ts";
import type { PayloadFormat } from "./payload.ts";

/** What a stream has. */
export interface Arrivals {
  readonly stored: number;
  /** Numbers that are missing below that of the last message: a client publishes in order, so these come no more. */
  readonly passedOver: number;
}

const pollMs = 100;
/** A frozen server does not answer; what it said before stands meanwhile. */
const answerMs = 1_000;

/** Connects to the server directly, and again after each of its restarts, until `cleanUp` runs. */
export async function connectWatcher(url: string, cleanUp: CleanUp): Promise<JetStreamManager> {
  const nc = await connect({ servers: url, reconnectTimeWait: 100, maxReconnectAttempts: -1 });
  await cleanUp.add(() => nc.close());
  return await jetstreamManager(nc, { timeout: answerMs });
}

/** Follows a stream with one subject until `cleanUp` runs. What it returns says what the stream has, as it last said. */
export async function followArrivals(
  manager: JetStreamManager,
  stream: string,
  subject: string,
  format: PayloadFormat,
  cleanUp: CleanUp,
): Promise<() => Arrivals | null> {
  const ended = new AbortController();
  let latest: Arrivals | null = null;
  const follow = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      // Null for an empty stream, too.
      const last = await manager.streams.getMessage(stream, { last_by_subj: subject }).catch(() => null);
      if (last !== null) latest = { stored: last.seq, passedOver: Math.max(0, format.read(last.data) + 1 - last.seq) };
      await sleep(pollMs, undefined, { signal: ended.signal });
    }
  };
  follow().catch(() => {});
  await cleanUp.add(async () => ended.abort());
  return () => latest;
}

/**
 * What is certain to be lost without a word: passed over by the stream, and neither refused nor handed back. What was refused or handed back
 * may lie behind the last message of the stream: until that has caught up, this may be too low. `arrivals` must be older than the counts, or
 * it would be too high.
 */
export function lostSoFar(arrivals: Arrivals, { refused, handedBack }: PublisherStats): number {
  return Math.max(0, arrivals.passedOver - refused - (handedBack ?? 0));
}
