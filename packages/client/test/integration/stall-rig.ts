/** What the stall tests on real sockets share. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { HoldfastConnection } from "../../src/index.ts";
import { afterwards, startServer, statusOf } from "./peers-harness.ts";

/** Resolves with the time at which a connection was given up for being silent. Call it before what causes that. */
export async function stallOf(nc: HoldfastConnection): Promise<number> {
  for await (const event of nc.outbound.events()) if (event.type === "stalled") return performance.now();
  throw new Error("the connection was closed before it stalled");
}

/** Resolves at the next reconnect. */
export async function reconnected(nc: HoldfastConnection): Promise<void> {
  await statusOf(nc, "reconnect");
}

/** What `stall-program.ts` saw. */
export interface BlockedResult {
  readonly reconnects: number;
  readonly confirmed: number;
}

/** Runs a program that publishes, blocks its event loop for so long, and goes on, twice. */
export async function blockedProgram(
  t: TestContext,
  { stallTimeout, blockMs }: { stallTimeout: number; blockMs: number },
): Promise<BlockedResult> {
  const server = await startServer(t);
  const program = fileURLToPath(new URL("./stall-program.ts", import.meta.url));
  const args = [...process.execArgv.filter((arg) => !arg.startsWith("--test")), program];
  const child = spawn(process.execPath, [...args, server.url, String(stallTimeout), String(blockMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  afterwards(t, async () => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the program ended with ${code}: ${output}`);
  return JSON.parse(output);
}
