/**
 * A program that meets bad servers, for `bad-input-exit.test.ts`: `bad-input-program.ts <real url> <bad url>...`. It closes what it opened
 * and never calls `process.exit()`: that it ends is the proof that nothing was left open.
 */
import assert from "node:assert/strict";
import { connect } from "../../src/index.ts";

const [real = "", ...strangers] = process.argv.slice(2);
const common = { timeout: 500, reconnectTimeWait: 10, reconnectJitter: 0, noRandomize: true } as const;

await Promise.all(strangers.map(meet));
process.stdout.write("done\n");

async function meet(stranger: string): Promise<void> {
  // Nobody else to turn to.
  await assert.rejects(connect({ ...common, servers: stranger, reconnect: false }));

  // Somebody else, and everything that can wait is left waiting at the end.
  const nc = await connect({ ...common, servers: [stranger, real] });
  const waiting = [
    wait(nc.status()),
    wait(nc.subscribe("a")),
    nc.request("nobody.answers", "", { timeout: 600_000 }).catch(() => {}),
  ];
  nc.subscribe("nobody.answers");
  for (let i = 0; i < 10; i++) nc.publish("a", "x");
  await nc.flush();
  await nc.close();
  await Promise.all(waiting);

  // Never connected at all, and closed in the middle of trying.
  const hopeful = await connect({ ...common, servers: stranger, retryOnFailedConnect: true });
  for (let i = 0; i < 10; i++) hopeful.publish("a", "x");
  await new Promise((resolve) => setTimeout(resolve, 150));
  await hopeful.close();
  assert.equal(hopeful.outbound.counts().abandoned, 10);
}

async function wait(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}
