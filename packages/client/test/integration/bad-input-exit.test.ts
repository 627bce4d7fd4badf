/** What bad servers leave behind in a program: nothing. No open handle, no unhandled rejection, no word on standard error. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type FakeScript, fakeScripts, startFakeServer } from "../../src/testing/index.ts";
import { afterwards, limit, startServer } from "./peers-harness.ts";

const strangers: readonly FakeScript[] = [
  fakeScripts.speaksGarbage,
  fakeScripts.sendsHugeInfo(),
  fakeScripts.closesAfterInfo,
  fakeScripts.resetsAfterInfo,
  fakeScripts.neverSendsInfo,
  fakeScripts.swallowsAfterHandshake,
  fakeScripts.refuses("maximum connections exceeded"),
];

test("a program that met every kind of bad server ends by itself when it has closed its connections", limit, async (t) => {
  const real = await startServer(t);
  const bad = await Promise.all(strangers.map((script) => startStranger(t, script)));
  const program = fileURLToPath(new URL("bad-input-program.ts", import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, program, real.url, ...bad]);
  afterwards(t, async () => child.kill("SIGKILL"));
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  let doneAt = Number.POSITIVE_INFINITY;
  child.stdout.once("data", () => {
    doneAt = performance.now();
    // The servers stay: nobody closes for the program what it forgot. What still holds it then is killed.
    setTimeout(() => child.kill("SIGKILL"), 3_000).unref();
  });
  const [code, signal] = await once(child, "exit");
  const [stdout, stderr] = await output;

  assert.deepEqual({ stdout, stderr, code, signal }, { stdout: "done\n", stderr: "", code: 0, signal: null });
  t.diagnostic(`ended ${Math.round(performance.now() - doneAt)} ms after its last line`);
});

async function startStranger(t: TestContext, script: FakeScript): Promise<string> {
  const server = await startFakeServer({ script });
  // A script that expects a command may be disappointed: clients leave when their time is up.
  afterwards(t, () => server.stop().catch(() => {}));
  return server.url;
}
