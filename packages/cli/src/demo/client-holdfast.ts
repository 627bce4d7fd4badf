import { connect } from "holdfast";
import { followConnection } from "./connection-state.ts";
import type { DemoClient, OnHandedBack } from "./demo-client.ts";
import { sharedConnectOptions } from "./demo-client.ts";
import type { PublisherPlan } from "./messages.ts";
import { installedVersion } from "./versions.ts";

/** Holdfast with its defaults, but for the size of the reconnect buffer and what the options of the demo ask for. */
export async function connectHoldfast(plan: PublisherPlan, onHandedBack: OnHandedBack): Promise<DemoClient> {
  const nc = await connect({
    ...sharedConnectOptions,
    servers: plan.url,
    reconnectBuffer: plan.bufferBytes,
    delivery: plan.delivery,
    ...(plan.stallTimeoutMs === null ? {} : { stallTimeout: plan.stallTimeoutMs }),
    onUndelivered: (batch) => {
      for (const { data, state } of batch) onHandedBack(data, state);
    },
  });
  return {
    version: installedVersion("holdfast"),
    handsBack: true,
    // What it returns only asks to slow down; the demo publishes at its rate whatever happens.
    publish: (subject, payload) => void nc.publish(subject, payload),
    ...followConnection(nc),
    heldBytes: () => nc.outbound.held.bytes,
    limitBytes: () => (nc.outbound.limit.bytes === Infinity ? null : nc.outbound.limit.bytes),
    flush: () => nc.flush(),
    close: () => nc.close(),
    counts: () => ({ ...nc.outbound.counts() }),
  };
}
