/** Stores jobs, a few at a time, each until the stream has acknowledged it. */
import { jetstream } from "@nats-io/jetstream";
import { nuid } from "holdfast";
import { startHealth } from "./health.ts";
import { connectAs, type Job, openQueue, untilAnswered } from "./queue.ts";

const jobs = Number(process.env.JOBS ?? 100);
/** How many may wait for their acknowledgements. */
const AT_ONCE = 8;

const nc = await connectAs("producer");
await openQueue(nc);
const stream = jetstream(nc, { timeout: 2_000 });
const batch = nuid.next();
let made = 0;
let acknowledged = 0;
let known = 0;
const health = startHealth(nc, () => `acknowledged ${acknowledged} of ${jobs}`);

await Promise.all(Array.from({ length: AT_ONCE }, produce));

health.stop();
await nc.drain();
console.log(`acknowledged ${acknowledged}, of which ${known} by a second copy`);

async function produce(): Promise<void> {
  while (made < jobs) {
    const number = ++made;
    const job: Job = { id: `${batch}-${number}`, text: `job ${number}` };
    // The same id each time: the stream knows the second copy of a job whose first acknowledgement got lost.
    const ack = await untilAnswered(() => stream.publish("jobs.new", JSON.stringify(job), { msgID: job.id }));
    acknowledged++;
    if (ack.duplicate) known++;
  }
}
