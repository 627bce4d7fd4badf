import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../", import.meta.url));

it("examples/hold-through-outage.ts accounts for every message", async () => {
  const args = ["--conditions=source", "--import", "tsx", "examples/hold-through-outage.ts"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
  const counts = /accepted 100: confirmed (\d+), in doubt (\d+)/.exec(stdout);
  assert.ok(counts !== null, stdout);
  assert.equal(Number(counts[1]) + Number(counts[2]), 100);
  assert.ok(Number(counts[1]) >= 90, stdout);
});
