/** Holdfast beside the official modules: are the classes of the one those of the others, and does JetStream work? */
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { errors as coreErrors } from "@nats-io/nats-core";
import { errors as officialErrors } from "@nats-io/transport-node";
import { connect, errors } from "holdfast";

const nc = await connect({ servers: process.env.NATS_URL, timeout: 10_000 });
nc.subscribe("silent", { callback: () => {} });
const refused = await failure(() => nc.request("nobody", "", { timeout: 10_000 }));
const thrown = {
  RequestError: refused,
  NoRespondersError: refused.cause,
  TimeoutError: await failure(() => nc.request("silent", "", { timeout: 50 })),
  InvalidSubjectError: await failure(async () => nc.publish("a b")),
  InvalidArgumentError: await failure(() => connect({ servers: process.env.NATS_URL, reconnectBuffer: -1 })),
};
const jsm = await jetstreamManager(nc, { timeout: 10_000 });
await jsm.streams.add({ name: "work", subjects: ["work.*"] });
await jsm.consumers.add("work", { durable_name: "worker", ack_policy: AckPolicy.Explicit });
const js = jetstream(nc, { timeout: 10_000 });
for (let i = 0; i < 10; i++) await js.publish(`work.${i}`, `job ${i}`);
const consumer = await js.consumers.get("work", "worker");
const jobs = [];
for await (const msg of await consumer.fetch({ max_messages: 10, expires: 10_000 })) {
  jobs.push(msg.string());
  await msg.ackAck();
}
const { num_ack_pending, num_pending } = await consumer.info();
await nc.close();
thrown.ClosedConnectionError = await failure(() => nc.flush());

process.stdout.write(
  `${JSON.stringify({
    notOurs: Object.keys(coreErrors).filter(
      (name) => errors[name] !== coreErrors[name] || officialErrors[name] !== coreErrors[name],
    ),
    notInstances: Object.keys(thrown).filter((name) => !(thrown[name] instanceof coreErrors[name])),
    jobs,
    left: num_ack_pending + num_pending,
  })}\n`,
);

async function failure(act) {
  try {
    return await act();
  } catch (error) {
    return error;
  }
}
