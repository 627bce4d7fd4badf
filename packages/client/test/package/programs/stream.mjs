/** `holdfast/testing` and `publishToStream()`, on whatever runs this: a server and a proxy started here, a stream, a link that is cut. */
import process from "node:process";
import { connect, publishToStream } from "holdfast";
import { startFaultProxy, startNatsServer } from "holdfast/testing";

const server = await startNatsServer({ jetStream: true });
const proxy = await startFaultProxy({ upstream: server.url });
const nc = await connect({ servers: proxy.url, timeout: 10_000, reconnectTimeWait: 50 });
await nc.request("$JS.API.STREAM.CREATE.WORK", JSON.stringify({ name: "WORK", subjects: ["work"], storage: "memory" }));
const publisher = publishToStream(nc);
const acks = [publisher.publish("work", "before", { msgID: "a" })];
await acks[0];
proxy.refuse();
await proxy.cut("rst");
acks.push(publisher.publish("work", "meanwhile", { msgID: "b" }));
await proxy.accept();
const stored = (await Promise.all(acks)).map(({ seq }) => seq);
await publisher.close();
await nc.close();
await proxy.stop();
await server.stop();
process.stdout.write(`${JSON.stringify({ stored })}\n`);
