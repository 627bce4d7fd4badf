/** `npm run demo`: the demonstration from source, with a nats-server. Its standard output is the demo's alone. */
import { obtainNatsServer } from "./nats-server.ts";
import { fail } from "./shared/main.ts";
import { runFromSource } from "./shared/node.ts";

try {
  const server = await obtainNatsServer();
  const command = ["packages/cli/src/main.ts", "demo", ...process.argv.slice(2)];
  process.exitCode = await runFromSource(command, { ...process.env, NATS_SERVER: server.path });
} catch (error) {
  fail(error);
}
