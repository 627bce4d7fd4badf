import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { startNatsServer } from "holdfast/testing";
import { noServer, runCli, startCli } from "../cli.ts";
import { scratch } from "../pub/watch.ts";
import { assertAccounted, outageClientsIn } from "./results.ts";

const skip = noServer();
const short = ["bench", "outage", "--before", "300ms", "--outage", "500ms", "--after", "500ms", "--json"];

describe("bench outage", { concurrency: 2 }, () => {
  test("every message of both clients is accounted for, the server heard of no other, and the report is one file", {
    skip,
  }, async (t) => {
    const server = await startNatsServer({ monitoring: true });
    t.after(() => server.stop());
    const html = join(scratch(t), "outage.html");
    const { code, stdout, stderr } = await runCli(t, [
      ...[...short, "out.age", "--rate", "4000", "--compare", "nats.js", "--html", html, "-s", server.url],
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /4,000 messages a second of 128 bytes for 1\.3 s \(5,200 messages each\) to out\.age\.\*, /);
    assert.match(
      stderr,
      /^Holdfast lost nothing silently: of 5,200 messages .* nats\.js lost [\d,]+ of 5,200 messages silently\.$/m,
    );
    const [ours, theirs] = outageClientsIn(stdout);
    assert.ok(ours !== undefined && theirs !== undefined);
    assert.deepEqual(
      [ours.name, ours.subject, theirs.name, theirs.subject],
      ["holdfast", "out.age.holdfast", "nats.js", "out.age.nats_js"],
    );
    assertAccounted(ours, 5_200);
    assertAccounted(theirs, 5_200);
    assert.deepEqual([ours.lostSilently, ours.duplicated, ours.countsAgree], [0, 0, true]);
    assert.equal(ours.counts?.confirmed, 5_200 - (ours.handedBack ?? 0));
    assert.ok(theirs.lostSilently > 0, "the official client's queue was thrown away, or nobody cut its link");
    assert.ok((ours.greatestHeldBytes ?? 0) > 128 * 1_000);
    assert.equal((await server.varz()).in_msgs, ours.arrived + theirs.arrived);

    const page = readFileSync(html, "utf8");
    assert.equal(page.match(/<figure>/g)?.length, 5);
    assert.doesNotMatch(page, /<script|<link|<img|@import|url\(|(?:src|href)="(?!#)/, "nothing is loaded");
    for (const text of ["limit", "holdfast", "nats.js", "in doubt", "lost silently", "Holdfast lost nothing silently"])
      assert.ok(page.includes(text), text);
  });

  test("Ctrl-C ends it, its processes and its proxy", {
    skip: skip || process.platform !== "linux",
  }, async (t) => {
    const server = await startNatsServer();
    t.after(() => server.stop());
    const cli = startCli(t, [...short, "--before", "1m", "-s", server.url]);
    await cli.whenTold(/through a proxy/);
    process.kill(-(cli.child.pid ?? 0), "SIGINT");
    const { code, stdout } = await cli.ended;
    assert.deepEqual([code, stdout], [130, ""]);
    assert.deepEqual(await cli.leftovers(), []);
  });
});
