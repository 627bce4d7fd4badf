/** Credentials never show: not in an error, an event, an object that users may log, a warning or the debug output. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { looksOf } from "./auth-secrets-look.ts";
import { afterwards, limit } from "./peers-harness.ts";

test("whatever goes wrong, no credential is in anything that a program can log", limit, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-secrets-"));
  afterwards(t, async () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "secrets");
  const program = fileURLToPath(new URL("auth-secrets-program.ts", import.meta.url));
  // What Node's runner tells its children would make this one speak to it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [...process.execArgv, program, file], { env: { ...env, NODE_DEBUG: "holdfast" } });
  afterwards(t, async () => child.kill("SIGKILL"));
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, "exit");
  const [stdout, stderr] = await output;
  assert.equal(code, 0, `${stderr.slice(-3_000)}`);

  // It saw what it was meant to see.
  assert.match(stdout, /^=== all done$/m);
  assert.match(stdout, /cOnTrOlMaRkEr/);
  assert.match(stdout, /AuthorizationError: Authorization Violation/);
  assert.match(stdout, /UserAuthenticationExpiredError/);
  assert.match(stdout, /ReconnectBufferFullError/);
  assert.match(stdout, /PermissionViolationError/);
  assert.match(stdout, /HOLDFAST_UNKNOWN_OPTION/);
  assert.match(stderr, /^HOLDFAST \d+: .*info from/m);
  assert.match(stderr, /^HOLDFAST \d+: .*Authorization Violation/m);

  const secrets: readonly string[] = JSON.parse(readFileSync(file, "utf8"));
  assert.ok(secrets.length >= 15);
  const leaks = [...sections(stdout), ["debug output", stderr] as const].flatMap(([what, words]) =>
    secrets.flatMap((secret) =>
      looksOf(secret).flatMap((look) => (words.includes(look) ? [`${what}: ${around(words, look)}`] : [])),
    ),
  );
  assert.deepEqual(leaks, []);
});

/** What the program showed, each part under its name. */
function sections(output: string): (readonly [what: string, words: string])[] {
  return output.split(/^=== /m).map((section) => {
    const end = section.indexOf("\n");
    return [section.slice(0, end), section.slice(end + 1)] as const;
  });
}

function around(words: string, look: string): string {
  const at = words.indexOf(look);
  return words.slice(Math.max(0, at - 120), at + look.length + 20);
}
