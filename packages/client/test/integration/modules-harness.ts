import type { TestContext } from "node:test";
import { connect as connectOfficial, type NatsConnection } from "@nats-io/transport-node";
import type { HoldfastOptions } from "../../src/index.ts";
import { serverVersionAtLeast } from "../../src/testing/index.ts";
import { afterwards, type Line, openLine, pause } from "./peers-harness.ts";

/** A line to a server with JetStream on disk, and the official client beside it, straight to the server. */
export interface ModuleLine {
  readonly line: Line;
  readonly second: NatsConnection;
}

/** What the official modules need of a server. */
const OLDEST_SERVER = "2.9.0";

/** Undefined, and the test is skipped with the reason, when the server is too old for the official modules. */
export async function openModuleLine(t: TestContext, client: HoldfastOptions = {}): Promise<ModuleLine | undefined> {
  const line = await openLine(t, { server: { jetStream: true }, client });
  if (!serverVersionAtLeast(line.server.version, OLDEST_SERVER)) {
    t.skip(`needs nats-server ${OLDEST_SERVER} or newer; this is ${line.server.version}`);
    return undefined;
  }
  const second = await connectOfficial({
    servers: line.server.url,
    reconnectTimeWait: 20,
    reconnectJitter: 0,
    maxReconnectAttempts: -1,
  });
  afterwards(t, () => second.close());
  return { line, second };
}

/** How the client loses its server: the link alone, or the server too, which comes back with what it stored. */
export type Outage = "rst" | "restart";

/** Cuts the link by RST for a second, in which `meanwhile` happens. The server is restarted before that, if it is to be. */
export async function through(outage: Outage, { line, second }: ModuleLine, meanwhile: () => Promise<void>): Promise<void> {
  await line.down();
  if (outage === "restart") await restart(line, second);
  await Promise.all([meanwhile(), pause(1_000)]);
  await line.up();
}

/** Restarts the server, and waits until JetStream answers the second client again. */
export async function restart(line: Line, second: NatsConnection): Promise<void> {
  await line.server.restart();
  for (;;) {
    const ready = await second.request("$JS.API.INFO", "", { timeout: 1_000 }).then(
      () => true,
      () => false,
    );
    if (ready) return;
    await pause(20);
  }
}
