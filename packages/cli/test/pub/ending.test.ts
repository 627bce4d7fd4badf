import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { noServer, startCli } from "../cli.ts";
import { cutLink, recordsIn, reportIn, startPlace } from "./watch.ts";

const skip = noServer();
const endless = [
  "--count",
  "1000000000",
  "--rate",
  "2000",
  "--buffer-messages",
  "200",
  "--reconnect-time-wait",
  "100ms",
  "--json",
  "--undelivered",
];

describe("Ctrl-C", { concurrency: 2 }, () => {
  test("ends the input, sends what is held when the server comes back within --grace, and reports", { skip }, async (t) => {
    const { proxy, watcher, folder } = await startPlace(t);
    const left = join(folder, "left");
    const cli = startCli(t, ["pub", "a", "{{Count}}", "--grace", "60s", "-s", proxy.url, ...endless, left]);
    await watcher.whenHeard(500);
    const mend = await cutLink(proxy, 2);
    await cli.whenTold(/disconnected/);
    cli.child.kill("SIGINT");
    await cli.whenTold(/^holdfast: interrupted: what is held is sent for at most 60 s \(--grace\); once more ends at once$/m);
    mend();
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 130, stderr);
    const report = reportIn(stdout);
    assert.equal(report.stopped, "interrupted");
    assert.deepEqual([report.unsent, Number(report.confirmed) + Number(report.inDoubt)], [0, report.messages]);
    await watcher.whenHeard(Number(report.confirmed));
    const ended = [...watcher.heard.map((msg) => msg.string()), ...recordsIn(left).map(({ data }) => String(data))];
    assert.deepEqual(new Set(ended), numbersUpTo(Number(report.messages)), "the input from its beginning, without a gap");
    assert.match(stderr, /; interrupted; the rest of the input was not published$/m);
  });

  test("a second one ends at once: what is held is in the file, and nothing of it is missing", { skip }, async (t) => {
    const { proxy, watcher, folder } = await startPlace(t);
    const left = join(folder, "left");
    const cli = startCli(t, ["pub", "a", "{{Count}}", "--grace", "10m", "-s", proxy.url, ...endless, left]);
    await watcher.whenHeard(500);
    await cutLink(proxy, 2);
    await cli.whenTold(/disconnected/);
    cli.child.kill("SIGINT");
    await cli.whenTold(/once more ends at once/);
    cli.child.kill("SIGINT");
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 130, stderr);
    const report = reportIn(stdout);
    const records = recordsIn(left);
    assert.equal(records.length, report.written);
    assert.equal(records.length, Number(report.messages) - Number(report.confirmed));
    assert.ok(
      records.some(({ state }) => state === "abandoned") &&
        records.every(({ state }) => state === "abandoned" || state === "inDoubt"),
    );
    const ended = [...watcher.heard.map((msg) => msg.string()), ...records.map(({ data }) => String(data))];
    assert.deepEqual(new Set(ended), numbersUpTo(Number(report.messages)));
    assert.deepEqual(await cli.leftovers(), []);
  });

  test("--grace bounds the end, --flush-timeout the end of the input, and standard input that stays open keeps nothing", {
    skip,
  }, async (t) => {
    const { proxy, watcher, folder } = await startPlace(t);
    const common = ["--lines", "--reconnect-time-wait", "100ms", "-s", proxy.url, "--json", "--undelivered"];
    const open = startCli(t, ["pub", "a", "--grace", "100ms", ...common, join(folder, "open")], {}, "open");
    const shut = startCli(t, ["pub", "b", "--flush-timeout", "100ms", ...common, join(folder, "shut")], {}, "open");
    for (const { child } of [open, shut]) child.stdin?.write("first\n");
    await watcher.whenHeard(2);
    await cutLink(proxy, 2);
    await Promise.all([open.whenTold(/disconnected/), shut.whenTold(/disconnected/)]);
    shut.child.stdin?.end("second\n");
    const ofShut = await shut.ended;
    assert.equal(ofShut.code, 1, ofShut.stderr);
    assert.deepEqual(
      recordsIn(join(folder, "shut"))
        .map(({ data }) => data)
        .at(-1),
      "second",
    );
    assert.equal(recordsIn(join(folder, "shut")).at(-1)?.state, "abandoned");
    open.child.kill("SIGTERM");
    const ofOpen = await open.ended;
    assert.equal(ofOpen.code, 143, ofOpen.stderr);
    assert.equal(reportIn(ofOpen.stdout).messages, 1);
  });
});

function numbersUpTo(count: number): Set<string> {
  return new Set(Array.from({ length: count }, (_, i) => String(i + 1)));
}
