/**
 * Programs written for nats.js, not by us: the examples in the documentation of the official packages, as installed from npm, run on
 * Holdfast and on the official client. Nothing of them is kept here; only the client and the address of the server are changed.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serverVersionAtLeast } from "../../src/testing/index.ts";
import { blocksOf, examples, packages } from "./modules-examples-blocks.ts";
import { plans } from "./modules-examples-plans.ts";
import type { Outcome } from "./modules-examples-program.ts";
import { afterwards, startServer } from "./peers-harness.ts";

/** Broken on the official client as well: what they say there, and why. */
const broken: Readonly<Record<string, { readonly says: RegExp; readonly why: string }>> = {
  "nats-core 12": { says: /invalid encoded key/, why: "the credentials in it are cut short on purpose" },
  "jetstream 2": { says: /of null \(reading 'seq'\)/, why: "it publishes to mystream.*.a, which its stream does not have" },
  "services 6": { says: /of undefined \(reading 'add'\)/, why: "nc.services went with version 3" },
};

/** Where Holdfast differs on purpose: its outcome, by that of the official client. */
const different: Readonly<Record<string, (theirs: Outcome) => Partial<Outcome>>> = {
  // The official client writes its defaults into the options of the caller, who prints them. The default port has no server here.
  "nats-core 2": ({ lines }) => ({
    lines: lines.map((line) => line.replace(/^error connecting to .*/, "error connecting to {}")),
  }),
  // A subject with a wildcard is refused on publish, where the official client goes on and fails at the message that is not there.
  "jetstream 2": () => ({ ended: "InvalidSubjectError: illegal subject: 'mystream.*.a'", lines: [] }),
};

/** The oldest server that has what an example shows. */
const needs: Readonly<Record<string, string>> = { "jetstream 16": "2.14.0" };

/** What may be printed or not, before the example ends. */
const late = /^watch: .*(DEL|PURGE)|BRB/;

test("the documentation has the blocks of code that its examples are made of", () => {
  const count = Object.fromEntries(packages.map((name) => [name, blocksOf(name).length]));
  // Another number is another version: look at the plans of its examples.
  assert.deepEqual(count, { "nats-core": 17, "transport-node": 1, jetstream: 16, kv: 3, obj: 3, services: 8 });
});

test("the examples in the documentation of the official packages do on Holdfast what they do on the official client", {
  timeout: 150_000,
}, async (t) => {
  const { version } = await startServer(t);
  const [ours, theirs] = await Promise.all([runAll(t, "holdfast"), runAll(t, "@nats-io/transport-node")]);
  assert.equal(ours.size, 52);
  for (const [key, outcome] of theirs) {
    await t.test(`the example ${key} of the documentation`, (t) => {
      const needed = needs[key] ?? "2.9.0";
      if (!serverVersionAtLeast(version, needed)) return t.skip(`needs nats-server ${needed} or newer; this is ${version}`);
      const { says, why } = broken[key] ?? {
        says: /^(by itself|goes on|with its connection(: ClosedConnectionError.*)?)$/,
        why: "it works",
      };
      assert.match(outcome.ended, says, why);
      assert.deepEqual(outcome.unhandled, []);
      assert.deepEqual(ours.get(key), { ...outcome, ...different[key]?.(outcome) });
    });
  }
});

/** Runs them in a process, on a server of its own. What differs from run to run is masked: addresses, identities, times. */
async function runAll(t: TestContext, client: string): Promise<Map<string, Outcome>> {
  const server = await startServer(t, { jetStream: true, monitoring: true });
  const address = `127.0.0.1:${server.port}`;
  const folder = mkdtempSync(join(tmpdir(), "holdfast-examples-"));
  afterwards(t, async () => rmSync(folder, { recursive: true }));
  symlinkSync(fileURLToPath(new URL("../../../../node_modules", import.meta.url)), join(folder, "node_modules"));
  const list = examples(client, address).map(({ key, code }, index) => ({ key, file: `${index}.mjs`, code }));
  for (const { file, code } of list) writeFileSync(join(folder, file), code);
  writeFileSync(join(folder, "list.json"), JSON.stringify(list));

  const program = fileURLToPath(new URL("modules-examples-program.ts", import.meta.url));
  const args = [...process.execArgv, program, client, address, String(server.monitorPort), folder];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  afterwards(t, async () => void child.kill());
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.equal(code, 0);
  const outcomes: Outcome[] = JSON.parse(output);
  return new Map(outcomes.map((outcome) => [outcome.key, masked(outcome)]));
}

function masked(outcome: Outcome): Outcome {
  const { lines: count = 0, end = "itself" } = plans[outcome.key] ?? {};
  const lines = outcome.lines.filter((line) => !late.test(line)).map(mask);
  // One that does not end by itself has printed more or less by the time it is ended.
  const certain = end === "itself" ? lines : [...new Set(lines.slice(0, count))];
  const streams = outcome.streams.map(mask).map((stream) => (end === "itself" ? stream : stream.replace(/\d+$/, "<number>")));
  return { ...outcome, lines: certain.sort(), streams };
}

function mask(line: string): string {
  return line
    .replaceAll(/127\.0\.0\.1:\d+/g, "<server>")
    .replaceAll(/\d+:\d+:\d+ [AP]M (\w+) \d+/g, "<time> $1 <price>")
    .replaceAll(/\b[0-9A-Za-z]{22}\b/g, "<id>")
    .replaceAll(/\d{4,}/g, "<number>")
    .replaceAll(/echo-\d/g, "echo-<number>");
}
