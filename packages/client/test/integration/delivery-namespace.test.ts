/** A true black hole: the interface itself goes down, so that packets vanish and the kernel tells nobody. Linux, no root needed. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./delivery-namespace-program.ts", import.meta.url));
/** A user and a network namespace, whose loopback is up when the command begins. */
const enter = ["-Urn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] as const;

/** Why this machine has no such namespaces for us; `undefined` if it has. */
function obstacle(): string | undefined {
  if (process.platform !== "linux") return `network namespaces are Linux's, this is ${process.platform}`;
  const { status, error, stderr } = spawnSync("unshare", [...enter, "ip", "link", "set", "lo", "down"], { encoding: "utf8" });
  if (error !== undefined) return `unshare cannot be run: ${error.message}`;
  return status === 0 ? undefined : `unshare -Urn ip link set lo down: ${stderr.trim() || `exit code ${status}`}`;
}

test("a true black hole: nothing is lost silently at either level", { timeout: 90_000 }, async (t) => {
  const reason = obstacle();
  if (reason !== undefined) {
    t.skip(reason);
    return;
  }
  const node = [process.execPath, "--conditions=source", "--import", "tsx", program];
  // What Node's runner tells its children would make this one speak to it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn("unshare", [...enter, ...node], { stdio: ["ignore", "pipe", "pipe"], env });
  t.after(() => child.kill());
  let told = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (told += text));
  const code = await new Promise((resolve, reject) => {
    child.once("close", resolve);
    child.once("error", reject);
  });
  for (const line of told.split("\n")) if (/given up|accepted /.test(line)) t.diagnostic(line.replace(/^[#ℹ\s]+/, ""));
  assert.equal(code, 0, told);
  assert.match(told, /pass 1\b/);
});
