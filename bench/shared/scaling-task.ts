import { setImmediate as turn } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { Clock } from "./clock.ts";

/** Who is told here how many messages to how many subjects `scale.<n>` are wanted publishes them. */
export const SUBJECT_OF_ALL = "scaling.start";

/** What to measure. */
export type ScalingTask = {
  readonly url: string;
  /** The module of Holdfast; without it the official client. */
  readonly library?: string;
  readonly messages: number;
} & (
  | { readonly kind: "subscriptions" | "connections"; readonly count: number }
  | { readonly kind: "kept"; readonly count: number; readonly by: "last" | "spread" }
  | { readonly kind: "subjects"; readonly count: number; readonly fresh: boolean }
  /** `reference`: with `copy: false`, which the official client does not know. */
  | { readonly kind: "payload"; readonly bytes: number; readonly reference: boolean }
);

export interface ScalingAnswer {
  readonly perSecond: number;
  /** CPU time of the process, ns a message. */
  readonly cpuNs: number;
  /** Memory of one of what there are many of, bytes. */
  readonly bytesEach?: number;
  /** The same of a connection that has done nothing yet. */
  readonly bytesFresh?: number;
}

/** Publishes `messages` in turns of `batch` and waits for the server; closes the connection. */
export async function publishCounted(
  nc: NatsConnection,
  messages: number,
  begin: () => () => void,
  batch = 1000,
): Promise<ScalingAnswer> {
  const publish = begin();
  const clock = new Clock();
  for (let sent = 0; sent < messages; ) {
    for (const until = Math.min(sent + batch, messages); sent < until; sent++) publish();
    await turn();
  }
  await nc.flush();
  const { ms, cpuNs } = clock.stop(messages);
  await nc.close();
  return { perSecond: (messages / ms) * 1000, cpuNs };
}
