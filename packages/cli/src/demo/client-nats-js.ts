import { connect } from "@nats-io/transport-node";
import { followConnection } from "./connection-state.ts";
import type { DemoClient } from "./demo-client.ts";
import { sharedConnectOptions } from "./demo-client.ts";
import type { PublisherPlan } from "./messages.ts";
import { installedVersion } from "./versions.ts";

/** The official client. It has no limit on what it holds, hands nothing back and counts nothing. */
export async function connectNatsJs(plan: PublisherPlan): Promise<DemoClient> {
  const nc = await connect({ ...sharedConnectOptions, servers: plan.url });
  return {
    version: installedVersion("@nats-io/transport-node"),
    handsBack: false,
    publish: (subject, payload) => nc.publish(subject, payload),
    ...followConnection(nc),
    heldBytes: () => null,
    limitBytes: () => null,
    flush: () => nc.flush(),
    close: () => nc.close(),
    counts: () => null,
  };
}
