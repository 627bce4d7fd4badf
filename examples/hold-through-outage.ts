/**
 * Publishes through an outage and accounts for every message. In the workspace:
 *
 *     node --conditions=source --import tsx examples/hold-through-outage.ts
 *
 * It starts a nats-server of its own ($NATS_SERVER, or one on PATH) and cuts the link with the fault proxy of `holdfast/testing`. In your
 * program there is only the part between the two lines.
 */
import { connect } from "holdfast";
import { startFaultProxy, startNatsServer } from "holdfast/testing";

await using server = await startNatsServer();
await using proxy = await startFaultProxy({ upstream: server.url });

// ---------------------------------------------------------------------------------------------------------------------
const nc = await connect({
  servers: proxy.url,
  reconnectTimeWait: 250,
  reconnectBuffer: { maxBytes: 1024 * 1024, maxAge: 60_000 },
  onUndelivered: (batch) => {
    for (const { subject, state, ageMs } of batch) console.log(`handed back: ${subject}, ${state}, ${Math.round(ageMs)} ms old`);
  },
});

for (let i = 0; i < 100; i++) {
  if (i === 30) await cutTheLink();
  if (i === 60) await proxy.accept();
  nc.publish("readings", `reading ${i}`);
  await new Promise((resolve) => setTimeout(resolve, 10));
}
await nc.drain();

const counts = nc.outbound.counts();
console.log(`accepted ${counts.accepted}: confirmed ${counts.confirmed}, in doubt ${counts.inDoubt}`);
// ---------------------------------------------------------------------------------------------------------------------

/** A reset, and the port closed. */
async function cutTheLink(): Promise<void> {
  proxy.refuse();
  await proxy.cut("rst");
}
