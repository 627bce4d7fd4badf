import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { startNatsServer } from "holdfast/testing";
import { program } from "../../src/program.ts";
import { noServer, runCli } from "../cli.ts";
import { reportIn, scratch, watch } from "../pub/watch.ts";
import { clientsIn } from "./results.ts";

const skip = noServer();

describe("bench pub, sub and req", { concurrency: 2 }, () => {
  test("pub publishes what it says with both clients in turn, and no more: the server counted as many", { skip }, async (t) => {
    const server = await startNatsServer({ monitoring: true });
    t.after(() => server.stop());
    const { heard } = await watch(t, server, "my.bench.>");
    const csv = join(scratch(t), "rounds.csv");
    const amount = ["--msgs", "2001", "--clients", "2", "--rounds", "2", "--size", "20"];
    const { code, stdout, stderr } = await runCli(t, [
      ...["bench", "pub", "my.bench", "--multisubject", "--multisubjectmax", "7", "-H", "Kind:bench", "--csv", csv, "--json"],
      ...[...amount, "--compare", "nats.js", "-s", server.url],
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^holdfast: 2 rounds each of 2,001 messages of 20 bytes to my\.bench, [^ ]+, 2 connections; a short round goes before; Holdfast and nats\.js in turn\n$/,
    );
    const clients = clientsIn(stdout);
    assert.deepEqual(
      clients.map(({ name, messages, confirmed, failures, rounds }) => [name, messages, confirmed, failures, rounds.length]),
      [
        ["holdfast", 4_002, 4_002, {}, 2],
        ["nats.js", 4_002, 4_002, {}, 2],
      ],
    );
    const { ratio } = reportIn(stdout);
    assert.ok(typeof ratio === "object" && ratio !== null && "median" in ratio && Number(ratio.median) > 0);
    // The round that goes before has a tenth.
    const published = 2 * (2 * 2_001 + 201);
    assert.equal((await server.varz()).in_msgs, published);
    assert.equal(heard.length, published);
    assert.equal(new Set(heard.map(({ subject }) => subject)).size, 7);
    assert.ok(heard.every(({ data, headers }) => data.length === 20 && headers?.get("Kind") === "bench"));
    const lines = readFileSync(csv, "utf8").trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^bench,client,version,round,messages,done,/);
    assert.deepEqual(
      lines.slice(1).map((line) => line.split(",").toSpliced(2, 1).slice(0, 5).join()),
      ["pub,holdfast,1,2001,2001", "pub,holdfast,2,2001,2001", "pub,nats.js,1,2001,2001", "pub,nats.js,2,2001,2001"],
    );
  });

  test("sub receives all that its publisher publishes, on every connection", { skip }, async (t) => {
    const server = await startNatsServer({ monitoring: true });
    t.after(() => server.stop());
    const { code, stdout, stderr } = await runCli(t, [
      ...["bench", "sub", "--clients", "3", "--msgs", "2000", "--json", "-s", server.url],
    ]);
    assert.equal(code, 0, stderr);
    const [client] = clientsIn(stdout);
    assert.deepEqual([client?.messages, client?.received, client?.failures], [6_000, 6_000, {}]);
    const { in_msgs, out_msgs } = await server.varz();
    assert.deepEqual([in_msgs, out_msgs], [2_200, 6_600]);
  });

  test("req asks as often as it says, and answers itself when nobody does", { skip }, async (t) => {
    const server = await startNatsServer({ monitoring: true });
    t.after(() => server.stop());
    const { code, stdout, stderr } = await runCli(t, [
      ...["bench", "req", "ask.me", "--msgs", "500", "--outstanding", "8", "--clients", "2", "--json", "-s", server.url],
    ]);
    assert.equal(code, 0, stderr);
    const [client] = clientsIn(stdout);
    assert.deepEqual([client?.messages, client?.answered, reportIn(stdout).ownResponder], [500, 500, true]);
    const { p50 = 0, p90 = 0, p99 = 0, max = 0 } = client?.latencyMs ?? {};
    assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max, JSON.stringify(client?.latencyMs));
    assert.equal(
      (await server.varz()).in_msgs,
      1 + 2 * 550,
      "one to see whether somebody answers; requests and answers, a tenth before",
    );
  });

  test("one line says what is wrong before anything is published", { skip }, async (t) => {
    const server = await startNatsServer({ monitoring: true, config: { max_payload: 1_000 } });
    t.after(() => server.stop());
    const says = async (args: readonly string[], message: RegExp): Promise<void> => {
      const root = program(new AbortController().signal, () => assert.fail("it must not end well"));
      await assert.rejects(root.parseAsync(["bench", ...args, "-s", server.url, "--no-context"], { from: "user" }), message);
    };
    await says(
      ["pub", "--size", "1001"],
      /^Error: --size 1001: this server takes messages of at most 1000 bytes \(its max_payload\)$/,
    );
    await says(
      ["req", "no.body", "--no-responder"],
      /^Error: nobody answers on "no\.body": start `holdfast reply no\.body --echo`, or/,
    );
    await says(["pub", "--csv", "/nonexistent/f"], /^Error: --csv: cannot write \/nonexistent\/f \(ENOENT\)$/);
    await says(["outage", "--html", "/nonexistent/f"], /^Error: cannot write the report to \/nonexistent\/f: /);
    await says(["outage", "--size", "1001"], /^Error: --size 1001: this server takes/);
    assert.equal((await server.varz()).in_msgs, 1, "the request that asked whether somebody is there");
  });
});
