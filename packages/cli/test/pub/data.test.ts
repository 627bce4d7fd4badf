import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { startNatsServer } from "holdfast/testing";
import { noServer, runCli } from "../cli.ts";
import { recordsIn, reportIn, startPlace, watch } from "./watch.ts";

const skip = noServer();

describe("pub", { concurrency: 2 }, () => {
  test("takes its data from the argument, from files and from standard input, whole or by line", { skip }, async (t) => {
    const { server, watcher, folder } = await startPlace(t);
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    writeFileSync(one, "a\r\n\nb\n");
    writeFileSync(two, "c");
    const to = ["-s", server.url];
    const runs = [
      await runCli(t, [
        "pub",
        "argument",
        "{{Count}}: {{Unknown}}",
        "--count",
        "3",
        "-H",
        "A: b:c",
        "-H",
        "A:d",
        "--reply",
        "r",
        ...to,
      ]),
      await runCli(t, ["pub", "whole", ...to], {}, Uint8Array.of(0xff, 10, 0)),
      await runCli(t, ["pub", "lines", "--send-on", "newline", "--file", one, "-f", two, "--count", "2", "--json", ...to]),
      await runCli(t, ["publish", "files", "-f", one, "-f", "-", "--no-templates", "-q", ...to], {}, "{{Count}}"),
    ];
    for (const { code, stderr } of runs) assert.equal(code, 0, stderr);
    await watcher.whenHeard(3 + 1 + 8 + 2);
    const on = (subject: string): string[] => watcher.heard.filter((msg) => msg.subject === subject).map((msg) => msg.string());
    assert.deepEqual(on("argument"), ["1: {{Unknown}}", "2: {{Unknown}}", "3: {{Unknown}}"]);
    assert.deepEqual([watcher.heard[0]?.headers?.values("A"), watcher.heard[0]?.reply], [["b:c", "d"], "r"]);
    assert.deepEqual([...(watcher.heard[3]?.data ?? [])], [0xff, 10, 0]);
    assert.deepEqual(on("lines"), ["a", "a", "", "", "b", "b", "c", "c"]);
    assert.deepEqual(on("files"), ["a\r\n\nb\n", "{{Count}}"]);

    assert.deepEqual(
      runs.map(({ stderr }) => stderr),
      ["holdfast: 3 messages: 3 confirmed\n", "holdfast: 1 message: 1 confirmed\n", "holdfast: 8 messages: 8 confirmed\n", ""],
    );
    assert.deepEqual(
      runs.map(({ stdout }) => stdout === ""),
      [true, true, false, true],
    );
    const { seconds, ...report } = reportIn(runs[2]?.stdout ?? "");
    assert.ok(Number(seconds) > 0);
    assert.deepEqual(report, {
      messages: 8,
      confirmed: 8,
      resent: 0,
      inDoubt: 0,
      rejected: 0,
      unsent: 0,
      refused: 0,
      undelivered: null,
      written: 0,
      stopped: null,
    });
  });

  test("what the server does not take is in the file, byte for byte, and can be published elsewhere", { skip }, async (t) => {
    const permissions = { publish: { deny: ["secret.>"] } };
    const { server, watcher, folder } = await startPlace(t, ">", {
      config: {
        max_payload: 1000,
        authorization: {
          users: [
            { user: "u", password: "hidden-word", permissions },
            { user: "w", password: "w" },
          ],
        },
        no_auth_user: "w",
      },
    });
    const [first, second] = [join(folder, "first.jsonl"), join(folder, "second.jsonl")];
    const big = new Uint8Array(1500).fill(0xfe);
    const files = ["small", "big", "after"].map((name) => join(folder, name));
    writeFileSync(files[0] ?? "", "small");
    writeFileSync(files[1] ?? "", big);
    writeFileSync(files[2] ?? "", "after");
    const to = ["-s", `nats://u:hidden-word@127.0.0.1:${server.port}`, "--json"];
    const tooLarge = await runCli(t, [
      "pub",
      "data",
      ...files.flatMap((file) => ["-f", file]),
      "-H",
      "A:b",
      "--undelivered",
      first,
      ...to,
    ]);
    assert.equal(tooLarge.code, 1);
    assert.match(tooLarge.stderr, /^holdfast: 3 messages: 2 confirmed, 1 refused \(too large, or no room\); 1 written to /m);
    assert.equal(reportIn(tooLarge.stdout).refused, 1);
    const [record] = recordsIn(first);
    assert.deepEqual(
      [record?.state, record?.data_base64, record?.headers],
      ["refused", Buffer.from(big).toString("base64"), { A: ["b"] }],
    );
    assert.match(String(record?.error), /payload/);
    await watcher.whenHeard(2);
    assert.deepEqual(
      watcher.heard.map((msg) => msg.string()),
      ["small", "after"],
    );

    const forbidden = await runCli(t, ["pub", "secret.plan", "x", "--undelivered", second, ...to]);
    assert.equal(forbidden.code, 1);
    assert.match(forbidden.stderr, /1 message: 0 confirmed, 1 refused by the server; 1 written to /);
    assert.deepEqual([recordsIn(second)[0]?.state, reportIn(forbidden.stdout).rejected], ["rejected", 1]);
    for (const { stdout, stderr } of [tooLarge, forbidden]) assert.doesNotMatch(stdout + stderr, /hidden-word/);

    const other = await startNatsServer();
    t.after(() => other.stop());
    const there = await watch(t, other, ">");
    writeFileSync(first, 'not JSON\n{"subject":"data","data":"never read"}\n', { flag: "a" });
    const again = await runCli(t, ["pub", "--from", first, "-s", other.url]);
    assert.equal(again.code, 1);
    assert.match(
      again.stderr,
      /1 message: 1 confirmed; --from: .*first\.jsonl, line 2: is not JSON; the rest of the input was not published$/m,
    );
    await there.whenHeard(1);
    assert.ok(Buffer.from(big).equals(there.heard[0]?.data ?? new Uint8Array(0)));
    assert.deepEqual([there.heard[0]?.subject, there.heard[0]?.headers?.get("A")], ["data", "b"]);
  });
});
