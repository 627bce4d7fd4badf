import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { noServer, runCli, startCli } from "../cli.ts";
import { cutLink, numberedLines, recordsIn, reportIn, startPlace } from "./watch.ts";

const skip = noServer();
const quickly = ["--reconnect-time-wait", "100ms"];

describe("pub through an outage", { concurrency: 2 }, () => {
  test("every line arrives once, or is in the file of --undelivered, and --from publishes that file", { skip }, async (t) => {
    const { server, proxy, watcher, folder } = await startPlace(t, "lines");
    const lines = numberedLines(6_000);
    const input = join(folder, "input.txt");
    const left = join(folder, "left.jsonl");
    writeFileSync(input, `${lines.join("\n")}\n`);
    const cli = startCli(t, [
      "pub",
      "lines",
      "--lines",
      "--file",
      input,
      "--rate",
      "4000",
      "-s",
      proxy.url,
      ...quickly,
      "--header",
      "Kind:test",
      "--reply",
      "answers",
      "--undelivered",
      left,
      "--json",
    ]);
    await watcher.whenHeard(1_000);
    const mend = await cutLink(proxy, 3);
    mend();
    const { code, stdout, stderr } = await cli.ended;
    const records = recordsIn(left);
    const report = reportIn(stdout);
    await watcher.whenHeard(Number(report.confirmed));

    const heard = watcher.heard.map((msg) => msg.string());
    assert.equal(new Set(heard).size, heard.length, "nothing arrives twice");
    const inDoubt = records.map(({ data }) => String(data));
    assert.deepEqual(new Set([...heard, ...inDoubt]), new Set(lines));
    assert.ok(
      records.every(({ state, reply }) => state === "inDoubt" && reply === "answers"),
      JSON.stringify(records[0]),
    );
    const sent = new Set(heard);
    assert.ok(
      lines.filter((line) => !inDoubt.includes(line)).every((line) => sent.has(line)),
      "what is not handed back has arrived",
    );
    assert.equal(report.messages, lines.length);
    assert.equal(report.confirmed, lines.length - records.length);
    assert.deepEqual([report.inDoubt, report.written, report.undelivered], [records.length, records.length, left]);
    assert.deepEqual([report.unsent, report.refused, report.rejected, report.resent, report.stopped], [0, 0, 0, 0, null]);
    assert.equal(code, records.length > 0 ? 3 : 0);
    assert.match(stderr, /^holdfast: disconnected from 127\.0\.0\.1:\d+; trying again$/m);
    assert.match(stderr, /^holdfast: reconnected to /m);
    assert.match(
      stderr.trimEnd().split("\n").at(-1) ?? "",
      /^holdfast: 6,000 messages: [\d,]+ confirmed(, [\d,]+ in doubt; [\d,]+ written to .*left\.jsonl: holdfast pub --from .*left\.jsonl)?$/,
    );

    // Three that were made by hand, so that something is there in any case: not UTF-8, with two values of one header, and empty.
    const more = [
      '{"subject":"lines","data_base64":"/wAB"}',
      '{"subject":"lines","headers":{"A":["1","2"]},"data":"ä"}',
      '{"subject":"lines","data":""}',
    ];
    writeFileSync(left, `${more.join("\n")}\n`, { flag: "a" });
    const before = watcher.heard.length;
    const again = await runCli(t, ["pub", "--from", left, "-s", server.url, "--json", "--quiet"]);
    assert.deepEqual([again.code, again.stderr], [0, ""]);
    await watcher.whenHeard(before + records.length + 3);
    const resent = watcher.heard.slice(before);
    assert.deepEqual(
      resent.slice(0, -3).map((msg) => msg.string()),
      inDoubt,
    );
    assert.ok(resent.slice(0, -3).every((msg) => msg.headers?.get("Kind") === "test" && msg.reply === "answers"));
    const [bytes, headed, empty] = resent.slice(-3);
    assert.deepEqual([...(bytes?.data ?? [])], [0xff, 0, 1]);
    assert.deepEqual([headed?.string(), headed?.headers?.values("A")], ["ä", ["1", "2"]]);
    assert.equal(empty?.data.length, 0);
  });

  test("with --at-least-once every line arrives, and no more copies than were sent again", { skip }, async (t) => {
    const { proxy, watcher, folder } = await startPlace(t, "lines");
    const lines = numberedLines(4_000);
    const cli = startCli(
      t,
      [
        "pub",
        "lines",
        "-l",
        "--rate",
        "4000",
        "--at-least-once",
        "--msg-id",
        "-s",
        proxy.url,
        ...quickly,
        "--json",
        "--undelivered",
        join(folder, "left.jsonl"),
      ],
      {},
      lines.join("\n"),
    );
    await watcher.whenHeard(1_000);
    (await cutLink(proxy, 3))();
    const { code, stdout, stderr } = await cli.ended;
    const report = reportIn(stdout);
    await watcher.whenHeard(lines.length);
    assert.equal(code, 0, stderr);
    assert.deepEqual([report.messages, report.confirmed, report.inDoubt, report.written], [lines.length, lines.length, 0, 0]);
    const heard = watcher.heard.map((msg) => msg.string());
    assert.deepEqual(new Set(heard), new Set(lines));
    assert.ok(
      heard.length - lines.length <= Number(report.resent),
      `${heard.length} of ${lines.length}, ${String(report.resent)} sent again`,
    );
    const ids = watcher.heard.map((msg) => msg.headers?.get("Nats-Msg-Id"));
    assert.equal(new Set(ids).size, lines.length, "a second copy has the id of the first");
    if (Number(report.resent) > 0) assert.match(stderr, /sent again \(may be there twice\)/);
  });

  test("when the buffer is full it waits, or with --when-full error it ends and says so", { skip }, async (t) => {
    const { proxy, watcher, folder } = await startPlace(t);
    const few = ["--buffer-messages", "50", "-s", proxy.url, ...quickly, "--json", "--undelivered"];
    const start = (subject: string, whenFull: string): ReturnType<typeof startCli> =>
      startCli(t, ["pub", subject, "--lines", "--when-full", whenFull, ...few, join(folder, whenFull)], {}, "open");
    const [waits, fails, drops] = [start("wait", "wait"), start("error", "error"), start("drop", "drop-oldest")];
    for (const { child } of [waits, fails, drops]) child.stdin?.write("first\n");
    await watcher.whenHeard(3);
    proxy.onAccept = "reset";
    await proxy.cut();
    await Promise.all([waits, fails, drops].map((cli) => cli.whenTold(/disconnected/)));
    const lines = numberedLines(500);
    for (const { child } of [waits, fails, drops]) child.stdin?.end(`${lines.join("\n")}\n`);
    // The one that must not wait tells at its end; it needs a server for what it holds.
    const mend = await cutLink(proxy, 6);
    mend();
    const [waited, failed, dropped] = await Promise.all([waits.ended, fails.ended, drops.ended]);

    const all = reportIn(waited.stdout);
    // Of the first line the PONG may have come too late.
    const firstInDoubt = Number(all.inDoubt);
    assert.deepEqual([waited.code, Number(all.confirmed) + firstInDoubt], [firstInDoubt === 0 ? 0 : 3, 501], waited.stderr);
    const on = (subject: string): string[] => watcher.heard.filter((msg) => msg.subject === subject).map((msg) => msg.string());
    assert.deepEqual(on("wait"), ["first", ...lines]);

    assert.equal(failed.code, 1, failed.stderr);
    assert.match(
      failed.stderr,
      /the buffer is full \(50 messages of \d+ bytes are held: raise --buffer-bytes or --buffer-messages, or use --when-full wait\); the rest of the input was not published$/m,
    );
    assert.deepEqual(on("error"), ["first", ...lines.slice(0, 50)]);
    const [refused, ...others] = notFirst(recordsIn(join(folder, "error")));
    assert.deepEqual([refused?.data, refused?.state, others.length], ["line 50", "refused", 0]);

    assert.equal(dropped.code, 1, dropped.stderr);
    const evicted = notFirst(recordsIn(join(folder, "drop-oldest")));
    assert.ok(evicted.length > 0 && evicted.every(({ state }) => state === "dropped"));
    assert.deepEqual([...on("drop"), ...evicted.map(({ data }) => String(data))].sort(), ["first", ...lines].sort());
  });

  for (const more of [[], ["--no-buffer"]]) {
    test(`on a slow connection it reads its input no faster than the server takes it ${more.join()}`, { skip }, async (t) => {
      const { proxy, watcher } = await startPlace(t);
      proxy.toServer.throttle(50_000);
      const options = ["--lines", "--buffer-messages", "100", "--grace", "0s", ...more];
      const cli = startCli(t, ["pub", "slow", ...options, "-s", proxy.url], {}, "open");
      const { stdin } = cli.child;
      // It ends with most of it unread.
      stdin?.on("error", () => {});
      // Half a minute's worth. What was read of it is in the pipe, in one chunk of its reader, and in the buffer.
      stdin?.write(`${"x".repeat(99)}\n`.repeat(15_000));
      await watcher.whenHeard(300);
      assert.ok(stdin !== null && stdin.writableLength > 500_000, `${stdin?.writableLength} bytes are still to be read`);
      cli.child.kill("SIGINT");
      const { code, stderr } = await cli.ended;
      assert.equal(code, 130, stderr);
    });
  }
});

/** Without what was sent before the outage: it may be in doubt. */
function notFirst(records: ReturnType<typeof recordsIn>): ReturnType<typeof recordsIn> {
  return records.filter(({ data }) => data !== "first");
}
