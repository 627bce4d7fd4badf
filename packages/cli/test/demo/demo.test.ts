import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findNatsServer } from "holdfast/testing";
import { noServer, runCli, startCli } from "../cli.ts";

const skip = noServer();
const short = ["--rate", "2000", "--outage", "700", "--lead", "400", "--tail", "900"];
const shortTotal = 4_000;

/** The fields that the issue names, in its order. */
const clientFields = [
  "name",
  "version",
  "delivery",
  "attempted",
  "refused",
  "stored",
  "handedBack",
  "inDoubt",
  "storedInDoubt",
  "lostSilently",
  "wronglyHandedBack",
  "duplicated",
  "outOfOrder",
];
const runFields = ["valid", "server", "fault", "rate", "size", "outageMs", "clients"];

interface Run {
  readonly [field: string]: unknown;
  readonly clients: readonly Record<string, unknown>[];
}

/** Standard output must be exactly one JSON object with the fields of the issue. */
function parseRun(stdout: string): Run {
  const value: unknown = JSON.parse(stdout);
  assert.equal(stdout.trimEnd().split("\n").length, 1);
  assert.ok(typeof value === "object" && value !== null && "clients" in value && Array.isArray(value.clients));
  assert.deepEqual(Object.keys(value).slice(0, runFields.length), runFields);
  for (const client of value.clients) assert.deepEqual(Object.keys(client).slice(0, clientFields.length), clientFields);
  return { ...value, clients: value.clients };
}

// Two at a time: a run mostly waits.
describe("a run", { concurrency: 2 }, () => {
  test("the official client alone: its loss is counted, and what it has no notion of is null", { skip }, async (t) => {
    const cli = startCli(t, ["demo", ...short, "--only", "nats.js", "--json"]);
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 0, stderr);
    const run = parseRun(stdout);
    assert.deepEqual([run.valid, run.fault, run.rate, run.size, run.outageMs], [true, "rst", 2_000, 128, 700]);
    assert.match(String(run.server), /^\d+\.\d+\.\d+/);
    const [client, ...others] = run.clients;
    assert.ok(client !== undefined);
    assert.deepEqual(others, []);
    assert.equal(client.name, "nats.js");
    assert.equal(client.attempted, shortTotal);
    assert.ok(Number(client.lostSilently) > 0, "the official client loses what it published while down");
    assert.equal(Number(client.stored) + Number(client.lostSilently), shortTotal);
    for (const field of ["delivery", "handedBack", "inDoubt", "storedInDoubt", "wronglyHandedBack"])
      assert.equal(client[field], null, field);
    assert.match(stderr, / \d\.\d s {2}nats\.js +\w+ +buffer unknown, no limit +published/);
    assert.deepEqual(cli.leftovers(), []);
  });

  test("without --json the table and the verdict go to standard output", { skip }, async (t) => {
    const { code, stdout } = await runCli(t, ["demo", ...short, "--only", "nats.js", "--fault", "fin"]);
    assert.equal(code, 0);
    assert.match(stdout, /lost silently +│ +[\d,]+ │/);
    assert.match(stdout, /\nThe official client lost [\d,]+ of its 4,000 messages without an error\.\n$/);
  });

  for (const fault of ["rst", "fin", "refuse"] as const) {
    test(`both clients through ${fault}: Holdfast keeps its promise, the loss of the official client stands beside it`, {
      skip,
    }, async (t) => {
      const cli = startCli(t, ["demo", ...short, "--fault", fault, "--json"]);
      const { code, stdout, stderr } = await cli.ended;
      assert.equal(code, 0, stderr);
      const run = parseRun(stdout);
      assert.deepEqual([run.valid, run.fault], [true, fault]);
      const [holdfast, official] = run.clients;
      assert.ok(holdfast !== undefined && official !== undefined);
      assert.deepEqual([holdfast.name, official.name], ["holdfast", "nats.js"]);
      assert.equal(holdfast.delivery, "at-most-once");
      assert.equal(holdfast.attempted, shortTotal);
      for (const field of ["refused", "lostSilently", "wronglyHandedBack", "duplicated", "outOfOrder", "impossible"]) {
        assert.equal(holdfast[field], 0, field);
      }
      assert.ok(Number(holdfast.inDoubt) <= 500, `${holdfast.inDoubt} in doubt`);
      const accounted = Number(holdfast.stored) + Number(holdfast.handedBack) - Number(holdfast.storedInDoubt);
      assert.equal(accounted, shortTotal);
      assert.equal(holdfast.countsAgree, true);
      assert.ok(Number(official.lostSilently) > 0);
      assert.deepEqual(cli.leftovers(), []);
    });
  }

  test("a buffer that is too small for the outage refuses with an error, and loses nothing silently", { skip }, async (t) => {
    const { code, stdout, stderr } = await runCli(t, ["demo", ...short, "--only", "holdfast", "--buffer", "50000", "--json"]);
    assert.equal(code, 0, stderr);
    const [holdfast] = parseRun(stdout).clients;
    assert.ok(holdfast !== undefined);
    assert.ok(Number(holdfast.refused) > 0);
    assert.equal(holdfast.lostSilently, 0);
    assert.match(String(holdfast.firstRefusal), /reconnectBuffer is full: limit 50000 bytes/);
    assert.match(stderr, /buffer [\d.]+ kB of 50\.0 kB \(\d+ %\)/);
  });

  test("Ctrl-C ends the run with 130, and leaves no file and no process", { skip }, async (t) => {
    const cli = startCli(t, ["demo", "--only", "nats.js"]);
    await cli.whenTold(/ \d\.\d s {2}nats\.js/);
    // As the terminal does it: to the whole process group.
    process.kill(-Number(cli.child.pid), "SIGINT");
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 130, stderr);
    assert.equal(stdout, "");
    assert.doesNotMatch(stderr, /Error| at /);
    assert.deepEqual(cli.leftovers(), []);
  });

  test("a run whose server says that it dropped for ingest rate is invalid: exit code 2", { skip }, async (t) => {
    const { code, stdout, stderr } = await runCli(t, ["demo", ...short, "--only", "nats.js", "--json"], {
      NATS_SERVER: serverThatLogs(
        t,
        "Dropping messages due to excessive stream ingest rate on '$G' > 'nats_js': IPQ len limit reached",
      ),
    });
    assert.equal(code, 2);
    const run = parseRun(stdout);
    assert.equal(run.valid, false);
    assert.match(stderr, /This run is invalid and proves nothing: the server dropped messages by itself \(".*ingest rate/);
  });
});

/** A real nats-server that first logs one more line. */
function serverThatLogs(t: { after(step: () => void): void }, line: string): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-cli-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const script = join(directory, "nats-server");
  const real = findNatsServer();
  writeFileSync(
    script,
    `#!/bin/sh\n[ "$1" = --version ] || echo "[1] 2026/01/01 00:00:00.000000 [WRN] $(cat "$0.line")" >&2\nexec "${real}" "$@"\n`,
  );
  writeFileSync(`${script}.line`, line);
  chmodSync(script, 0o755);
  return script;
}
