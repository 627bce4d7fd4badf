/** What publishing, requests and receiving allocate on the JavaScript heap: counted, not timed, so that a busy machine changes nothing. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Bed } from "./harness.ts";

const bed = new Bed();

test("bytes of the heap that a publish, a request and a received message cost at most", { timeout: 60_000 }, async (t) => {
  const program = fileURLToPath(new URL("allocations-program.ts", import.meta.url));
  const args = ["--max-semi-space-size=64", "--min-semi-space-size=64", ...process.execArgv, program, bed.server.url];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const costs: Record<string, number> = JSON.parse(stdout);
  t.diagnostic(stdout);
  // A publish of 16 B makes nothing but what its caller passes; of a message there is the message, its payload and its reply's text.
  const bounds = { publish: 8, publishString: 8, reply: 64, headers: 128, callback: 196, request: 1_500 };
  assert.deepEqual(Object.keys(costs).sort(), Object.keys(bounds).sort());
  const more = Object.entries(bounds).filter(([what, bound]) => !((costs[what] ?? Number.NaN) <= bound));
  assert.deepEqual(more, [], `${stdout}, at most ${JSON.stringify(bounds)} was enough`);
});
