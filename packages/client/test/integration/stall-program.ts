/** A program whose event loop is busy: `stall-program.ts <url> <stallTimeout> <blockMs>`. Prints what it saw as JSON. */
import { connect } from "../../src/index.ts";

const [servers = "", stallTimeout, blockMs] = process.argv.slice(2);
const nc = await connect({ servers, stallTimeout: Number(stallTimeout), reconnectTimeWait: 10, pingInterval: 600_000 });
let reconnects = 0;
const watching = (async () => {
  for await (const { type } of nc.status()) if (type === "reconnect") reconnects += 1;
})();

for (let round = 0; round < 2; round++) {
  for (let sent = 0; sent < 10; sent++) nc.publish("busy", "x");
  // The messages go out, with their fence, and the answer waits in the kernel while we do not look.
  await new Promise((resolve) => setImmediate(resolve));
  for (const end = performance.now() + Number(blockMs); performance.now() < end; );
  for (let sent = 0; sent < 10; sent++) nc.publish("busy", "x");
  await new Promise((resolve) => setTimeout(resolve, 700));
  await nc.flush();
}
const { confirmed } = nc.outbound.counts();
await nc.close();
await watching;
process.stdout.write(JSON.stringify({ reconnects, confirmed }));
