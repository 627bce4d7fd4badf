/** What takes its time: more processes, more faults. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startFaultProxy, startNatsServer } from "holdfast/testing";
import { generate } from "selfsigned";
import { linkFaultKinds } from "../../src/bench/options.ts";
import { noServer, runCli, startCli } from "../cli.ts";
import { reportIn, scratch } from "../pub/watch.ts";
import { assertAccounted, clientsIn, outageClientsIn } from "./results.ts";

const skip = noServer();
const short = ["bench", "outage", "--before", "300ms", "--outage", "500ms", "--after", "500ms", "--json"];

test("sub receives all that its publisher publishes, on every connection or once a queue group", { skip }, async (t) => {
  const server = await startNatsServer({ monitoring: true });
  t.after(() => server.stop());
  const run = (...more: readonly string[]) => runCli(t, ["bench", "sub", "--clients", "3", "--json", ...more, "-s", server.url]);
  const [all, queue] = await Promise.all([
    run("--msgs", "2000", "--iterator"),
    run("--duration", "150ms", "--queue", "workers", "--size", "1KiB"),
  ]);
  assert.deepEqual([all.code, queue.code], [0, 0], all.stderr + queue.stderr);
  const [ofAll, ofQueue] = [clientsIn(all.stdout)[0], clientsIn(queue.stdout)[0]];
  assert.deepEqual([ofAll?.messages, ofAll?.received], [6_000, 6_000], "each message on three connections");
  assert.ok(ofQueue !== undefined && ofQueue.messages > 0 && ofQueue.received === ofQueue.messages);
  const { in_msgs, out_msgs } = await server.varz();
  assert.equal(Number(out_msgs) - Number(in_msgs), 2 * 2_200, "but for the copies all that was published was received");
});

test("sub --no-publisher waits for what somebody else publishes, and says how many did not come", { skip }, async (t) => {
  const server = await startNatsServer();
  t.after(() => server.stop());
  const { code, stdout, stderr } = await runCli(t, [
    ...["bench", "sub", "a.b", "--no-publisher", "--msgs", "10", "--wait", "200ms", "-s", server.url],
  ]);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /; waiting for them to be published\n/);
  assert.match(stdout, /│ {3}received +│ +0 │\n│ {3}did not come +│ +10 │/);
});

test("req asks as often as it says: of our own responder, or of one that is there", { skip }, async (t) => {
  const server = await startNatsServer({ monitoring: true });
  t.after(() => server.stop());
  const run = (...more: readonly string[]) =>
    runCli(t, ["bench", "req", ...more, "--msgs", "500", "--outstanding", "8", "--json", "-s", server.url]);
  const own = await run("--clients", "2", "--compare", "nats.js", "--rounds", "1");
  assert.equal(own.code, 0, own.stderr);
  assert.equal(reportIn(own.stdout).ownResponder, true);
  const clients = clientsIn(own.stdout);
  assert.deepEqual(
    clients.map(({ name, messages, answered }) => [name, messages, answered]),
    [
      ["holdfast", 500, 500],
      ["nats.js", 500, 500],
    ],
  );
  for (const { latencyMs = {} } of clients) {
    const { p50 = 0, p90 = 0, p99 = 0, max = 0 } = latencyMs;
    assert.ok(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max, JSON.stringify(latencyMs));
  }
  const { ratio } = reportIn(own.stdout);
  assert.ok(typeof ratio === "object" && ratio !== null && "median" in ratio && Number(ratio.median) > 0);
  assert.equal((await server.varz()).in_msgs, 2 * 2 * 550, "requests and answers of both, and a tenth before");

  const nc = await connect({ servers: server.url });
  t.after(() => nc.close());
  let asked = 0;
  nc.subscribe("ask.*", {
    callback: (_, msg) => {
      asked += 1;
      msg.respond();
    },
  });
  await nc.flush();
  const other = await run("ask.me");
  assert.equal(other.code, 0, other.stderr);
  assert.match(other.stderr, /, answered by somebody else;/);
  assert.equal(reportIn(other.stdout).ownResponder, false);
  assert.equal(asked, 551, "one to see whether somebody answers");
});

test("what the server refuses is not counted as published, and the exit code says so", { skip }, async (t) => {
  const config = { authorization: { users: [{ user: "u", password: "p", permissions: { publish: ["_INBOX.>"] } }] } };
  const server = await startNatsServer({ config });
  t.after(() => server.stop());
  const { code, stdout, stderr } = await runCli(t, [
    ...["bench", "pub", "--msgs", "50", "--user", "u", "--password", "p", "-s", server.url],
  ]);
  assert.equal(code, 1, stderr);
  assert.match(stdout, /│ {3}confirmed +│ +0 │\n│ {3}refused by the server +│ +50 │/);
});

test("Ctrl-C ends it, and its processes", { skip: skip || process.platform !== "linux" }, async (t) => {
  const server = await startNatsServer({ monitoring: true });
  t.after(() => server.stop());
  const cli = startCli(t, ["bench", "sub", "--duration", "1m", "--compare", "nats.js", "-s", server.url]);
  await cli.whenTold(/in turn/);
  while (Number((await server.varz()).in_msgs) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  // As a terminal does: the whole process group.
  process.kill(-(cli.child.pid ?? 0), "SIGINT");
  const { code, stdout, stderr } = await cli.ended;
  assert.deepEqual([code, stdout], [130, ""], stderr);
  assert.deepEqual(await cli.leftovers(), []);
});

test("a small buffer: what was dropped is handed back, and nothing else; refusals are counted", { skip }, async (t) => {
  const server = await startNatsServer();
  t.after(() => server.stop());
  const run = (...more: readonly string[]) =>
    runCli(t, [...short, "--rate", "2000", "--buffer-bytes", "32KiB", "--fault", "refuse", ...more, "-s", server.url]);
  const [dropping, refusing] = await Promise.all([run("--when-full", "drop-oldest"), run()]);
  assert.deepEqual([dropping.code, refusing.code], [0, 0], dropping.stderr + refusing.stderr);
  const [dropped] = outageClientsIn(dropping.stdout);
  const [refused] = outageClientsIn(refusing.stdout);
  assert.ok(dropped !== undefined && refused !== undefined);
  for (const client of [dropped, refused]) {
    assertAccounted(client, 2_600);
    assert.equal(client.lostSilently, 0);
    assert.ok((client.greatestHeldBytes ?? 0) <= 32 * 1024);
  }
  assert.ok((dropped.handedBackByState?.dropped ?? 0) > 100 && dropped.refused === 0);
  assert.ok(refused.refused > 100 && refused.handedBack === refused.inDoubt);
});

test("at-least-once through a black hole, over TLS, to a server that demands a password: all arrive", { skip }, async (t) => {
  const folder = scratch(t);
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const localhost = { name: "subjectAltName" as const, altNames: [{ type: 2 as const, value: "localhost" }] };
  const pems = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", extensions: [localhost] });
  writeFileSync(cert, pems.cert);
  writeFileSync(key, pems.private);
  const server = await startNatsServer({
    config: { tls: { cert_file: cert, key_file: key }, authorization: { users: [{ user: "ann", password: "pass-word" }] } },
  });
  t.after(() => server.stop());
  const { code, stdout, stderr } = await runCli(t, [
    ...[
      ...short,
      "--rate",
      "2000",
      "--fault",
      "blackhole",
      "--at-least-once",
      "--stall-timeout",
      "200ms",
      "--compare",
      "nats.js",
    ],
    // The certificate is for this name; the proxy has another one.
    ...["--tlsca", cert, "-s", `nats://ann:pass-word@localhost:${server.port}`],
  ]);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr + stdout, /pass-word/);
  const [ours, theirs] = outageClientsIn(stdout);
  assert.ok(ours !== undefined && theirs !== undefined);
  assertAccounted(ours, 2_600);
  assertAccounted(theirs, 2_600);
  assert.deepEqual([ours.arrived, ours.handedBack], [2_600, 0]);
  assert.ok((ours.counts?.resent ?? 0) > 0);
});

test("bench pub through a link that breaks: what is not known to be confirmed is not counted, of either client", {
  skip,
}, async (t) => {
  const server = await startNatsServer();
  t.after(() => server.stop());
  const proxy = await startFaultProxy({ upstream: server });
  t.after(() => proxy.stop());
  const cli = startCli(t, [
    ...["bench", "pub", "--duration", "1s", "--rounds", "1", "--compare", "nats.js", "--json", "-s", proxy.url],
  ]);
  // Not while they connect.
  while (proxy.bytes.toServer < 100_000) await new Promise((resolve) => setTimeout(resolve, 5));
  const cuts = setInterval(() => void proxy.cut(), 150);
  t.after(() => clearInterval(cuts));
  const { code, stdout, stderr } = await cli.ended;
  assert.equal(code, 1, stderr);
  const [ours, theirs] = clientsIn(stdout);
  assert.ok(ours !== undefined && theirs !== undefined);
  assert.ok((ours.failures["in doubt"] ?? 0) > 0);
  assert.equal((ours.confirmed ?? 0) + (ours.failures["in doubt"] ?? 0) + (ours.failures.refused ?? 0), ours.messages);
  assert.deepEqual([theirs.confirmed, theirs.failures], [0, { "not known (the connection was lost)": theirs.messages }]);
});

for (const fault of linkFaultKinds) {
  test(`bench outage --fault ${fault}: every message is accounted for at either delivery level`, { skip }, async (t) => {
    const server = await startNatsServer();
    t.after(() => server.stop());
    for (const level of [[], ["--at-least-once"]]) {
      const { code, stdout, stderr } = await runCli(t, [
        ...short,
        "--fault",
        fault,
        "--rate",
        "5000",
        ...level,
        "-s",
        server.url,
      ]);
      assert.equal(code, 0, stderr);
      const [client] = outageClientsIn(stdout);
      assert.ok(client !== undefined);
      assertAccounted(client, 6_500);
      assert.deepEqual([client.lostSilently, client.countsAgree], [0, true]);
      if (level.length > 0) assert.deepEqual([client.arrived, client.handedBack], [6_500, 0]);
    }
  });
}
