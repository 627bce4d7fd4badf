import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { findNatsServer } from "holdfast/testing";
import { noServer, runCli, startCli } from "../cli.ts";
import { parseRun, short, shortTotal } from "./runs.ts";

const skip = noServer();
/** What the official client has no notion of. */
const unknownToOfficial = [
  "delivery",
  "handedBack",
  "inDoubt",
  "storedInDoubt",
  "wronglyHandedBack",
  "confirmed",
  "resent",
  "confirmedThenLost",
  "inDoubtBytes",
];
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
    for (const field of unknownToOfficial) assert.equal(client[field], null, field);
    assert.ok(Number(client.msToDetect) >= 0);
    assert.match(stderr, / \d\.\d s {2}nats\.js +\w+ +buffer unknown, no limit +published/);
    const seconds = [...stderr.matchAll(/^ +(\d+)\.\d s {2}nats\.js/gm)].map(([, second]) => second);
    assert.equal(new Set(seconds).size, seconds.length, "a line a second, however often it is looked");
    assert.deepEqual(await cli.leftovers(), []);
  });

  test("without --json the table and the verdict go to standard output, and --html writes the same with plots", {
    skip,
  }, async (t) => {
    const html = join(scratchFor(t), "outage.html");
    const { code, stdout, stderr } = await runCli(t, ["demo", ...short, "--only", "nats.js", "--fault", "fin", "--html", html]);
    assert.equal(code, 0, stderr);
    const [, lost = ""] = /lost silently +│ +([\d,]+) │/.exec(stdout) ?? [];
    assert.match(stdout, /\nThe official client lost [\d,]+ of its 4,000 messages without an error\.\n$/);
    assert.ok(stderr.endsWith(`The report is in ${html}\n`), stderr);
    const page = readFileSync(html, "utf8");
    assert.doesNotMatch(page, /https?:|\bsrc=|\bhref=|<script/);
    assert.ok(page.includes(`<th scope="row">lost silently</th><td>${lost}</td>`));
    assert.match(page, /class="band" x="[\d.]+"/);
    // Asked of the stream while it went on: behind the outage it had passed over what the table says is lost.
    const [, last = ""] =
      /Lost without a word, so far<\/title>\n<desc[^>]*>nats\.js: .*, ([\d.]+K?) at [\d.]+ s\. fin:/.exec(page) ?? [];
    assert.equal(
      last,
      new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 }).format(Number(lost.replace(",", ""))),
    );
  });

  test("a report that could not be written is said before the run: exit code 2", async (t) => {
    const { code, stdout, stderr } = await runCli(t, ["demo", "--html", "/nonexistent/outage.html"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^holdfast: cannot write the report to \/nonexistent\/outage\.html: .+\n$/);
  });

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

  // In the middle of the fault: also a frozen server must be ended, and one that is down must not be started again.
  for (const fault of ["rst", "blackhole", "freeze", "restart"]) {
    test(`Ctrl-C during ${fault} ends the run with 130, and leaves no file and no process`, { skip }, async (t) => {
      const cli = startCli(t, ["demo", "--lead", "100", "--fault", fault]);
      await cli.whenTold(/the fault begins/);
      // As the terminal does it: to the whole process group.
      process.kill(-Number(cli.child.pid), "SIGINT");
      const { code, stdout, stderr } = await cli.ended;
      assert.equal(code, 130, stderr);
      assert.equal(stdout, "");
      assert.doesNotMatch(stderr, /Error|^ +at |the fault is over/m);
      assert.deepEqual(await cli.leftovers(), []);
    });
  }

  test("a publisher that dies in the middle ends the run with 2 and one line, and leaves nothing", {
    skip: process.platform === "linux" ? skip : "finds the publisher in /proc",
  }, async (t) => {
    const cli = startCli(t, ["demo", "--lead", "100", "--fault", "freeze", "--only", "nats.js"]);
    await cli.whenTold(/the fault begins/);
    const publisher = cli.processes().find(({ commandLine }) => /publisher\.ts/.test(commandLine));
    assert.ok(publisher !== undefined);
    process.kill(publisher.pid, "SIGKILL");
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /\nholdfast: the nats\.js publisher ended \(SIGKILL\) before it sent "report"\n$/);
    assert.deepEqual(await cli.leftovers(), []);
  });

  test("flap with too little to send to be cut again is an invalid run: exit code 2", { skip }, async (t) => {
    const few = ["--rate", "200", "--outage", "300", "--lead", "400", "--tail", "500", "--only", "holdfast"];
    const { code, stdout, stderr } = await runCli(t, ["demo", ...few, "--fault", "flap", "--json"]);
    assert.equal(code, 2);
    assert.equal(parseRun(stdout).valid, false);
    assert.match(stderr, /holdfast sent less than 200,000 bytes on its first connection after the outage/);
  });

  test("a run whose server says that it dropped for ingest rate is invalid: exit code 2", { skip }, async (t) => {
    const line = "Dropping messages due to excessive stream ingest rate on '$G' > 'nats_js': IPQ len limit reached";
    const words = `[1] 2026/01/01 00:00:00.000000 [WRN] ${line}`.replaceAll("$", "\\$");
    const { code, stdout, stderr } = await runCli(t, ["demo", ...short, "--only", "nats.js", "--json"], {
      NATS_SERVER: serverThatFirst(t, `echo "${words}" >&2`),
    });
    assert.equal(code, 2);
    const run = parseRun(stdout);
    assert.equal(run.valid, false);
    assert.match(stderr, /This run is invalid and proves nothing: the server dropped messages by itself \(".*ingest rate/);
  });

  test("what a killed server confirmed and then forgot is counted as the server's, and the verdict says so", {
    skip,
  }, async (t) => {
    const { code, stdout, stderr } = await runCli(t, ["demo", ...short, "--fault", "kill", "--json"], {
      NATS_SERVER: serverThatFirst(t, 'rm -rf "$(dirname "$2")"/store/jetstream/*/streams/*/msgs/*'),
    });
    assert.equal(code, 0, stderr);
    const [holdfast, official] = parseRun(stdout).clients;
    assert.ok(holdfast !== undefined && official !== undefined);
    assert.ok(Number(holdfast.confirmedThenLost) > 0);
    assert.equal(holdfast.lostSilently, 0);
    const told = Number(holdfast.handedBack) - Number(holdfast.storedInDoubt);
    assert.equal(Number(holdfast.stored) + told + Number(holdfast.confirmedThenLost), shortTotal);
    assert.match(stderr, /[\d,]+ confirmed and then lost in the server; the official client lost/);
    assert.equal(official.confirmedThenLost, null);
    assert.equal(Number(official.stored) + Number(official.lostSilently), shortTotal);
  });
});

/** A real nats-server that, before it starts to serve, runs a line of shell; `$2` is its configuration file. */
function serverThatFirst(t: TestContext, does: string): string {
  const script = join(scratchFor(t), "nats-server");
  writeFileSync(script, `#!/bin/sh\n[ "$1" = --version ] || { ${does}; }\nexec "${findNatsServer()}" "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

function scratchFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-cli-test-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
