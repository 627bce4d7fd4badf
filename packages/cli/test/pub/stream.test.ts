import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { noServer, runCli, startCli } from "../cli.ts";
import { makeStream, readStream } from "./stream.ts";
import { cutLink, numberedLines, recordsIn, reportIn, startPlace } from "./watch.ts";

const skip = noServer();

describe("pub --jetstream", { concurrency: 2 }, () => {
  test("every line is stored exactly once, through an outage", { skip }, async (t) => {
    const { server, proxy, watcher, folder } = await startPlace(t, "lines", { jetStream: true });
    await makeStream(server, "lines", "lines");
    const lines = numberedLines(3_000);
    const cli = startCli(
      t,
      [
        "pub",
        "lines",
        "-l",
        "-J",
        "--rate",
        "4000",
        "-s",
        proxy.url,
        "--reconnect-time-wait",
        "100ms",
        "--json",
        "--undelivered",
        join(folder, "left"),
      ],
      {},
      lines.join("\n"),
    );
    await watcher.whenHeard(1_000);
    (await cutLink(proxy, 3))();
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 0, stderr);
    const { seconds, duplicates, ...report } = reportIn(stdout);
    assert.ok(Number(seconds) > 0 && Number(duplicates) >= 0);
    assert.deepEqual(report, {
      messages: 3_000,
      stored: 3_000,
      inDoubt: 0,
      rejected: 0,
      unsent: 0,
      refused: 0,
      undelivered: join(folder, "left"),
      written: 0,
      stopped: null,
    });
    assert.deepEqual((await readStream(server, "lines")).sort(), [...lines].sort());
    assert.match(stderr, /^holdfast: 3,000 messages: 3,000 stored/m);
  });

  test("what the stream refuses is in the file with its id; without a stream, or without JetStream, nothing begins", {
    skip,
  }, async (t) => {
    const { server, folder } = await startPlace(t, "none", { jetStream: true });
    const nc = await connect({ servers: server.url });
    t.after(() => nc.close());
    const manager = await jetstreamManager(nc);
    await manager.streams.add({ name: "small", subjects: ["small.>"], max_msg_size: 120 });
    const left = join(folder, "left");
    const input = join(folder, "input");
    writeFileSync(input, `first\n${"x".repeat(200)}\nlast\n`);
    const to = ["-s", server.url, "--jetstream"];
    const refused = await runCli(t, ["pub", "small.a", "--lines", "-f", input, "-H", "A:b", "--undelivered", left, ...to]);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /^holdfast: 3 messages: 2 stored, 1 refused by the stream; 1 written to /m);
    const [record, ...others] = recordsIn(left);
    assert.deepEqual([record?.state, record?.data, others.length], ["rejected", "x".repeat(200), 0]);
    assert.match(String(record?.error), /message size exceeds maximum/);
    assert.match(JSON.stringify(record?.headers), /^\{"A":\["b"\],"Nats-Msg-Id":\["\w+-2"\]\}$/);

    // Its id goes with it: within the stream's window a second copy is not stored.
    const id = '{"subject":"small.a","headers":{"Nats-Msg-Id":["same"]},"data":"same"}\n';
    writeFileSync(left, id + id);
    const again = await runCli(t, ["pub", "--from", left, "--json", "-q", ...to]);
    assert.deepEqual([again.code, reportIn(again.stdout).stored, reportIn(again.stdout).duplicates], [0, 2, 1], again.stderr);
    assert.deepEqual(await readStream(server, "small"), ["first", "last", "same"]);

    const nowhere = await runCli(t, ["pub", "nowhere", "x", ...to]);
    assert.equal(nowhere.code, 2);
    assert.equal(
      nowhere.stderr,
      'holdfast: --jetstream: no stream takes "nowhere": make one with `nats stream add`, or check the subject\n',
    );
  });

  test("Ctrl-C in an outage: what may be stored is in doubt, what was never sent is not, and all of it is in the file", {
    skip,
  }, async (t) => {
    const { server, proxy, watcher, folder } = await startPlace(t, "lines", { jetStream: true });
    await makeStream(server, "lines", "lines");
    const left = join(folder, "left");
    const options = [
      "--count",
      "1000000",
      "--rate",
      "3000",
      "--reconnect-time-wait",
      "100ms",
      "--grace",
      "100ms",
      "--json",
      "--undelivered",
      left,
    ];
    const cli = startCli(t, ["pub", "lines", "{{Count}}", "-J", "-s", proxy.url, ...options]);
    await watcher.whenHeard(1_000);
    await cutLink(proxy, 2);
    await cli.whenTold(/disconnected/);
    cli.child.kill("SIGINT");
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 130, stderr);
    const report = reportIn(stdout);
    const records = recordsIn(left);
    assert.equal(records.length, Number(report.messages) - Number(report.stored));
    assert.equal(report.written, records.length);
    assert.ok(records.length > 0 && records.every(({ state }) => state === "inDoubt" || state === "notStored"));
    const stored = new Set(await readStream(server, "lines"));
    const all = Array.from({ length: Number(report.messages) }, (_, i) => String(i + 1));
    assert.deepEqual(new Set([...stored, ...records.map(({ data }) => String(data))]), new Set(all));
    assert.ok(records.every(({ state, data }) => state !== "notStored" || !stored.has(String(data))));
  });
});
